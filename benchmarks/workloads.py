"""A made cluster whose events benchmarks and tests feed: the same seed gives the same events.

The mix, by how often a kind updates in a busy cluster: 40 % Pod updates (about 4 KB each), 30 % Kubernetes Events,
10 % ReplicaSet and Deployment status, 10 % EndpointSlices, 5 % ConfigMaps, 5 % Nodes. Some pods crash.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tapio.collectors.kubeapi.standing import status_of, wish_of
from tapio.raw import Metadata, RawEvent
from tapio.raw.event import raw_json

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PODS_PER_WORKLOAD = 3
OBJECTS_PER_WORKLOAD = 5 + PODS_PER_WORKLOAD
STEP = timedelta(milliseconds=20)  # 50 events a second in event time

_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS = ("pod", "event", "workload", "endpoints", "configmap", "node")
_WEIGHTS = (40, 30, 10, 10, 5, 5)


class Cluster:
    """`workloads` Deployments of three pods each, on one node per thirty pods, each with a Service and a ConfigMap."""

    def __init__(self, workloads: int, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._workloads = workloads
        self._nodes = max(1, workloads * PODS_PER_WORKLOAD // 30)
        self._version = 1000
        self._restarts: dict[str, int] = {}
        self._standing: dict[str, tuple[int, int]] = {}  # of each object: its wish and its status, as told last
        self._at = START

    def appears(self) -> Iterator[RawEvent]:
        """Every object once, as a LIST gives them."""
        yield from (self.node(number, "ADDED") for number in range(self._nodes))
        for number in range(self._workloads):
            yield self.config_map(number, "ADDED")
            yield self.service(number, "ADDED")
            yield self.deployment(number, "ADDED")
            yield self.replica_set(number, "ADDED")
            for pod in range(PODS_PER_WORKLOAD):
                yield self.pod(number, pod, "ADDED")
            yield self.endpoint_slice(number, "ADDED")

    def updates(self, count: int) -> Iterator[RawEvent]:
        """`count` events of the mix, each of a workload chosen at random."""
        for kind in self._random.choices(_KINDS, _WEIGHTS, k=count):
            yield self._update(kind)

    def pod_updates(self, count: int) -> Iterator[RawEvent]:
        """`count` full Pod updates and nothing else."""
        for _ in range(count):
            yield self._update("pod")

    def _update(self, kind: str) -> RawEvent:
        number = self._random.randrange(self._workloads)
        pod = self._random.randrange(PODS_PER_WORKLOAD)
        match kind:
            case "pod":
                return self.pod(number, pod, "MODIFIED")
            case "event":
                return self.event(number, pod)
            case "workload":
                return self.deployment(number) if self._random.random() < 0.5 else self.replica_set(number)
            case "endpoints":
                return self.endpoint_slice(number)
            case "configmap":
                return self.config_map(number)
            case _:
                return self.node(self._random.randrange(self._nodes))

    def node(self, number: int, how: str = "MODIFIED") -> RawEvent:
        at = self._tick()
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": _rfc3339(at), "reason": "KubeletReady"}
        size = {"cpu": "8", "memory": "32Gi", "pods": "110"}
        meta = self._meta("node", "", f"node-{number}", {"kubernetes.io/hostname": f"node-{number}"})
        status = {"conditions": [ready], "allocatable": size, "capacity": size}
        return self._watch(
            at, how, {"kind": "Node", "apiVersion": "v1", "metadata": meta, "spec": {}, "status": status}
        )

    def config_map(self, number: int, how: str = "MODIFIED") -> RawEvent:
        at = self._tick()
        name = f"app-{number}-config"
        data = {"DB_HOST": f"db-{self._version}", "settings.yaml": "level: info\n" * 20}
        document = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": self._meta("cm", _namespace(number), name)}
        before = {"field": "data.DB_HOST", "before": "db", "after": data["DB_HOST"], "manager": "argocd"}
        changes = [before] if how == "MODIFIED" else []
        return self._watch(at, how, {**document, "data": data}, changes=changes)

    def service(self, number: int, how: str = "MODIFIED") -> RawEvent:
        at = self._tick()
        spec = {
            "selector": {"app": f"app-{number}"},
            "ports": [{"port": 80, "targetPort": 8080}],
            "clusterIP": "10.96.0.9",
        }
        meta = self._meta("svc", _namespace(number), f"app-{number}")
        return self._watch(at, how, {"kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec})

    def deployment(self, number: int, how: str = "MODIFIED") -> RawEvent:
        at = self._tick()
        spec = {**_selecting(number), "template": _template(number), "replicas": PODS_PER_WORKLOAD}
        status = self.replicas(number)
        meta = self._meta("deploy", _namespace(number), f"app-{number}")
        document = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": meta, "spec": spec, "status": status}
        return self._watch(at, how, document, root=_root(number))

    def replica_set(self, number: int, how: str = "MODIFIED") -> RawEvent:
        at = self._tick()
        spec = {**_selecting(number), "template": _template(number), "replicas": PODS_PER_WORKLOAD}
        status = self.replicas(number)
        owner = ("Deployment", f"app-{number}")
        meta = self._meta("rs", _namespace(number), f"app-{number}-5d9c", owner=owner)
        document = {"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": meta, "spec": spec, "status": status}
        return self._watch(at, how, document, root=_root(number))

    def replicas(self, number: int) -> dict[str, int]:
        """What a workload's status counts: all are up and, as a rollout that never ends has it, none yet available."""
        del number
        return {"replicas": PODS_PER_WORKLOAD, "readyReplicas": self._random.randint(1, PODS_PER_WORKLOAD)}

    def pod(self, number: int, pod: int, how: str = "MODIFIED") -> RawEvent:
        at = self._tick()
        name = f"app-{number}-5d9c-{pod}"
        crashing = crashes(number)
        self._restarts[name] = self._restarts.get(name, 0) + crashing
        owner = ("ReplicaSet", f"app-{number}-5d9c")
        meta = self._meta("pod", _namespace(number), name, {"app": f"app-{number}"}, owner=owner)
        spec = _with_token(_template(number)["spec"], f"kube-api-access-{number:05x}{pod}")
        spec["nodeName"] = f"node-{(number * 3 + pod) % self._nodes}"
        status = _pod_status(at, self._restarts[name], _place(number, pod), crashing=crashing)
        document = {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": status}
        return self._watch(at, how, document, root=_root(number))

    def endpoint_slice(self, number: int, how: str = "MODIFIED") -> RawEvent:
        at = self._tick()
        pods = [f"app-{number}-5d9c-{pod}" for pod in range(PODS_PER_WORKLOAD)]
        endpoints = [_endpoint(name, _place(number, pod)) for pod, name in enumerate(pods)]
        labels = {"kubernetes.io/service-name": f"app-{number}"}
        meta = self._meta("eps", _namespace(number), f"app-{number}-x1", labels)
        document = {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "metadata": meta}
        return self._watch(at, how, {**document, "endpoints": endpoints, "ports": [{"port": 8080, "protocol": "TCP"}]})

    def event(self, number: int, pod: int) -> RawEvent:
        at = self._tick()
        name = f"app-{number}-5d9c-{pod}"
        reason = self._random.choice(("Pulled", "Created", "Started", "BackOff", "Unhealthy"))
        meta = self._meta("ev", _namespace(number), f"{name}.{self._version:x}")
        involved = {"kind": "Pod", "namespace": _namespace(number), "name": name, "uid": f"uid-pod-{name}"}
        document = {
            "kind": "Event", "apiVersion": "v1", "metadata": meta, "involvedObject": involved, "reason": reason,
            "message": f"{reason} container app of pod {name}", "type": "Normal", "count": 1,
            "firstTimestamp": _rfc3339(at), "lastTimestamp": _rfc3339(at), "source": {"component": "kubelet"},
        }  # fmt: skip
        return self._watch(at, "ADDED", document, root=_root(number))

    def _meta(
        self,
        short: str,
        namespace: str,
        name: str,
        labels: dict[str, str] | None = None,
        owner: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        self._version += 1
        meta: dict[str, Any] = {
            "name": name, "uid": f"uid-{short}-{name}", "resourceVersion": str(self._version),
            "creationTimestamp": _rfc3339(START), "labels": labels or {},
        }  # fmt: skip
        if namespace:
            meta["namespace"] = namespace
        if owner:
            kind, owner_name = owner
            meta["ownerReferences"] = [
                {
                    "apiVersion": "apps/v1",
                    "kind": kind,
                    "name": owner_name,
                    "uid": f"uid-{owner_name}",
                    "controller": True,
                }
            ]
        return meta

    def _tick(self) -> datetime:
        self._at += STEP
        return self._at

    def _watch(
        self,
        at: datetime,
        how: str,
        document: dict[str, Any],
        *,
        root: str = "",
        changes: list[dict[str, Any]] | None = None,
    ) -> RawEvent:
        meta = document["metadata"]
        done = {"ADDED": "created", "MODIFIED": "modified", "DELETED": "deleted"}[how]
        owners = [f"{owner['kind']}/{owner['name']}" for owner in meta.get("ownerReferences", ())]
        own_root = f"{document['kind']}/{meta.get('namespace', '')}/{meta['name']}"
        about = Metadata(
            collector="kubeapi",
            k8s_namespace=meta.get("namespace", ""),
            k8s_name=meta["name"],
            k8s_kind=document["kind"],
            k8s_uid=meta["uid"],
            k8s_labels=",".join(f"{key}={value}" for key, value in meta["labels"].items()),
            k8s_owner_refs=",".join(owners),
            k8s_root=root or own_root,
            observed_at=_rfc3339(at),
        )
        record: dict[str, Any] = {"type": how, "object": document}
        if changes:
            record["changes"] = changes
        if unmoved := self._unmoved(how, document):
            record["unmoved"] = unmoved
        type_ = f"{document['kind'].lower()}_{done}"
        return RawEvent(timestamp=at, type=type_, data=raw_json(record), metadata=about)

    def _unmoved(self, how: str, document: dict[str, Any]) -> list[str]:
        """What stands as before, as the collector says it."""
        uid = document["metadata"]["uid"]
        parts = _parts.decode(msgspec.json.encode(document))
        now = (wish_of(parts, _parts.decode(parts["metadata"])), status_of(parts))
        before = self._standing.get(uid)
        self._standing[uid] = now
        if how != "MODIFIED" or before is None or before[0] != now[0]:
            return []
        return ["wish", "status"] if before == now else ["wish"]


def crashes(number: int) -> bool:
    """Whether a workload's pods crash: one in fifty does."""
    return number % 50 == 0


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _namespace(number: int) -> str:
    return f"team-{number % 20}"


def _root(number: int) -> str:
    return f"Deployment/{_namespace(number)}/app-{number}"


def _selecting(number: int) -> dict[str, Any]:
    return {"selector": {"matchLabels": {"app": f"app-{number}"}}}


def _template(number: int) -> dict[str, Any]:
    env = [{"name": f"SETTING_{key}", "value": f"value {key} of app-{number}"} for key in range(12)]
    mounts = [{"name": "config", "mountPath": "/etc/app"}]
    asked = {"path": f"/app-{number}/healthz", "port": 8080, "scheme": "HTTP"}
    probe = {"httpGet": asked, "periodSeconds": 10, "timeoutSeconds": 1}
    container = {
        "name": "app", "image": f"registry.test/team/app-{number}:1.4.2", "args": ["serve", "--port=8080"],
        "env": env, "envFrom": [{"configMapRef": {"name": f"app-{number}-config"}}], "volumeMounts": mounts,
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}], "livenessProbe": probe,
        "readinessProbe": probe, "imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log",
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
    }  # fmt: skip
    volumes = [{"name": "config", "configMap": {"name": f"app-{number}-config"}}]
    spec = {"containers": [container], "volumes": volumes, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
    return {"metadata": {"labels": {"app": f"app-{number}"}}, "spec": spec}


def _with_token(spec: dict[str, Any], volume: str) -> dict[str, Any]:
    """A template's spec as the API server admits it for a pod: with a volume of its own for its account's token."""
    mount = {"name": volume, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
    sources = [{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "kube-root-ca.crt"}}]
    containers = [{**one, "volumeMounts": [*one["volumeMounts"], mount]} for one in spec["containers"]]
    return {
        **spec,
        "containers": containers,
        "volumes": [*spec["volumes"], {"name": volume, "projected": {"sources": sources}}],
        "serviceAccountName": "default",
    }


def _place(number: int, pod: int) -> int:
    """What is different in every pod: its address and ids are made of it."""
    return number * PODS_PER_WORKLOAD + pod


def _address(place: int) -> str:
    return f"10.{244 + place // 65536}.{place // 256 % 256}.{place % 256}"


def _pod_status(at: datetime, restarts: int, place: int, *, crashing: bool) -> dict[str, Any]:
    ready = "False" if crashing else "True"
    started = _rfc3339(START - timedelta(seconds=place))
    conditions = [
        {"type": kind, "status": ready if "eady" in kind else "True", "lastTransitionTime": started}
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": _rfc3339(at - STEP)}}
    state: dict[str, Any] = {"running": {"startedAt": started}}
    if crashing:
        state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}
    container = {
        "name": "app", "ready": not crashing, "started": not crashing, "restartCount": restarts, "state": state,
        "lastState": ended if crashing else {}, "image": "registry.test/team/app:1.4.2",
        "imageID": "registry.test/team/app@sha256:" + "0" * 64, "containerID": f"containerd://{place:064x}",
    }  # fmt: skip
    return {
        "phase": "Running", "conditions": conditions, "containerStatuses": [container], "podIP": _address(place),
        "hostIP": "192.0.2.10", "startTime": started, "qosClass": "Burstable",
    }  # fmt: skip


def _endpoint(name: str, place: int) -> dict[str, Any]:
    target = {"kind": "Pod", "name": name, "uid": f"uid-pod-{name}"}
    return {"addresses": [_address(place)], "conditions": {"ready": True}, "targetRef": target}
