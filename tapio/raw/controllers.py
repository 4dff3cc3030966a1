"""What a controller's Event says of something else: which object it made or removed, and so whose that object is.

The texts are those of Kubernetes 1.19 to 1.34 (pkg/controller/deployment/sync.go, pkg/controller/controller_utils.go,
pkg/controller/statefulset/stateful_pod_control.go, pkg/controller/cronjob/cronjob_controllerv2.go).
"""

import re

from tapio.raw.metadata import ObjectKey

_SPOKEN: dict[str, tuple[str, re.Pattern[str]]] = {
    "Deployment": ("ReplicaSet", re.compile(r"Scaled (?:up|down) replica set (\S+)")),
    "StatefulSet": ("Pod", re.compile(r"(?:create|delete) Pod (\S+) in StatefulSet \S+ successful")),
    "CronJob": ("Job", re.compile(r"(?:Created|Deleted|Saw completed) job:? ([^\s,]+)")),
}
_OF_PODS = ("Pod", re.compile(r"(?:Created|Deleted) pod: (\S+)"))
_MAKERS_OF_PODS = frozenset({"ReplicaSet", "ReplicationController", "DaemonSet", "Job"})


def made_by(owner: ObjectKey, message: str) -> ObjectKey | None:
    """The object that `owner`'s controller says it made, scaled or removed; None where it speaks of none."""
    spoken = _OF_PODS if owner.kind in _MAKERS_OF_PODS else _SPOKEN.get(owner.kind)
    if spoken is None:
        return None
    kind, pattern = spoken
    match = pattern.match(message)
    return ObjectKey(kind, owner.namespace, match[1]) if match else None
