"""The closed table of raw types: `type` and subject are two spellings of one row.

`pod_created` travels on `raw.kubeapi.pod.create`. A type that is not in the table is kept, on
`raw.<collector>.other.<type>`; it is never an error.
"""

from enum import StrEnum


class Collector(StrEnum):
    """The sources, by the one name each has everywhere: folder, stream token, metric label, command line."""

    KUBEAPI = "kubeapi"
    EBPF = "ebpf"
    SYSTEMD = "systemd"
    ETCD = "etcd"
    CNI = "cni"


_DONE = {"ADDED": "created", "MODIFIED": "modified", "DELETED": "deleted"}
_VERBS = {"created": "create", "modified": "modify", "deleted": "delete"}

# The kinds that kubeapi reports, as they appear in `type` and in subjects.
OBJECT_KINDS = (
    "pod", "event", "node", "namespace", "service", "endpointslice", "configmap", "secret", "serviceaccount",
    "deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob",
    "persistentvolumeclaim", "persistentvolume", "storageclass", "resourcequota", "limitrange",
    "horizontalpodautoscaler", "poddisruptionbudget", "ingress", "networkpolicy",
    "role", "rolebinding", "clusterrole", "clusterrolebinding",
    "mutatingwebhookconfiguration", "validatingwebhookconfiguration", "priorityclass", "lease",
)  # fmt: skip

_OBJECTS = {f"{kind}_{done}": f"{kind}.{verb}" for kind in OBJECT_KINDS for done, verb in _VERBS.items()}
_LOSS = {"loss": "loss.declared"}

TYPES: dict[str, dict[str, str]] = {
    Collector.KUBEAPI: {**_OBJECTS, "container_log": "container.log", **_LOSS},
    Collector.EBPF: {
        "network_connect": "network.connect",
        "network_connect_failed": "network.connect_fail",
        "network_reset": "network.reset",
        "dns_failed": "dns.fail",
        "process_exited": "process.exit",
        "oom_killed": "oom.kill",
        "tcp_latency": "tcp.latency",
        "cpu_usage": "cpu.usage",
        "cpu_throttled": "cpu.throttle",
        "memory_usage": "memory.usage",
        "disk_latency": "disk.latency",
        **_LOSS,
    },
    Collector.SYSTEMD: {
        "journal_error": "journal.error",
        "unit_failed": "unit.fail",
        "unit_inactive": "unit.inactive",
        "kernel_oom": "kernel.oom",
        "container_log": "container.log",
        **_LOSS,
    },
    Collector.ETCD: {
        "kv_put": "kv.put",
        "kv_deleted": "kv.delete",
        "alarm_raised": "alarm.raise",
        "leader_changed": "leader.change",
        "slow_disk": "disk.slow",
        "member_down": "member.down",
        **_LOSS,
    },
    Collector.CNI: {
        "cni_add_failed": "add.fail",
        "ip_exhausted": "ipam.fail",
        "link_down": "link.down",
        "config_changed": "config.change",
        **_LOSS,
    },
}

_ESCAPED = {"%": "%25", ".": "%2E", "*": "%2A", ">": "%3E", " ": "%20", "\t": "%09", "\r": "%0D", "\n": "%0A"}
_UNSAFE = frozenset(_ESCAPED)


def escape_token(text: str) -> str:
    """One subject token for any text: NATS splits at dots and reads `*` and `>`; empty becomes `_`.

    Source: the NATS subject rules (no whitespace, `.` separates, `*` and `>` are wildcards).
    """
    if not text:
        return "_"
    if _UNSAFE.isdisjoint(text):
        return text
    return "".join(_ESCAPED.get(char, char) for char in text)


def object_type(kind: str, watch_type: str) -> str:
    """The type of an object's event: what a watch calls ADDED of a Pod is `pod_created`."""
    return f"{kind.lower()}_{_DONE[watch_type]}"


def subject_of(collector: str, type_: str) -> str:
    """The subject a raw event of this type travels on."""
    action = TYPES.get(collector, {}).get(type_)
    if action is None:
        return f"raw.{escape_token(collector)}.other.{escape_token(type_)}"
    return f"raw.{collector}.{action}"
