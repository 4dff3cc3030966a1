"""Small incidents as raw events, for tests that need one and have no cluster."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CREATED = "2026-11-03T12:00:00Z"
FAILED = "2026-11-03T12:00:09Z"
DELETED = "2026-11-03T12:00:30Z"
IMAGE = "registry.example/web:nope"

Json = dict[str, Any]


def image_not_found(namespace: str = "shop", name: str = "web-0") -> list[Json]:
    """A pod whose image the registry does not have."""
    spec = {"containers": [{"name": "app", "image": IMAGE}], "nodeName": "node-1"}
    created = _object("Pod", name, namespace, "1", spec=spec, status={"phase": "Pending"})
    waiting = {"reason": "ErrImagePull", "message": f"{IMAGE}: not found: manifest unknown"}
    status = {"phase": "Pending", "containerStatuses": [{"name": "app", "image": IMAGE, "state": {"waiting": waiting}}]}
    failed = _object("Pod", name, namespace, "2", spec=spec, status=status)
    return [_raw("pod_created", "ADDED", created, CREATED), _raw("pod_modified", "MODIFIED", failed, FAILED)]


def healthy(namespace: str = "shop", name: str = "db-0") -> list[Json]:
    """A pod that is ready."""
    spec = {"containers": [{"name": "db", "image": "db:1"}], "nodeName": "node-1"}
    ready = [{"type": kind, "status": "True", "lastTransitionTime": CREATED} for kind in ("Ready", "ContainersReady")]
    running = {
        "name": "db",
        "image": "db:1",
        "ready": True,
        "started": True,
        "state": {"running": {"startedAt": CREATED}},
    }
    status = {"phase": "Running", "conditions": ready, "containerStatuses": [running]}
    return [_raw("pod_created", "ADDED", _object("Pod", name, namespace, "3", spec=spec, status=status), FAILED)]


def gone(namespace: str = "shop", name: str = "web-0") -> list[Json]:
    """The pod whose image the registry does not have, deleted."""
    [_, failed] = image_not_found(namespace, name)
    last = failed["data"]["object"]
    last["metadata"]["resourceVersion"] = "4"
    return [_raw("pod_deleted", "DELETED", last, DELETED)]


def write(path: Path, events: Iterable[Mapping[str, Any]]) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return path


def _object(kind: str, name: str, namespace: str, version: str, **parts: Json) -> Json:
    meta = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{namespace}-{name}",
        "resourceVersion": version,
        "creationTimestamp": CREATED,
    }
    return {"kind": kind, "apiVersion": "v1", "metadata": meta, **parts}


def _raw(type_: str, watched: str, obj: Json, at: str) -> Json:
    meta = obj["metadata"]
    described = {
        "collector": "kubeapi",
        "k8s_namespace": meta["namespace"],
        "k8s_name": meta["name"],
        "k8s_kind": obj["kind"],
        "k8s_uid": meta["uid"],
        "k8s_labels": "",
        "k8s_owner_refs": "",
    }
    return {"timestamp": at, "type": type_, "data": {"type": watched, "object": obj}, "metadata": described}
