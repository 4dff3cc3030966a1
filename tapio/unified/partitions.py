"""Where a unified event travels: by the root owner's partition, or on the shared stream every shard reads."""

from functools import lru_cache
from hashlib import blake2b

from tapio.raw import ObjectKey
from tapio.raw.types import escape_token

PARTITIONS = 8  # streams on one machine; 64 in production. Fixed for the life of the data: the hash depends on it.
SHARED = "shared"

FACTS = frozenset({"PodFacts", "WorkloadFacts"})  # no objects of the cluster: what the transform says of some of them
# The kinds that many partitions lean on: their events go to every shard; their own rules run in one, their home.
SHARED_KINDS = FACTS | frozenset(
    {
        "Node", "Namespace", "Service", "EndpointSlice", "ConfigMap", "Secret", "ServiceAccount",
        "PersistentVolumeClaim", "PersistentVolume", "StorageClass", "ResourceQuota", "LimitRange", "NetworkPolicy",
        "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "PriorityClass",
        "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
        "Source",
    }
)  # fmt: skip


@lru_cache(maxsize=100_000)  # a root has many events; hashing it anew for each costs as much as routing it
def partition_of(root: str, partitions: int = PARTITIONS) -> int:
    """The partition of everything that `root` (`Kind/namespace/name`) owns: the same in every process and release."""
    value = int.from_bytes(blake2b(root.encode(), digest_size=8).digest(), "big")
    return value % partitions


def subject_of(key: ObjectKey, partition: int | str) -> str:
    """`unified.pod.default.nginx-7d8f.3`: kind, namespace, name and, last, the partition (or `shared`)."""
    kind = escape_token(key.kind.lower())
    return f"unified.{kind}.{escape_token(key.namespace)}.{escape_token(key.name)}.{partition}"
