"""The collector against a server that misbehaves: what it emits, and what it remembers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tapio.collectors.kubeapi import KubeApiCollector, leases, lineage, snapshot
from tapio.collectors.kubeapi import collector as collector_module
from tapio.collectors.kubeapi.collector import FILE
from tapio.errors import ForbiddenError, UnreachableError
from tapio.kube import KINDS, Cluster, KubeClient, Pace, kinds_named
from tapio.pipeline.local import unify_events
from tapio.raw import RawEvent, encode, event_id
from tests.integration.misbehaving_api import (
    FakeTime,
    MisbehavingApi,
    bookmark,
    line,
    misbehaving_api,
    obj,
    page,
    refuse,
    say,
)
from tests.waiting import DEADLINE_S, until

Json = dict[str, Any]
CANARY = "canary-7Hq2zR9tXv4LpW"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner is asked for until it is found, however slow the machine."""
    monkeypatch.setattr(lineage, "_PATIENCE_S", DEADLINE_S)


@pytest.fixture
async def api() -> AsyncIterator[MisbehavingApi]:
    async with misbehaving_api() as server:
        yield server


class Sink:
    """Takes batches. While `broken`, nothing becomes durable."""

    def __init__(self) -> None:
        self.events: list[RawEvent] = []
        self.batches: list[int] = []
        self.broken = False

    async def emit(self, events: Sequence[RawEvent]) -> None:
        if self.broken:
            raise UnreachableError("the broker is away")
        self.events += events
        self.batches.append(len(events))

    def told(self) -> list[tuple[str, str]]:
        return [(event.type, event.metadata.k8s_name) for event in self.events]

    def of(self, type_: str) -> list[Json]:
        return [record(event) for event in self.events if event.type == type_]


def record(event: RawEvent) -> Json:
    decoded: Json = json.loads(bytes(event.record))
    return decoded


@asynccontextmanager
async def collecting(
    api: MisbehavingApi,
    folder: Path,
    *,
    kinds: Sequence[str] = ("ConfigMap",),
    sink: Sink | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[tuple[Sink, KubeApiCollector]]:
    sink, time = sink or Sink(), FakeTime()
    async with KubeClient(api.cluster) as client:
        collector = KubeApiCollector(
            client,
            kinds_named(kinds),
            folder,
            pace=lambda: Pace(clock=time.clock, sleep=time.sleep),
            now=now,
        )
        task = asyncio.create_task(collector.run(sink.emit))
        try:
            yield sink, collector
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def config(name: str, version: int, **data: str) -> Json:
    return obj(name, version, data=data)


async def test_the_first_listing_is_created_and_what_follows_is_modified(api: MisbehavingApi, tmp_path: Path) -> None:
    api.will_list(page(config("a", 3, DB_HOST="db"), version=5))
    changed = config("a", 6, DB_HOST="db-new")
    fields: Json = {"f:data": {"f:DB_HOST": {}}}
    changed["metadata"]["managedFields"] = [
        {"manager": "kubectl-edit", "time": "2026-01-01T10:00:00Z", "fieldsV1": fields}
    ]
    api.will_watch(say(line("MODIFIED", changed), line("DELETED", config("a", 7, DB_HOST="db-new"))))
    async with collecting(api, tmp_path) as (sink, _):
        await until(lambda: len(sink.events) == 3)
    assert sink.told() == [("configmap_created", "a"), ("configmap_modified", "a"), ("configmap_deleted", "a")]
    created, modified, deleted = map(record, sink.events)
    assert (created["type"], modified["type"], deleted["type"]) == ("ADDED", "MODIFIED", "DELETED")
    assert "changes" not in created
    assert modified["changes"] == [
        {
            "field": "data.DB_HOST",
            "before": "db",
            "after": "db-new",
            "manager": "kubectl-edit",
            "at": "2026-01-01T10:00:00Z",
        }
    ]
    assert "changes" not in deleted
    assert all("managedFields" not in told["object"]["metadata"] for told in (created, modified, deleted))
    assert sink.events[1].timestamp.hour == 10
    assert sink.events[2].metadata.observed_at


async def test_a_restart_resumes_and_compares_with_what_was_known(api: MisbehavingApi, tmp_path: Path) -> None:
    api.will_list(page(config("a", 3, DB_HOST="db"), version=5))
    api.will_watch(say(bookmark(8)), say(line("MODIFIED", config("a", 9, DB_HOST="db-new"))))
    async with collecting(api, tmp_path) as (sink, collector):
        await until(lambda: len(sink.events) == 1)
        await until(lambda: len(api.asked("watch")) == 1 and collector.observe().last_seen is not None)
        await until(lambda: _position(tmp_path) == "8")
    async with collecting(api, tmp_path) as (again, _):
        await until(lambda: len(again.events) == 1)
    assert len(api.asked("list")) == 1
    assert api.asked("watch")[1]["resourceVersion"] == "8"
    assert again.of("configmap_modified")[0]["changes"][0]["before"] == "db"


async def test_what_was_not_durable_is_said_again(api: MisbehavingApi, tmp_path: Path) -> None:
    listed = page(config("a", 3, DB_HOST="db"), version=5)
    api.will_list(listed, listed)
    broken = Sink()
    broken.broken = True
    async with KubeClient(api.cluster) as client:
        with pytest.raises(UnreachableError, match="the broker is away"):
            await KubeApiCollector(client, kinds_named(["ConfigMap"]), tmp_path).run(broken.emit)
    async with collecting(api, tmp_path) as (sink, _):
        await until(lambda: len(sink.events) == 1)
    assert sink.told() == [("configmap_created", "a")]


async def test_a_relist_tells_what_happened_unseen(api: MisbehavingApi, tmp_path: Path) -> None:
    before = [config("kept", 1, A="1"), config("moved", 2, A="1"), config("gone", 3, A="1")]
    api.will_list(page(*before, version=5), page(before[0], config("moved", 8, A="2"), config("new", 9), version=12))
    api.will_watch(refuse(410, "Expired"))
    async with collecting(api, tmp_path) as (sink, _):
        await until(lambda: len(sink.events) == 7)
    assert sorted(sink.told()[3:]) == [
        ("configmap_created", "new"),
        ("configmap_deleted", "gone"),
        ("configmap_modified", "moved"),
        ("loss", ""),
    ]
    later = {event.metadata.k8s_name: event for event in sink.events[3:]}
    assert all(later[name].metadata.relisted is True for name in ("new", "gone", "moved"))
    assert record(later["moved"])["changes"][0] | {"manager": None} == {
        "field": "data.A", "before": "1", "after": "2", "manager": None, "at": None,
    }  # fmt: skip
    assert record(later["gone"])["object"]["data"] == {"A": "1"}
    loss = record(later[""])
    assert (loss["cause"], loss["count"], loss["kind"]) == ("expired", 0, "ConfigMap")
    assert loss["from"] <= loss["to"]
    assert len({event_id(event) for event in sink.events}) == 7


async def test_a_forbidden_kind_turns_off_alone(api: MisbehavingApi, tmp_path: Path) -> None:
    api.always["nodes"] = refuse(403, "Forbidden", "no")
    api.will_list(page(config("a", 3), version=5))
    async with collecting(api, tmp_path, kinds=["Node", "ConfigMap"]) as (sink, collector):
        await until(lambda: len(sink.events) == 2)
        assert collector.observe().denied == {"Node": "forbidden: Node"}
    assert ("configmap_created", "a") in sink.told()
    assert sink.of("loss")[0]["cause"] == "forbidden: Node"
    assert sink.of("loss")[0]["to"] is None


async def test_a_server_that_is_away_is_declared_while_it_is_and_withdrawn_when_nothing_was_missed(
    api: MisbehavingApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SWEEP_S", 0.02)
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    api.will_list(page(config("a", 3), version=5))
    storm = [refuse(500, "InternalError", "etcd is away")] * 3
    back = asyncio.Event()

    async def comes_back(request: Any) -> Any:
        await back.wait()
        return await say(line("MODIFIED", config("a", 9)))(request)

    api.will_watch(say(bookmark(8), hold=False), *storm, comes_back)
    async with collecting(api, tmp_path, now=lambda: now) as (sink, collector):
        await until(lambda: collector.observe().troubles.get("refused") == len(storm))
        assert not sink.of("loss")
        now += timedelta(seconds=30)
        await until(lambda: len(sink.of("loss")) == 1)
        back.set()
        await until(lambda: len(sink.of("loss")) == 2)
        await until(lambda: bool(sink.of("configmap_modified")))
    while_away, withdrawn = sink.of("loss")
    assert (while_away["cause"], while_away["kind"], while_away["to"]) == ("unreachable", "", None)
    assert withdrawn["from"] == withdrawn["to"] == while_away["from"]


async def test_a_server_that_is_away_before_anything_was_read_is_declared_too(
    api: MisbehavingApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SWEEP_S", 0.02)
    began, sink, time = datetime.now(UTC), Sink(), FakeTime()
    nobody = Cluster(server="http://127.0.0.1:1", origin="a test")
    async with KubeClient(nobody) as client:
        pace = partial(Pace, clock=time.clock, sleep=time.sleep)
        now = lambda: began + timedelta(seconds=time.now - 1000)  # noqa: E731  the pace's clock as a date
        collector = KubeApiCollector(client, kinds_named(["ConfigMap"]), tmp_path, pace=pace, now=now)
        task = asyncio.create_task(collector.run(sink.emit))
        await until(lambda: len(sink.of("loss")) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with collecting(api, tmp_path) as (again, _):  # who was killed in between withdraws it
        await until(lambda: len(again.of("loss")) == 1)
    assert [lost["to"] for lost in (*sink.of("loss"), *again.of("loss"))] == [None, sink.of("loss")[0]["from"]]


def _owned(kind: str, name: str, version: int, owner: tuple[str, str] | None = None) -> Json:
    refs = [{"kind": owner[0], "name": owner[1], "uid": "u", "controller": True}] if owner else []
    return obj(name, version, kind=kind, metadata={"ownerReferences": refs}, spec={})


async def test_owners_are_listed_before_what_they_own(api: MisbehavingApi, tmp_path: Path) -> None:
    api.will_list(page(_owned("Pod", "p", 1, ("ReplicaSet", "r")), version=5), plural="pods")
    api.will_list(page(_owned("ReplicaSet", "r", 1, ("Deployment", "d")), version=5), plural="replicasets")
    api.will_list(page(_owned("Deployment", "d", 1), version=5), plural="deployments")
    about = {"kind": "Pod", "namespace": "shop", "name": "p"}
    api.will_list(page(obj("e", 2, kind="Event", involvedObject=about), version=5), plural="events")
    async with collecting(api, tmp_path, kinds=["Event", "Pod", "ReplicaSet", "Deployment"]) as (sink, _):
        await until(lambda: len(sink.events) == 4)
    assert {event.metadata.k8s_root for event in sink.events} == {"Deployment/shop/d"}


async def test_an_event_waits_a_moment_for_an_owner_that_is_on_its_way(
    api: MisbehavingApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_module, "_OWNER_S", DEADLINE_S)  # a moment, on the slowest machine
    ready = asyncio.Event()

    async def late(request: Any) -> Any:
        await ready.wait()
        return await say(line("ADDED", _owned("ReplicaSet", "r", 7, ("Deployment", "d"))))(request)

    async def early(request: Any) -> Any:
        asyncio.get_running_loop().call_later(0.1, ready.set)
        return await say(line("ADDED", _owned("Pod", "p", 8, ("ReplicaSet", "r"))))(request)

    api.will_watch(late, plural="replicasets")
    api.will_watch(early, plural="pods")
    async with collecting(api, tmp_path, kinds=["Pod", "ReplicaSet"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    assert {event.metadata.k8s_root for event in sink.events} == {"Deployment/shop/d"}
    assert not api.asked("list", "r")


async def test_an_owner_that_does_not_come_is_asked_for(api: MisbehavingApi, tmp_path: Path) -> None:
    replica_set = _owned("ReplicaSet", "r", 7, ("Deployment", "d"))
    deployment = {**_owned("Deployment", "d", 6), "kind": "PartialObjectMetadata"}
    api.always |= {"r": _is(replica_set), "d": _is(deployment)}
    api.will_watch(say(line("ADDED", _owned("Pod", "p", 8, ("ReplicaSet", "r")))), plural="pods")
    async with collecting(api, tmp_path, kinds=["Pod", "ReplicaSet", "Deployment"]) as (sink, _):
        await until(lambda: len(sink.events) == 1)
    assert sink.events[0].metadata.k8s_root == "Deployment/shop/d"
    form = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    assert {("list", "r", form), ("list", "d", form)} <= set(api.accepted)


async def test_pods_that_are_listed_anew_before_their_owners_are_filed_under_them(
    api: MisbehavingApi, tmp_path: Path
) -> None:
    api.will_list(page(version=5), page(_owned("Pod", "p", 8, ("ReplicaSet", "r")), version=12), plural="pods")
    api.will_watch(refuse(410, "Expired"), plural="pods")
    api.always["r"] = _is(_owned("ReplicaSet", "r", 7, ("Deployment", "d")))
    async with collecting(api, tmp_path, kinds=["Pod", "ReplicaSet"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    [pod] = [event for event in sink.events if event.type == "pod_created"]
    assert pod.metadata.k8s_root == "Deployment/shop/d"


async def test_an_owner_that_is_gone_is_asked_for_once(api: MisbehavingApi, tmp_path: Path) -> None:
    api.always["r"] = refuse(404, "NotFound")
    pods = [_owned("Pod", f"p{n}", 8 + n, ("ReplicaSet", "r")) for n in range(2)]
    api.will_watch(say(line("ADDED", pods[0]), hold=False), say(line("ADDED", pods[1])), plural="pods")
    async with collecting(api, tmp_path, kinds=["Pod", "ReplicaSet"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    assert {event.metadata.k8s_root for event in sink.events} == {"ReplicaSet/shop/r"}
    assert len(api.asked("list", "r")) == 1


def _is(found: Json) -> Any:
    async def answer(_: Any) -> Any:
        return _json(found)

    return answer


async def test_an_event_that_counts_on_is_said_each_time_however_old_and_without_a_time(
    api: MisbehavingApi, tmp_path: Path
) -> None:
    def counted(version: int, count: int) -> Json:
        about = {"kind": "Pod", "namespace": "shop", "name": "p"}
        last = f"2020-01-01T00:00:{count:02}Z"
        return obj("e", version, kind="Event", involvedObject=about, count=count, lastTimestamp=last, eventTime=None)

    api.will_list(page(counted(2, 1), version=5), plural="events")
    api.will_watch(say(line("MODIFIED", counted(6, 2)), line("MODIFIED", counted(7, 9))), plural="events")
    async with collecting(api, tmp_path, kinds=["Event"]) as (sink, _):
        await until(lambda: len(sink.events) == 3)
    told = [record(event)["object"] for event in sink.events]
    assert [(one["count"], one["eventTime"]) for one in told] == [(1, None), (2, None), (9, None)]
    assert [event.timestamp.second for event in sink.events] == [1, 2, 9]
    unified = [one for event in sink.events for one in unify_events([event])]
    assert [one.attributes and one.attributes.count for one in unified] == [1, 2, 9]
    assert (
        len({one.attributes.record for one in unified if one.attributes}) == 1
    )  # one record, of which the newest counts


async def test_there_is_one_watch_per_kind(api: MisbehavingApi, tmp_path: Path) -> None:
    async with collecting(api, tmp_path, kinds=list(KINDS)):
        await until(lambda: all(api.asked("watch", kind.plural) for kind in KINDS.values()))
    assert {kind.name: len(api.asked("watch", kind.plural)) for kind in KINDS.values()} == dict.fromkeys(KINDS, 1)


async def test_an_events_expiry_is_no_event(api: MisbehavingApi, tmp_path: Path) -> None:
    about = {"kind": "Pod", "namespace": "shop", "name": "p"}
    gone, other = (obj(name, 2, kind="Event", involvedObject=about, message="x") for name in ("e", "f"))
    api.will_list(page(gone, version=5), plural="events")
    api.will_watch(say(line("DELETED", {**gone, "metadata": {**gone["metadata"], "resourceVersion": "6"}}), line("ADDED", {**other, "metadata": {**other["metadata"], "resourceVersion": "7"}})), plural="events")  # fmt: skip  # noqa: E501
    async with collecting(api, tmp_path, kinds=["Event"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    assert sink.told() == [("event_created", "e"), ("event_created", "f")]


async def test_a_thousand_objects_come_in_few_batches(api: MisbehavingApi, tmp_path: Path) -> None:
    half = [config(f"c{n}", n + 1) for n in range(1000)]
    api.will_list(page(*half[:500], version=2000, following="x"), page(*half[500:], version=2000))
    async with collecting(api, tmp_path) as (sink, collector):
        await until(lambda: len(sink.events) == 1000)
        assert collector.observe().events == 1000
    assert len(sink.batches) <= 4


async def test_no_canary_is_emitted_or_remembered(api: MisbehavingApi, tmp_path: Path) -> None:
    def pod(version: int, password: str) -> Json:
        env = [{"name": "DB_PASSWORD", "value": password}]
        applied = {"kubectl.kubernetes.io/last-applied-configuration": password}
        return obj(
            "p",
            version,
            kind="Pod",
            metadata={"annotations": applied},
            spec={"containers": [{"name": "app", "env": env}]},
        )

    api.will_list(page(pod(1, CANARY), version=5), plural="pods")
    api.will_watch(say(line("MODIFIED", pod(7, CANARY + "2"))), plural="pods")
    async with collecting(api, tmp_path, kinds=["Pod"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    wire = b"".join(encode(event) for event in sink.events)
    disk = _bytes_in(tmp_path)
    assert CANARY.encode() not in wire + disk
    [change] = sink.of("pod_modified")[0]["changes"]
    assert change["field"] == "spec.containers[app].env[DB_PASSWORD].value"
    assert set(change["before"]) == set(change["after"]) == {"redacted"}
    assert change["before"] != change["after"]


async def test_another_clusters_memory_is_forgotten(api: MisbehavingApi, tmp_path: Path) -> None:
    namespace = obj("kube-system", 1, kind="Namespace")

    def is_cluster(uid: str) -> None:
        async def answer(_: Any) -> Any:
            return _json({**namespace, "metadata": {**namespace["metadata"], "uid": uid}})

        api.will_list(answer, plural="kube-system")

    is_cluster("one")
    api.will_list(page(config("a", 3), version=5))
    async with collecting(api, tmp_path) as (sink, _):
        await until(lambda: len(sink.events) == 1)
    is_cluster("two")
    api.will_list(page(config("b", 3), version=4))
    async with collecting(api, tmp_path) as (again, _):
        await until(lambda: len(again.events) == 1)
    assert again.told() == [("configmap_created", "b")]


def _bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def _json(document: Json) -> Any:
    from aiohttp import web  # noqa: PLC0415  only here

    return web.json_response(document)


def _position(folder: Path) -> str:
    import sqlite3  # noqa: PLC0415  only here

    with sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True) as db:
        row = db.execute("SELECT version FROM kinds").fetchone()
    db.close()
    return row[0] if row else ""


async def test_one_look_says_what_is_there_and_what_it_lacks(api: MisbehavingApi) -> None:
    api.will_list(page(config("a", 3, DB_HOST="db"), version=5))
    api.will_list(refuse(403, "Forbidden", "nodes is forbidden"), plural="nodes")
    async with KubeClient(api.cluster) as client:
        look = await snapshot(client, kinds_named(["ConfigMap", "Node"]), "shop")
    assert [event.type for event in look.events] == ["configmap_created", "loss"]
    assert [(lack.kind, lack.cause, lack.message) for lack in look.lacking] == [
        ("Node", "forbidden: Node", "nodes is forbidden")
    ]


async def test_one_look_that_may_see_nothing_is_forbidden(api: MisbehavingApi) -> None:
    api.will_list(refuse(403, "Forbidden", "configmaps is forbidden"))
    async with KubeClient(api.cluster) as client:
        with pytest.raises(ForbiddenError, match="configmaps is forbidden"):
            await snapshot(client, kinds_named(["ConfigMap"]))


async def test_one_look_with_expired_credentials(api: MisbehavingApi) -> None:
    api.will_list(refuse(401, "Unauthorized"))
    async with KubeClient(api.cluster) as client:
        with pytest.raises(ForbiddenError, match="refuses the credentials") as caught:
            await snapshot(client, kinds_named(["ConfigMap"]))
    assert "expired" in caught.value.hint


async def test_one_look_at_a_server_that_is_away() -> None:
    async with KubeClient(Cluster(server="http://127.0.0.1:1", origin="a test")) as client:
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
            await snapshot(client, kinds_named(["ConfigMap"]))


async def test_one_look_at_a_server_that_fails(api: MisbehavingApi) -> None:
    api.will_list(refuse(500, "InternalError", "etcd is gone"))
    async with KubeClient(api.cluster) as client:
        with pytest.raises(UnreachableError, match="etcd is gone"):
            await snapshot(client, kinds_named(["ConfigMap"]))


async def test_one_look_whose_pages_expire_looks_again(api: MisbehavingApi) -> None:
    api.will_list(
        page(config("a", 3), version=5, following="x"), refuse(410, "Expired"), page(config("a", 3), version=9)
    )
    async with KubeClient(api.cluster) as client:
        look = await snapshot(client, kinds_named(["ConfigMap"]))
    assert len(look.events) == 1


def _secret(version: int, *, managers: Sequence[Json] = (), **more: Any) -> Json:
    """A Secret as a server gives it that was asked for metadata alone, and gives more than that."""
    meta = {"managedFields": list(managers), "annotations": {"team": "shop"}}
    return obj("s", version, kind="PartialObjectMetadata", metadata=meta, **more)


async def test_of_a_secret_only_metadata_is_asked_for_kept_and_compared(api: MisbehavingApi, tmp_path: Path) -> None:
    wrote = {"manager": "rotator", "time": "2026-01-02T10:00:00Z", "fieldsV1": {"f:data": {"f:password": {}}}}
    api.will_list(page(_secret(3, data={"password": CANARY}), version=5), plural="secrets")
    api.will_watch(say(line("MODIFIED", _secret(7, managers=[wrote], data={"password": CANARY}))), plural="secrets")
    async with collecting(api, tmp_path, kinds=["Secret"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    asked = {(what, accept) for what, plural, accept in api.accepted if plural == "secrets"}
    form = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
    assert asked == {("stream", form.format("")), ("list", form.format("List")), ("watch", form.format(""))}
    assert sink.told() == [("secret_created", "s"), ("secret_modified", "s")]
    assert record(sink.events[1])["object"].keys() == {"kind", "apiVersion", "metadata"}
    assert (record(sink.events[1])["object"]["kind"], sink.events[1].metadata.k8s_kind) == ("Secret", "Secret")
    [change] = sink.of("secret_modified")[0]["changes"]
    assert change == {"field": "data.password", "manager": "rotator", "at": "2026-01-02T10:00:00Z"}
    assert CANARY.encode() not in b"".join(encode(event) for event in sink.events) + _bytes_in(tmp_path)


async def test_a_server_that_cannot_leave_data_out_is_not_asked_for_secrets_whole(
    api: MisbehavingApi, tmp_path: Path
) -> None:
    api.always["secrets"] = refuse(406, "NotAcceptable", "only application/json")
    async with collecting(api, tmp_path, kinds=["Secret"]) as (sink, _):
        await until(lambda: len(sink.events) == 1)
    assert sink.of("loss")[0]["cause"] == "not served: Secret"
    assert {accept for _, plural, accept in api.accepted if plural == "secrets"} != {"application/json"}


def _lease(version: int, renewed: str, holder: str = "node-1") -> Json:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 40, "renewTime": renewed}
    return obj("node-1", version, kind="Lease", spec=spec)


async def test_renewals_of_a_lease_are_not_said_and_a_new_holder_is(api: MisbehavingApi, tmp_path: Path) -> None:
    far = "2099-01-01T00:00:{:02}.000000Z"
    api.will_list(page(_lease(3, far.format(0)), version=5), plural="leases")
    renewals = [line("MODIFIED", _lease(6 + n, far.format(n))) for n in range(1, 40)]
    api.will_watch(say(*renewals, line("MODIFIED", _lease(90, far.format(50), "node-2"))), plural="leases")
    async with collecting(api, tmp_path, kinds=["Lease"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    assert [record(event)["object"]["spec"]["holderIdentity"] for event in sink.events] == ["node-1", "node-2"]
    assert all("lapsed" not in record(event) for event in sink.events)


async def test_a_lease_found_lapsed_is_said_to_be(api: MisbehavingApi, tmp_path: Path) -> None:
    api.will_list(page(_lease(3, "2020-01-01T00:00:00.000000Z"), version=5), plural="leases")
    async with collecting(api, tmp_path, kinds=["Lease"]) as (sink, _):
        await until(lambda: len(sink.events) == 1)
    assert record(sink.events[0])["lapsed"] is True


async def test_a_lease_that_is_never_renewed_is_said_to_lapse_beside_its_first_sight(
    api: MisbehavingApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "SWEEP_S", 0.05)
    now = datetime(2026, 1, 1, 12, 0, 39, tzinfo=UTC)
    api.will_list(*[page(_lease(3, "2026-01-01T12:00:00.000000Z"), version=5)] * 2, plural="leases")
    async with collecting(api, tmp_path, kinds=["Lease"], now=lambda: now) as (sink, _):
        await until(lambda: len(sink.events) == 1)
    # Who was killed in between holds it again.
    async with collecting(api, tmp_path, kinds=["Lease"], now=lambda: now) as (again, _):
        await until(lambda: len(again.events) == 1)
        now += timedelta(seconds=2)
        await until(lambda: len(again.events) == 2)
    first, second, lapsed = [*sink.events, *again.events]
    assert [record(event).get("lapsed") for event in (first, second, lapsed)] == [None, None, True]
    assert event_id(first) == event_id(second) != event_id(lapsed)


async def test_the_kind_of_an_unknown_owner_is_discovered_and_followed(api: MisbehavingApi, tmp_path: Path) -> None:
    async def served(_: Any) -> Any:
        rollout = {"name": "rollouts", "kind": "Rollout", "namespaced": True, "verbs": ["get", "list", "watch"]}
        return _json({"resources": [{"name": "rollouts/status", "kind": "Rollout"}, rollout]})

    refs = [{"apiVersion": "example.com/v1", "kind": "Rollout", "name": "r", "uid": "u", "controller": True}]
    owned = obj("rs", 3, kind="ReplicaSet", metadata={"ownerReferences": refs}, spec={})
    api.always["v1"] = served
    api.will_list(page(owned, version=5), plural="replicasets")
    api.will_list(page(obj("r", 4, kind="PartialObjectMetadata"), version=5), plural="rollouts")
    async with collecting(api, tmp_path, kinds=["ReplicaSet"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    assert set(sink.told()) == {("replicaset_created", "rs"), ("rollout_created", "r")}
    assert {event.metadata.k8s_root for event in sink.events} == {"Rollout/shop/r"}
    assert ("list", "rollouts", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1") in api.accepted
    api.requests.clear()
    async with collecting(api, tmp_path, kinds=["ReplicaSet"]):
        await until(lambda: bool(api.asked("watch", "rollouts")))
    assert not api.asked("list", "v1")
