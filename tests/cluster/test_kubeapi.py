"""The collector on the lab's real API server: exact changes, nothing lost, and the same view as kubectl's."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tapio.collectors.kubeapi import KubeApiCollector, snapshot
from tapio.errors import ForbiddenError, UnreachableError
from tapio.kube import KINDS, Kind, KubeClient, load
from tapio.raw import RawEvent
from tests.lab.lab import Lab
from tests.lab.progress import PATIENCE_S
from tests.waiting import until

pytestmark = pytest.mark.lab
Json = dict[str, Any]


class Sink:
    """Takes everything, and remembers what was said of one namespace and of none."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.events: list[RawEvent] = []

    async def emit(self, events: Sequence[RawEvent]) -> None:
        self.events += (event for event in events if event.metadata.k8s_namespace in (self.namespace, ""))

    def of(self, type_: str, name: str = "") -> list[RawEvent]:
        return [event for event in self.events if event.type == type_ and name in ("", event.metadata.k8s_name)]


def record(event: RawEvent) -> Json:
    decoded: Json = json.loads(bytes(event.record))
    return decoded


def changes(events: Sequence[RawEvent]) -> list[Json]:
    return [change for event in events for change in record(event).get("changes", ())]


@asynccontextmanager
async def collecting(
    lab: Lab,
    folder: Path,
    sink: Sink,
    *,
    kubeconfig: Path | None = None,
    namespace: str | None = None,
    client: type[KubeClient] = KubeClient,
) -> AsyncIterator[KubeApiCollector]:
    async with client(load(kubeconfig or lab.kubeconfig)) as opened:
        collector = KubeApiCollector(opened, list(KINDS.values()), folder, namespace=namespace)
        task = asyncio.create_task(collector.run(sink.emit))
        try:
            yield collector
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def config(**data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}, "data": data}


def deployment(replicas: int = 0) -> Json:
    container = {"name": "app", "image": "registry.tapio.lab/none:1", "env": [{"name": "DB_HOST", "value": "db"}]}
    labels = {"app": "shop"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}


def remark(name: str, namespace: str) -> Json:
    """An Event about a ConfigMap."""
    about = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "namespace": namespace}
    said = {"reason": "Remarked", "message": "it is there", "type": "Normal"}
    return {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "remark"}, "involvedObject": about, **said}


async def all_is_listed(sink: Sink) -> None:
    """Events are listed when all else is, so by the time one is told, where each other kind goes on is remembered."""
    await until(lambda: bool(sink.of("event_created", "remark")), every_s=0.05)


async def kubectl(lab: Lab, *args: str) -> str:
    return await asyncio.to_thread(lab.kubectl, *args)


async def apply(lab: Lab, namespace: str, *objects: Json) -> None:
    await asyncio.to_thread(lab.apply, list(objects), namespace)


async def patch(lab: Lab, namespace: str, target: str, body: Json) -> None:
    await kubectl(lab, "patch", target, f"--namespace={namespace}", "--patch", json.dumps(body))


async def test_the_exact_changes_and_who_made_them(lab: Lab, lab_namespace: str, tmp_path: Path) -> None:
    sink = Sink(lab_namespace)
    async with collecting(lab, tmp_path, sink):
        await apply(lab, lab_namespace, config(DB_HOST="db"), deployment())
        await until(lambda: bool(sink.of("deployment_created") and sink.of("configmap_created", "cfg")), every_s=0.05)
        await patch(lab, lab_namespace, "configmap/cfg", {"data": {"DB_HOST": "db-new"}})
        env = f"--namespace={lab_namespace}"
        await kubectl(lab, "set", "env", "deployment/shop", "DB_HOST=db-new", env)
        await until(lambda: bool(changes(sink.of("deployment_modified"))), every_s=0.05)
        await until(lambda: bool(changes(sink.of("configmap_modified"))), every_s=0.05)
        await kubectl(lab, "delete", "deployment/shop", "configmap/cfg", env)
        await until(lambda: bool(sink.of("deployment_deleted") and sink.of("configmap_deleted", "cfg")), every_s=0.05)
    [of_config] = changes(sink.of("configmap_modified"))
    assert (of_config["field"], of_config["before"], of_config["after"]) == ("data.DB_HOST", "db", "db-new")
    assert of_config["manager"] == "kubectl-patch"
    assert of_config["at"]
    [of_workload] = changes(sink.of("deployment_modified"))
    assert of_workload["field"] == "spec.template.spec.containers[app].env[DB_HOST].value"
    assert (of_workload["before"], of_workload["after"], of_workload["manager"]) == ("db", "db-new", "kubectl-set")
    text = b"".join(bytes(event.data) for event in sink.events)
    assert b"managedFields" not in text
    assert b"last-applied-configuration" not in text


async def test_pods_and_their_events_know_their_deployment(lab: Lab, lab_namespace: str, tmp_path: Path) -> None:
    sink = Sink(lab_namespace)
    async with collecting(lab, tmp_path, sink):
        await apply(lab, lab_namespace, deployment(replicas=2))
        await until(lambda: len(sink.of("pod_modified")) >= 4 and len(sink.of("event_created")) >= 6, every_s=0.05)
    root = f"Deployment/{lab_namespace}/shop"
    owned = [*sink.of("pod_created"), *sink.of("pod_modified"), *sink.of("replicaset_created")]
    assert {event.metadata.k8s_root for event in owned} == {root}
    assert {event.metadata.k8s_root for event in sink.of("event_created")} == {root}


def late_owners(sink: Sink) -> type[KubeClient]:
    """A client that hears of the namespace's ReplicaSets only when a pod has been told of."""

    class LateOwners(KubeClient):
        async def lines(
            self, path: str, params: Mapping[str, str], *, idle_s: float, accept: str | None = None
        ) -> AsyncGenerator[list[bytes]]:
            async with aclosing(super().lines(path, params, idle_s=idle_s, accept=accept)) as lines:
                async for together in lines:
                    if path.endswith("/replicasets") and any(sink.namespace.encode() in line for line in together):
                        await until(lambda: bool(sink.of("pod_created")), every_s=0.05)
                    yield together

    return LateOwners


async def test_pods_whose_owner_is_heard_of_late_are_filed_under_it(
    lab: Lab, lab_namespace: str, tmp_path: Path
) -> None:
    sink = Sink(lab_namespace)
    async with collecting(lab, tmp_path, sink, client=late_owners(sink)):
        await until(lambda: bool(sink.of("configmap_created")), every_s=0.05)
        await apply(lab, lab_namespace, deployment(replicas=1))
        await until(lambda: bool(sink.of("replicaset_created")), every_s=0.05)
    pods = [event for event in sink.events if event.type.startswith("pod_")]
    replica_set = sink.events.index(sink.of("replicaset_created")[0])
    assert sink.events.index(pods[0]) < replica_set
    assert {event.metadata.k8s_root for event in pods} == {f"Deployment/{lab_namespace}/shop"}


def _crd(group: str) -> Json:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "rollouts", "singular": "rollout", "kind": "Rollout", "listKind": "RolloutList"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"rollouts.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


async def test_a_custom_resource_that_owns_workloads_is_discovered_and_followed(
    lab: Lab, lab_namespace: str, tmp_path: Path
) -> None:
    group, sink, where = f"{lab_namespace}.tapio.dev", Sink(lab_namespace), f"--namespace={lab_namespace}"
    await apply(lab, lab_namespace, _crd(group))
    try:
        await kubectl(lab, "wait", "--for=condition=Established", f"crd/rollouts.{group}", f"--timeout={PATIENCE_S}s")
        served = ("get", "--raw", f"/apis/{group}/v1")  # established is a moment before
        await asyncio.to_thread(lab.wait, lambda: "rollouts" in lab.kubectl(*served), what="it is served")
        rollout = {"apiVersion": f"{group}/v1", "kind": "Rollout", "metadata": {"name": "shop"}, "spec": {"steps": 3}}
        async with collecting(lab, tmp_path, sink):
            await until(lambda: bool(sink.of("configmap_created")), every_s=0.05)
            await apply(lab, lab_namespace, rollout)
            owner = await asyncio.to_thread(lab.get, f"rollouts.{group}", "shop", lab_namespace)
            ref = {"apiVersion": owner["apiVersion"], "kind": "Rollout", "name": "shop", "controller": True}
            ref["uid"] = owner["metadata"]["uid"]
            owned = deployment()
            owned["metadata"]["ownerReferences"] = [ref]
            await apply(lab, lab_namespace, owned)
            await until(lambda: bool(sink.of("rollout_created")), every_s=0.05)
            await kubectl(lab, "annotate", f"rollouts.{group}", "shop", "by=hand", where)
            await until(lambda: bool(sink.of("rollout_modified")), every_s=0.05)
    finally:
        await kubectl(lab, "delete", "crd", f"rollouts.{group}", "--wait=false")
    roots = {
        event.metadata.k8s_root for event in sink.events if event.metadata.k8s_kind in ("Deployment", "ReplicaSet")
    }
    assert roots == {f"Rollout/{lab_namespace}/shop"}
    assert "spec" not in record(sink.of("rollout_created")[0])["object"]  # it is followed by its metadata alone


async def test_nothing_is_lost_across_a_restart(lab: Lab, lab_namespace: str, tmp_path: Path) -> None:
    first, second = Sink(lab_namespace), Sink(lab_namespace)
    await apply(lab, lab_namespace, config(A="0"), remark("cfg", lab_namespace))
    async with collecting(lab, tmp_path, first):
        await all_is_listed(first)
    assert first.of("configmap_created", "cfg")
    for step in range(1, 6):
        await patch(lab, lab_namespace, "configmap/cfg", {"data": {"A": str(step)}})
    await kubectl(lab, "create", "configmap", "other", f"--namespace={lab_namespace}")
    await kubectl(lab, "delete", "configmap", "cfg", f"--namespace={lab_namespace}")
    async with collecting(lab, tmp_path, second):
        await until(lambda: bool(second.of("configmap_deleted", "cfg")), every_s=0.05)
    steps = [(change["before"], change["after"]) for change in changes(second.of("configmap_modified", "cfg"))]
    assert steps == [(str(n), str(n + 1)) for n in range(5)]
    assert second.of("configmap_created", "other")
    assert not second.of("configmap_created", "cfg")
    assert not second.of("loss")


@pytest.mark.parametrize(
    "kind", ["ConfigMap", "ServiceAccount", "Deployment", "ReplicaSet", "ClusterRole", "PriorityClass"]
)
async def test_one_look_sees_what_kubectl_sees(lab: Lab, lab_namespace: str, kind: str) -> None:
    await apply(lab, lab_namespace, config(A="0"), deployment())
    await asyncio.to_thread(lab.wait, lambda: lab.list("replicasets", lab_namespace), what="the ReplicaSet")
    seen, theirs = await seen_at_rest(lab, lab_namespace, KINDS[kind])
    assert seen.keys() == theirs.keys()
    for name, item in theirs.items():
        item["metadata"].get("annotations", {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
        if kind != "ConfigMap" or name == "cfg":
            assert seen[name].get("spec") == item.get("spec")
            assert seen[name].get("data") == item.get("data")
            assert seen[name]["metadata"] == item["metadata"]


async def seen_at_rest(lab: Lab, namespace: str, kind: Kind) -> tuple[dict[str, Json], dict[str, Json]]:
    """What one look and kubectl see, by name, at a time when nothing of the kind moves: a controller may still act."""

    async def theirs() -> dict[str, Json]:
        found = await asyncio.to_thread(lab.list, kind.plural, namespace)
        return {item["metadata"]["name"]: item for item in found}

    async with KubeClient(load(lab.kubeconfig)) as client:
        async with asyncio.timeout(PATIENCE_S):
            before = await theirs()
            while True:
                look = await snapshot(client, [kind], namespace)
                after = await theirs()
                if before == after:
                    return {event.metadata.k8s_name: record(event)["object"] for event in look.events}, after
                before = after


async def test_every_kind_is_served_and_no_secret_is_read(lab: Lab, lab_namespace: str) -> None:
    canary = "canary-4Zt8wQ1nRb6KxE"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"password": canary}}
    await apply(lab, lab_namespace, secret)
    async with KubeClient(load(lab.kubeconfig)) as client:
        look = await snapshot(client, list(KINDS.values()))
    assert look.lacking == ()
    assert ("secret_created", "keys") in {(event.type, event.metadata.k8s_name) for event in look.events}
    assert {"lease_created", "clusterrole_created"} <= {event.type for event in look.events}
    told = b"".join(bytes(event.data) for event in look.events)
    assert canary.encode() not in told
    assert base64.b64encode(canary.encode()) not in told


async def test_one_look_finds_the_change_behind_a_rollout(lab: Lab, lab_namespace: str) -> None:
    await apply(lab, lab_namespace, deployment())
    await asyncio.to_thread(lab.wait, lambda: lab.list("replicasets", lab_namespace), what="the ReplicaSet")
    await kubectl(lab, "set", "env", "deployment/shop", "DB_HOST=db-new", f"--namespace={lab_namespace}")
    await asyncio.to_thread(lab.wait, lambda: len(lab.list("replicasets", lab_namespace)) == 2, what="the second")
    async with KubeClient(load(lab.kubeconfig)) as client:
        look = await snapshot(client, [KINDS["Deployment"], KINDS["ReplicaSet"]], lab_namespace)
    [found] = [event for event in look.events if event.type == "deployment_created"]
    [change] = record(found)["changes"]
    assert change["field"] == "spec.template.spec.containers[app].env[DB_HOST].value"
    assert (change["before"], change["after"], change["manager"]) == ("db", "db-new", "kubectl-set")


async def test_rights_in_one_namespace_are_enough_for_a_look(lab: Lab, lab_namespace: str, tmp_path: Path) -> None:
    where = f"--namespace={lab_namespace}"
    await apply(lab, lab_namespace, config(A="0"))
    await kubectl(lab, "create", "role", "reader", "--verb=get,list,watch", "--resource=configmaps", where)
    await kubectl(
        lab, "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={lab_namespace}:default", where
    )
    await asyncio.to_thread(lab.wait_until_allowed, "default", "list", "configmaps", lab_namespace)
    token = (await kubectl(lab, "create", "token", "default", where)).strip()
    path = tmp_path / "reader.kubeconfig"
    path.write_text(_as_user(lab.kubeconfig, {"token": token}))
    async with KubeClient(load(path)) as client:
        look = await snapshot(client, [KINDS["ConfigMap"], KINDS["Node"], KINDS["Pod"]], lab_namespace)
        assert {lack.kind for lack in look.lacking} == {"Node", "Pod"}
        assert "cfg" in {event.metadata.k8s_name for event in look.events}
        with pytest.raises(ForbiddenError, match="cannot list resource"):
            await snapshot(client, [KINDS["Node"]])


async def test_refused_credentials_and_a_server_that_is_away(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "stranger.kubeconfig"
    path.write_text(_as_user(lab.kubeconfig, {"token": "expired"}))
    async with KubeClient(load(path)) as client:
        with pytest.raises(ForbiddenError, match="refuses the credentials"):
            await snapshot(client, [KINDS["Pod"]])
    path.write_text(path.read_text().replace(lab.server_url, "https://127.0.0.1:1"))
    async with KubeClient(load(path)) as client:
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
            await snapshot(client, [KINDS["Pod"]])


def _as_user(kubeconfig: Path, user: Json) -> str:
    """The lab's kubeconfig with another user in it."""
    import yaml  # noqa: PLC0415  only here

    document = yaml.safe_load(kubeconfig.read_text())
    document["users"] = [{"name": entry["name"], "user": user} for entry in document["users"]]
    return json.dumps(document)


@pytest.mark.alone
async def test_a_restarted_and_compacted_api_server_is_followed_without_loss(
    lab: Lab, lab_namespace: str, tmp_path: Path
) -> None:
    """Stands last: everybody's watches break. One collector runs through it, one comes back when its past is gone."""
    through, back, where = Sink(lab_namespace), Sink(lab_namespace), f"--namespace={lab_namespace}"
    await apply(lab, lab_namespace, config(A="0"), remark("cfg", lab_namespace))
    await kubectl(lab, "create", "configmap", "doomed", where)
    async with collecting(lab, tmp_path / "back", back):
        await all_is_listed(back)
    assert back.of("configmap_created", "doomed")
    assert back.of("configmap_created", "cfg")
    async with collecting(lab, tmp_path / "through", through):
        await until(lambda: bool(through.of("configmap_created", "cfg")), every_s=0.05)
        await patch(lab, lab_namespace, "configmap/cfg", {"data": {"A": "1"}})
        await kubectl(lab, "delete", "configmap", "doomed", where)
        await until(lambda: bool(through.of("configmap_deleted", "doomed")), every_s=0.05)
        await asyncio.to_thread(lab.restart_apiserver, compacted=True)
        await patch(lab, lab_namespace, "configmap/cfg", {"data": {"A": "2"}})
        await until(lambda: len(changes(through.of("configmap_modified", "cfg"))) == 2, every_s=0.05)
    async with collecting(lab, tmp_path / "back", back):
        await until(lambda: bool(_blind(back, "ConfigMap")), every_s=0.05)
    steps = [(change["before"], change["after"]) for change in changes(through.of("configmap_modified", "cfg"))]
    assert steps == [("0", "1"), ("1", "2")]
    assert not through.of("configmap_deleted", "cfg")
    [change] = changes(back.of("configmap_modified", "cfg"))
    assert (change["before"], change["after"]) == ("0", "2")
    assert [event.metadata.relisted for event in back.of("configmap_deleted")] == [True]
    [loss] = _blind(back, "ConfigMap")
    assert (loss["cause"], loss["from"] < loss["to"]) == ("expired", True)


def _blind(sink: Sink, kind: str) -> list[Json]:
    return [found for found in map(record, sink.of("loss")) if found["kind"] == kind and found["to"]]
