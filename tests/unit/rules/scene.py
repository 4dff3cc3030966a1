"""A scene: Kubernetes objects and Events as the API server would have sent them, minute by minute, and what follows.

Everything goes the real way, from raw events to links; only the API server is a page of JSON.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import msgspec

from tapio.graph import Link, Symptom
from tapio.pipeline.local import correlate_events
from tapio.raw import Metadata, RawEvent, format_labels, format_owner_refs
from tapio.stores.memory import MemoryStore
from tapio.unified import ObjectKey
from tapio.why.explain import explain
from tapio.why.explanation import Explanation
from tapio.why.question import Question

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NS = "shop"
Json = dict[str, Any]


def when(minute: float) -> str:
    """The moment `minute` minutes into the scene, RFC 3339."""
    return (T0 + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


class Scene:
    """What the API server said so far."""

    def __init__(self) -> None:
        self.events: list[RawEvent] = []
        self._version = 100
        self._seen: set[str] = set()
        self._roots: dict[str, str] = {}

    def see(self, obj: Json, *, at: float, changes: list[Json] | None = None, deleted: bool = False) -> "Scene":
        """An object's new state; `changes` as the collector would have found them."""
        self._version += 1
        meta = obj["metadata"]
        meta["resourceVersion"] = str(self._version)
        first = meta["uid"] not in self._seen
        self._seen.add(meta["uid"])
        word = "deleted" if deleted else "created" if first else "modified"
        type_ = {"created": "ADDED", "modified": "MODIFIED", "deleted": "DELETED"}[word]
        data = {"type": type_, "object": obj, "changes": [_stamped(change, at) for change in changes or []]}
        self._add(obj, f"{obj['kind'].lower()}_{word}", data, at)
        return self

    def say(
        self,
        about: Json,
        reason: str,
        message: str,
        *,
        at: float,
        count: int = 1,
        container: str = "",
        since: float | None = None,
    ) -> "Scene":
        """A Kubernetes Event about an object, one record per reason and message; counted ones began at `since`."""
        self._version += 1
        name = f"{about['metadata']['name']}.{reason}.{crc32(message.encode()):x}"
        involved = {
            "kind": about["kind"],
            **{key: about["metadata"].get(key, "") for key in ("name", "namespace", "uid")},
        }
        if container:
            involved["fieldPath"] = f"spec.containers{{{container}}}"
        event = {
            "kind": "Event",
            "metadata": {"name": name, "namespace": NS, "uid": f"event-{name}", "resourceVersion": str(self._version)},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": "Warning",
            "count": count,
            "firstTimestamp": when(at if since is None else since),
            "lastTimestamp": when(at),
        }
        self._add(event, "event_created", {"type": "ADDED", "object": event}, at, root=self._root_of(about))
        return self

    def log(self, pod: Json, *lines: str, at: float, container: str = "app", previous: bool = False) -> "Scene":
        """The last lines of a container."""
        data = {"container": container, "previous": previous, "lines": list(lines)}
        self._add(pod, "container_log", data, at)
        return self

    def _add(self, obj: Json, type_: str, data: Json, at: float, root: str = "") -> None:
        meta = obj["metadata"]
        owners = [(owner["kind"], owner["name"]) for owner in meta.get("ownerReferences", [])]
        metadata = Metadata(
            collector="kubeapi",
            k8s_namespace=meta.get("namespace", ""),
            k8s_name=meta["name"],
            k8s_kind=obj["kind"],
            k8s_uid=meta["uid"],
            k8s_labels=format_labels(meta.get("labels", {})),
            k8s_owner_refs=format_owner_refs(owners),
            k8s_root=root or self._root_of(obj),
        )
        raw = msgspec.Raw(msgspec.json.encode(data))
        timestamp = T0 + timedelta(minutes=at)
        self.events.append(RawEvent(timestamp=timestamp, type=type_, data=raw, metadata=metadata))

    def _root_of(self, obj: Json) -> str:
        meta = obj["metadata"]
        own = f"{obj['kind']}/{meta.get('namespace', '')}/{meta['name']}"
        owners = meta.get("ownerReferences", [])
        root = f"{owners[0]['kind']}/{NS}/{owners[0]['name']}" if owners else own
        return self._roots.setdefault(own, self._roots.get(root, root))

    def graph(self) -> MemoryStore:
        return correlate_events(self.events)

    def links(self, key: ObjectKey, at: float) -> list[Link]:
        return list(self.graph().links(key, T0 + timedelta(minutes=at)))

    def answer(self, target: str, at: float) -> Explanation:
        """What `tapio why` says of `type/name`, or of the worst incident."""
        return explain(Question(target=target, at=T0 + timedelta(minutes=at)), self.graph())

    def symptom(self, key: ObjectKey, at: float) -> Symptom | None:
        return next(iter(self.graph().symptoms(T0 + timedelta(minutes=at), key)), None)


def _stamped(change: Json, at: float) -> Json:
    return {"manager": "kubectl", "at": when(at), **change}


def codes(links: list[Link]) -> list[str]:
    return [link.code for link in links]


# --- Objects ---------------------------------------------------------------------------------------------------------


def deployment(name: str = "web", *, replicas: int = 1, available: int = 0, labels: Json | None = None) -> Json:
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NS, "uid": f"deploy-{name}", "creationTimestamp": when(0)},
        "spec": {"replicas": replicas, "template": {"metadata": {"labels": labels or {"app": name}}, "spec": {}}},
        "status": {"replicas": replicas, "availableReplicas": available, "readyReplicas": available},
    }


def pod(
    name: str = "web-1", *, owner: str = "web", created: float = 0, labels: Json | None = None, **spec: Any
) -> Json:
    """A pod of a Deployment, bound and not started; `spec` are fields of its spec."""
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NS,
            "uid": f"pod-{name}",
            "creationTimestamp": when(created),
            "labels": labels or {"app": owner},
            "ownerReferences": [{"kind": "Deployment", "name": owner, "controller": True}] if owner else [],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "registry.test/web:1"}], **spec},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]},
    }


def with_status(
    obj: Json, *statuses: Json, ready: bool = False, ready_since: float = 0, phase: str = "Running"
) -> Json:
    """A copy of the pod with container statuses and its Ready condition."""
    copy: Json = msgspec.json.decode(msgspec.json.encode(obj))
    copy["status"] = {
        "phase": phase,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": when(ready_since)},
        ],
        "containerStatuses": list(statuses),
    }
    return copy


def waiting(reason: str, message: str = "", *, last: Json | None = None, restarts: int = 0) -> Json:
    state: Json = {"waiting": {"reason": reason, "message": message}}
    return {"name": "app", "restartCount": restarts, "state": state, "lastState": {"terminated": last} if last else {}}


def running(since: float, *, last: Json | None = None, restarts: int = 0, ready: bool = True) -> Json:
    state = {"running": {"startedAt": when(since)}}
    last_state = {"terminated": last} if last else {}
    return {"name": "app", "ready": ready, "restartCount": restarts, "state": state, "lastState": last_state}


def ended(exit_code: int, *, started: float, at: float, reason: str = "Error", message: str = "") -> Json:
    """A terminated state."""
    return {
        "exitCode": exit_code,
        "reason": reason,
        "message": message,
        "startedAt": when(started),
        "finishedAt": when(at),
    }


def stopped(end: Json, restarts: int = 0) -> Json:
    return {"name": "app", "restartCount": restarts, "state": {"terminated": end}, "lastState": {}}


def crash_looping(end: Json, restarts: int = 3) -> Json:
    return waiting("CrashLoopBackOff", "back-off restarting failed container", last=end, restarts=restarts)


def unscheduled(obj: Json, message: str, *, since: float = 0) -> Json:
    copy: Json = msgspec.json.decode(msgspec.json.encode(obj))
    copy["spec"].pop("nodeName", None)
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
        "lastTransitionTime": when(since),
    }
    copy["status"] = {"phase": "Pending", "conditions": [condition]}
    return copy


def configmap(name: str, data: dict[str, str]) -> Json:
    meta = {"name": name, "namespace": NS, "uid": f"cm-{name}", "creationTimestamp": when(-60)}
    return {"kind": "ConfigMap", "metadata": meta, "data": data}


def service(name: str = "web", selector: Json | None = None) -> Json:
    meta = {"name": name, "namespace": NS, "uid": f"svc-{name}", "creationTimestamp": when(-60)}
    return {
        "kind": "Service",
        "metadata": meta,
        "spec": {"selector": selector or {"app": name}, "ports": [{"port": 80}]},
    }


def endpoints(of: str, *, ready: int = 0, unready: int = 0) -> Json:
    """The EndpointSlice of a Service."""
    meta = {"name": f"{of}-x1", "namespace": NS, "uid": f"slice-{of}", "labels": {"kubernetes.io/service-name": of}}
    states = [True] * ready + [False] * unready
    addresses = [{"addresses": [f"10.0.0.{place}"], "conditions": {"ready": one}} for place, one in enumerate(states)]
    return {"kind": "EndpointSlice", "metadata": meta, "endpoints": addresses, "ports": [{"port": 80}]}


def in_namespace(obj: Json, namespace: str) -> Json:
    """A copy of the object that lives elsewhere."""
    meta = {**obj["metadata"], "namespace": namespace, "uid": f"{namespace}-{obj['metadata']['uid']}"}
    return {**obj, "metadata": meta}


def node(name: str = "node-1", *, labels: Json | None = None, conditions: Json | None = None) -> Json:
    states = {"Ready": "True", "MemoryPressure": "False", **(conditions or {})}
    return {
        "kind": "Node",
        "metadata": {"name": name, "uid": f"node-{name}", "creationTimestamp": when(-600), "labels": labels or {}},
        "spec": {},
        "status": {
            "conditions": [
                {"type": type_, "status": status, "lastTransitionTime": when(0), "reason": "NodeStatusUnknown"}
                for type_, status in states.items()
            ]
        },
    }


POD = ObjectKey("Pod", NS, "web-1")
DEPLOYMENT = ObjectKey("Deployment", NS, "web")
SERVICE = ObjectKey("Service", NS, "web")
