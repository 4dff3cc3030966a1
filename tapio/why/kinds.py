"""The words people use for kinds of objects, and what a kind alone tells: its apiVersion, whether it has a namespace.

Source: `kubectl api-resources` of Kubernetes 1.34, and the kinds Tapio adds for what is no Kubernetes object.
"""

import msgspec

from tapio.unified import ObjectKey


class Kind(msgspec.Struct, frozen=True, gc=False):
    """`words` are the short names; the singular and the plural in lower case are always understood."""

    name: str
    api_version: str = "v1"
    words: tuple[str, ...] = ()
    namespaced: bool = True

    @property
    def short(self) -> str:
        """The word the answers use: kubectl's short name where people say it, else the kind in lower case."""
        return _SPOKEN.get(self.name, self.name.lower())


_SPOKEN = {
    "Deployment": "deploy", "Service": "svc", "ReplicaSet": "rs", "StatefulSet": "sts", "DaemonSet": "ds",
    "PersistentVolumeClaim": "pvc", "PersistentVolume": "pv", "Namespace": "ns", "ConfigMap": "cm",
}  # fmt: skip

_RBAC = "rbac.authorization.k8s.io/v1"
_ADMISSION = "admissionregistration.k8s.io/v1"

KINDS = (
    Kind("Pod", words=("po",)),
    Kind("Deployment", "apps/v1", ("deploy",)),
    Kind("ReplicaSet", "apps/v1", ("rs",)),
    Kind("StatefulSet", "apps/v1", ("sts",)),
    Kind("DaemonSet", "apps/v1", ("ds",)),
    Kind("ReplicationController", words=("rc",)),
    Kind("Job", "batch/v1"),
    Kind("CronJob", "batch/v1", ("cj",)),
    Kind("Service", words=("svc",)),
    Kind("Endpoints", words=("ep",)),
    Kind("EndpointSlice", "discovery.k8s.io/v1"),
    Kind("Ingress", "networking.k8s.io/v1", ("ing",)),
    Kind("NetworkPolicy", "networking.k8s.io/v1", ("netpol",)),
    Kind("ConfigMap", words=("cm",)),
    Kind("Secret"),
    Kind("ServiceAccount", words=("sa",)),
    Kind("PersistentVolumeClaim", words=("pvc",)),
    Kind("PersistentVolume", words=("pv",), namespaced=False),
    Kind("StorageClass", "storage.k8s.io/v1", ("sc",), namespaced=False),
    Kind("ResourceQuota", words=("quota",)),
    Kind("LimitRange", words=("limits",)),
    Kind("HorizontalPodAutoscaler", "autoscaling/v2", ("hpa",)),
    Kind("PodDisruptionBudget", "policy/v1", ("pdb",)),
    Kind("Role", _RBAC),
    Kind("RoleBinding", _RBAC),
    Kind("ClusterRole", _RBAC, namespaced=False),
    Kind("ClusterRoleBinding", _RBAC, namespaced=False),
    Kind("MutatingWebhookConfiguration", _ADMISSION, namespaced=False),
    Kind("ValidatingWebhookConfiguration", _ADMISSION, namespaced=False),
    Kind("PriorityClass", "scheduling.k8s.io/v1", ("pc",), namespaced=False),
    Kind("Lease", "coordination.k8s.io/v1"),
    Kind("Event", words=("ev",)),
    Kind("Namespace", words=("ns",), namespaced=False),
    Kind("Node", words=("no",), namespaced=False),
    # What is to blame and no Kubernetes object.
    Kind("Container", ""),
    Kind("Registry", "", namespaced=False),
    Kind("Host", "", namespaced=False),
    Kind("EtcdMember", "", namespaced=False),
    Kind("Component", "", namespaced=False),
)


def _plural(word: str) -> str:
    if word.endswith("s"):
        return word if word == "endpoints" else word + "es"
    return word[:-1] + "ies" if word.endswith("cy") else word + "s"


_BY_NAME = {kind.name: kind for kind in KINDS}
WORDS = {
    word: kind
    for kind in KINDS
    for word in (*kind.words, kind.name.lower(), _plural(kind.name.lower()))
}  # fmt: skip


def find_kind(word: str) -> Kind | None:
    """The kind that a word such as `po`, `Pods` or `deployments.apps` means; None for a word nobody knows."""
    word = word.lower()
    return WORDS.get(word) or WORDS.get(word.partition(".")[0])


def kind_named(name: str) -> Kind:
    """What is known of a kind by its own name; of one that is not in the table, nothing but the name."""
    return _BY_NAME.get(name) or Kind(name, "")


def short_form(key: ObjectKey) -> str:
    """`pod/shop/checkout-7f6c9`, as a target is written."""
    kind, namespace, name = key
    return "/".join(part for part in (kind_named(kind).short, namespace, name) if part)
