"""The kinds that can be listed and watched: one line each."""

from collections.abc import Iterable

import msgspec

from tapio.errors import UsageError


class Kind(msgspec.Struct, frozen=True):
    """One kind and where the API serves it.

    `tier` orders the first listing: owners before what they own, so that root owners are known; what refers to
    anything (Events) comes last. Of a kind that is `metadata_only` nothing but its metadata is ever asked for.
    """

    name: str
    api_version: str
    plural: str
    namespaced: bool = True
    tier: int = 3
    metadata_only: bool = False

    def path(self, namespace: str | None = None) -> str:
        """The collection's path, over all namespaces where none is named."""
        root = "/api" if self.api_version == "v1" else "/apis"
        scope = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}/{self.api_version}{scope}/{self.plural}"


_ADMISSION = "admissionregistration.k8s.io/v1"
_RBAC = "rbac.authorization.k8s.io/v1"

_ALL = (
    Kind("Deployment", "apps/v1", "deployments", tier=0),
    Kind("StatefulSet", "apps/v1", "statefulsets", tier=0),
    Kind("DaemonSet", "apps/v1", "daemonsets", tier=0),
    Kind("CronJob", "batch/v1", "cronjobs", tier=0),
    Kind("Node", "v1", "nodes", namespaced=False, tier=0),
    Kind("Service", "v1", "services", tier=0),
    Kind("ReplicaSet", "apps/v1", "replicasets", tier=1),
    Kind("Job", "batch/v1", "jobs", tier=1),
    Kind("Pod", "v1", "pods", tier=2),
    Kind("Namespace", "v1", "namespaces", namespaced=False),
    Kind("EndpointSlice", "discovery.k8s.io/v1", "endpointslices"),
    Kind("ConfigMap", "v1", "configmaps"),
    Kind("ServiceAccount", "v1", "serviceaccounts"),
    Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims"),
    Kind("PersistentVolume", "v1", "persistentvolumes", namespaced=False),
    Kind("StorageClass", "storage.k8s.io/v1", "storageclasses", namespaced=False),
    Kind("ResourceQuota", "v1", "resourcequotas"),
    Kind("LimitRange", "v1", "limitranges"),
    Kind("ValidatingWebhookConfiguration", _ADMISSION, "validatingwebhookconfigurations", namespaced=False),
    Kind("MutatingWebhookConfiguration", _ADMISSION, "mutatingwebhookconfigurations", namespaced=False),
    Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
    Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets"),
    Kind("Ingress", "networking.k8s.io/v1", "ingresses"),
    Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
    Kind("Role", _RBAC, "roles"),
    Kind("RoleBinding", _RBAC, "rolebindings"),
    Kind("ClusterRole", _RBAC, "clusterroles", namespaced=False),
    Kind("ClusterRoleBinding", _RBAC, "clusterrolebindings", namespaced=False),
    Kind("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", namespaced=False),
    Kind("Lease", "coordination.k8s.io/v1", "leases"),
    Kind("Secret", "v1", "secrets", metadata_only=True),
    Kind("Event", "v1", "events", tier=4),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

# Two are named as owners or involved objects without being watched.
_CLUSTER_WIDE = frozenset({"CSINode", "APIService"} | {kind.name for kind in _ALL if not kind.namespaced})


def is_cluster_wide(kind: str) -> bool:
    """Whether objects of the kind have no namespace; a kind nobody knows is taken to have one."""
    return kind in _CLUSTER_WIDE


def kinds_named(names: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds of these names.

    Raises:
        UsageError: a name is not in the table; the message lists the known ones.
    """
    wanted = tuple(names)
    unknown = [name for name in wanted if name not in KINDS]
    if unknown:
        raise UsageError(f"unknown kinds: {', '.join(unknown)}", hint=f"known kinds: {', '.join(sorted(KINDS))}")
    return tuple(KINDS[name] for name in wanted)
