"""Where a pod could run by its own wish, and what stands between it and such a node."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

import msgspec

from tapio.correlators.quantities import amount
from tapio.correlators.seconds import came_before
from tapio.correlators.temporal import CLOCKS_APART
from tapio.correlators.views import NodeView, PodView, facts_of, node_view, selects
from tapio.graph import Change
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_NO_SCHEDULE = frozenset({"NoSchedule", "NoExecute"})
_CORDON_TAINT = "node.kubernetes.io/unschedulable"
# Labels that controllers put on the pods of one revision, or on one pod.
_OF_A_REVISION = frozenset(
    {"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
     "apps.kubernetes.io/pod-index"}
)  # fmt: skip


class Barrier(msgspec.Struct, frozen=True, kw_only=True):
    """Why a node that the pod would take is closed to it: a cordon (no taint) or a taint, and the change that did it.

    `held` says that pods of the same workload are on the node: it was open to them once.
    """

    node: ObjectKey
    taint: k8s.Taint | None = None
    change: Change | None = None
    held: bool = False


def nodes(pod: PodView) -> list[NodeView]:
    """Every node known at this moment."""
    events = pod.moment.all("Node", "")
    return [node for event in events if (node := node_view(pod.moment, event.key.name))]


def wanted_nodes(pod: PodView) -> list[NodeView]:
    """The nodes that the pod's selector, its affinity and its volumes allow, open or not."""
    return [node for node in nodes(pod) if is_wanted(pod, node)]


def is_wanted(pod: PodView, node: NodeView) -> bool:
    if pod.spec.node_selector and not selects(pod.spec.node_selector, node.labels):
        return False
    if not matches(required_affinity(pod), node):
        return False
    return all(matches(_affinity_of(volume), node) for volume in volumes(pod))


def required_affinity(pod: PodView) -> dict[str, Any]:
    """The node selector that its affinity requires; empty where it requires none."""
    affinity = pod.spec.affinity.get("nodeAffinity") or {}
    return affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}


def matches(required: dict[str, Any], node: NodeView) -> bool:
    """Whether a node selector's terms take the node; one of them is enough."""
    terms = required.get("nodeSelectorTerms") or ()
    return not terms or any(_matches_term(term, node) for term in terms)


def _matches_term(term: dict[str, Any], node: NodeView) -> bool:
    fields = {"metadata.name": node.key.name}
    return all(_meets(one, node.labels) for one in term.get("matchExpressions") or ()) and all(
        _meets(one, fields) for one in term.get("matchFields") or ()
    )


def _meets(requirement: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = requirement.get("key", ""), requirement.get("values") or []
    value = labels.get(key)
    match requirement.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(operator, value, values)
    return True


def _compares(operator: str, value: str | None, values: Sequence[str]) -> bool:
    if value is None or len(values) != 1 or not (value.isdecimal() and values[0].isdecimal()):
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])


# --- Volumes ---------------------------------------------------------------------------------------------------------


def claims(pod: PodView) -> list[ObjectKey]:
    """The claims it mounts, those made for it alone included."""
    return [
        ObjectKey("PersistentVolumeClaim", pod.key.namespace, name)
        for volume in pod.spec.volumes
        if (name := _claim_name(pod, volume))
    ]


def _claim_name(pod: PodView, volume: k8s.Volume) -> str:
    if volume.persistent_volume_claim:
        return volume.persistent_volume_claim.claim_name
    return f"{pod.key.name}-{volume.name}" if volume.ephemeral else ""


def volumes(pod: PodView) -> Iterator[k8s.PersistentVolume]:
    """The PersistentVolumes that its claims are bound to, as far as they are known."""
    for key in claims(pod):
        claim = pod.moment.state(key)
        name = claim.object.spec.volume_name if claim and isinstance(claim.object, k8s.PersistentVolumeClaim) else ""
        volume = pod.moment.state(ObjectKey("PersistentVolume", "", name)) if name else None
        if volume and isinstance(volume.object, k8s.PersistentVolume):
            yield volume.object


def _affinity_of(volume: k8s.PersistentVolume) -> dict[str, Any]:
    return volume.spec.node_affinity.required if volume.spec.node_affinity else {}


# --- Barriers --------------------------------------------------------------------------------------------------------


def barriers(pod: PodView, wanted: Iterable[NodeView]) -> list[Barrier]:
    """What closes the wanted nodes to the pod: of each the cordon, else the first taint it does not tolerate."""
    return [barrier for node in wanted if (barrier := _barrier(pod, node))]


def _barrier(pod: PodView, node: NodeView) -> Barrier | None:
    held = _holds_siblings(pod, node)
    if node.node.spec.unschedulable:
        return Barrier(node=node.key, change=_closing_change(pod, node, "spec.unschedulable", "true"), held=held)
    for taint in node.node.spec.taints:
        if not tolerates(pod, taint):
            return Barrier(
                node=node.key, taint=taint, change=_closing_change(pod, node, "spec.taints", taint.key), held=held
            )
    return None


def tolerates(pod: PodView, taint: k8s.Taint) -> bool:
    """Whether the taint lets the pod in (core/v1 Toleration.ToleratesTaint)."""
    if taint.effect not in _NO_SCHEDULE or taint.key == _CORDON_TAINT:
        return True
    return any(_covers(one, taint) for one in pod.spec.tolerations)


def _covers(toleration: k8s.Toleration, taint: k8s.Taint) -> bool:
    if toleration.effect not in ("", taint.effect) or toleration.key not in ("", taint.key):
        return False
    return toleration.operator == "Exists" or (bool(toleration.key) and toleration.value == taint.value)


def _closing_change(pod: PodView, node: NodeView, field: str, word: str) -> Change | None:
    """The newest change of the field after which it says `word`; a value that is not known may."""
    changes = (one for one in pod.changes_of(node.key) if one.field.startswith(field))
    return next((one for one in changes if _says(one, word)), None)


def _says(change: Change, word: str) -> bool:
    return change.after is not None and (word in change.field or word in str(change.after).lower() or not change.after)


def _holds_siblings(pod: PodView, node: NodeView) -> bool:
    labels = {key: value for key, value in pod.labels.items() if key not in _OF_A_REVISION}
    facts = pod.moment.labelled("PodFacts", pod.key.namespace, labels)
    root = str(pod.workload)
    return any(one.root == root and facts_of(one).node_name == node.key.name for one in facts)


def newest_later(pod: PodView, found: Iterable[Barrier], than: datetime) -> Barrier | None:
    """The newest barrier that came up later than a time, and not after the pod was refused already.

    One without a known change counts as later when pods of the workload are behind it.
    """
    refused = pod.condition("PodScheduled")
    until = (refused.last_transition_time if refused else None) or pod.at
    later = [one for one in found if _came_between(one, than, until + CLOCKS_APART)]
    return max(later, key=lambda one: (one.change is not None, one.change.at if one.change else than), default=None)


def _came_between(barrier: Barrier, since: datetime, until: datetime) -> bool:
    if barrier.change is None:
        return barrier.held
    return since < barrier.change.at and came_before(barrier.change.at, until)


# --- Sizes -----------------------------------------------------------------------------------------------------------


def request(pod: PodView, resource: str) -> float:
    """How much of a resource the pod asks for, in its base unit (API conventions: init containers run before)."""
    if resource == "pods":
        return 1.0
    sidecars = [one for one in pod.spec.init_containers if one.restart_policy == "Always"]
    starting = [_asked(one, resource) for one in pod.spec.init_containers if one not in sidecars]
    together = sum(_asked(one, resource) for one in (*pod.spec.containers, *sidecars))
    overhead = amount(pod.spec.overhead.get(resource)) or 0.0
    return reduce(max, starting, together) + overhead


def _asked(container: k8s.Container, resource: str) -> float:
    resources = container.resources or k8s.Resources()
    return amount(resources.requests.get(resource, resources.limits.get(resource))) or 0.0


def largest(wanted: Iterable[NodeView], resource: str) -> float | None:
    """What the largest of the nodes can give to pods; None where none of them says."""
    offers = [amount(node.node.status.allocatable.get(resource, 0)) for node in wanted if node.node.status.allocatable]
    return max((offer for offer in offers if offer is not None), default=None)
