"""Which of the scheduler's refusals is the cause, and which is only the cluster's ordinary shape.

The scheduler asks a node that is closed (cordoned, tainted) or not meant about nothing else. So what the other nodes
refuse the pod for decides; but a node that would have taken the pod, and was closed after the workload came to want it,
is the cause.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from tapio.correlators.rules.clues.placement import (
    Barrier,
    barriers,
    largest,
    newest_later,
    nodes,
    request,
    volumes,
    wanted_nodes,
)
from tapio.correlators.rules.clues.scheduler_text import (
    ANTI_AFFINITY,
    BARRIERS,
    CORDONED,
    HOST_PORT,
    SELECTOR,
    SPREAD,
    TAINTED,
    VOLUME_ZONE,
    Refusal,
    refusals_of,
)
from tapio.correlators.seconds import came_before
from tapio.correlators.temporal import CONSEQUENCE
from tapio.correlators.views import NodeView, PodView
from tapio.graph import Change

UNSCHEDULED = frozenset({"Unschedulable", "SchedulerError"})
_ONE_PER_NODE = frozenset({ANTI_AFFINITY, HOST_PORT, SPREAD})
_SIZES = "scheduling.insufficient_"
# Taints that a cluster's own nodes wear from their first day.
_ORDINARY = ("node-role.kubernetes.io/", "CriticalAddonsOnly", "eks.amazonaws.com/compute-type")

_FIELDS = {
    SELECTOR: ("nodeSelector", "nodeAffinity", "affinity"),
    CORDONED: ("nodeSelector", "affinity"),
    TAINTED: ("tolerations", "nodeSelector", "affinity"),
    "scheduling.pod_affinity": ("affinity",),
    ANTI_AFFINITY: ("affinity",),
    SPREAD: ("topologySpreadConstraints",),
    HOST_PORT: ("ports", "hostNetwork"),
}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The refusal that decides; `barrier` is the closed node behind a cordon or taint, `wanted` the nodes the pod's
    own wish allows.
    """

    refusal: Refusal
    message: str
    barrier: Barrier | None = None
    wanted: Sequence[NodeView] = ()

    @property
    def code(self) -> str:
        return self.refusal.code


def deciding(pod: PodView) -> Decision | None:
    """The decision on a pod that the scheduler could not place; None where it did, or said nothing we know."""
    condition = pod.condition("PodScheduled")
    if condition is None or condition.reason not in UNSCHEDULED or condition.status != "False" or pod.spec.node_name:
        return None
    told = refusals_of(condition.message)
    if not told:
        return None
    wanted = wanted_nodes(pod)
    refusal, barrier = _decide(pod, told, wanted)
    return Decision(refusal=refusal, message=condition.message, barrier=barrier, wanted=wanted)


def _decide(pod: PodView, told: Sequence[Refusal], wanted: Sequence[NodeView]) -> tuple[Refusal, Barrier | None]:
    closed = barriers(pod, wanted) if any(one.code in (CORDONED, TAINTED) for one in told) else []
    asked = [one for one in told if one.code not in BARRIERS]
    if not asked:
        return _among_barriers(pod, told, wanted, closed)
    refusal = max(asked, key=lambda one: _weight(pod, one, wanted))
    if refusal.code == VOLUME_ZONE and _all_closed(pod, wanted, closed):
        return _closed(_newest(pod, closed, refusal), told)
    if not _beyond_reach(pod, refusal, wanted):
        later = newest_later(pod, closed, settled_at(pod, refusal))
        if later is not None:
            return _closed(later, told)
    return refusal, None


def _weight(pod: PodView, refusal: Refusal, wanted: Sequence[NodeView]) -> tuple[int, bool, bool, float, str]:
    """How much a refusal for the pod's own ask counts: nodes, then whether none could hold it, then what changed."""
    offer = largest(wanted, refusal.resource)
    asked = request(pod, refusal.resource) if refusal.resource else 0.0
    return (
        refusal.nodes,
        too_big(pod, refusal, wanted) is True,
        bool(own_changes(pod, refusal)),
        asked / offer if offer else 0.0,
        refusal.code,
    )


def too_big(pod: PodView, refusal: Refusal, wanted: Sequence[NodeView]) -> bool | None:
    """Whether the pod would not fit even an empty node; None where no node says what it can give."""
    if not refusal.code.startswith(_SIZES):
        return None
    offer = largest(wanted, refusal.resource)
    return None if offer is None else request(pod, refusal.resource) > offer


def _beyond_reach(pod: PodView, refusal: Refusal, wanted: Sequence[NodeView]) -> bool:
    """Whether open nodes alone would not help: the pod is too big, or its workload has more pods than nodes."""
    if refusal.code in _ONE_PER_NODE:
        return replicas_of(pod) > len(wanted)
    return bool(too_big(pod, refusal, wanted))


def replicas_of(pod: PodView) -> int:
    """How many pods its workload wants; 1 where that is not known."""
    owner = pod.moment.state(pod.workload)
    spec = getattr(owner.object, "spec", None) if owner else None
    return getattr(spec, "replicas", None) or 1


def _among_barriers(
    pod: PodView, told: Sequence[Refusal], wanted: Sequence[NodeView], closed: Sequence[Barrier]
) -> tuple[Refusal, Barrier | None]:
    selector = next((one for one in told if one.code == SELECTOR), None)
    if selector and not wanted and nodes(pod):
        return selector, None
    if closed:
        return _closed(_newest(pod, closed, Refusal(code=TAINTED)), told)
    return max(told, key=_shape), None


def _newest(pod: PodView, closed: Sequence[Barrier], refusal: Refusal) -> Barrier:
    """The barrier that came up last; of those that stood before the workload a cordon first, then a taint that is
    not worn by every cluster's own nodes.
    """
    later = newest_later(pod, closed, settled_at(pod, refusal))
    return later or min(closed, key=lambda one: (one.taint is not None, one.taint is not None and _worn(one.taint.key)))


def _closed(barrier: Barrier, told: Iterable[Refusal]) -> tuple[Refusal, Barrier]:
    code = TAINTED if barrier.taint else CORDONED
    refusal = next((one for one in told if one.code == code and _names(one, barrier)), None)
    return refusal or Refusal(code=code), barrier


def _names(refusal: Refusal, barrier: Barrier) -> bool:
    return barrier.taint is None or refusal.taint[0] in ("", barrier.taint.key)


def _shape(refusal: Refusal) -> tuple[bool, int, bool, bool]:
    """Where no node is known: what is not ordinary first, then what refused most, then what the pod asks itself."""
    return (
        not _worn(refusal.taint[0]),
        refusal.nodes,
        refusal.code == SELECTOR,
        refusal.code == CORDONED,
    )


def _worn(taint: str) -> bool:
    return taint.startswith(_ORDINARY)


def _all_closed(pod: PodView, wanted: Sequence[NodeView], closed: Sequence[Barrier]) -> bool:
    return bool(wanted) and len(closed) == len(wanted) and any(volumes(pod))


# --- What the workload did -------------------------------------------------------------------------------------------


def settled_at(pod: PodView, refusal: Refusal) -> datetime:
    """Since when the workload has asked for what was refused: its creation, or its last change of that."""
    owner = pod.moment.state(pod.workload)
    meta = getattr(owner.object, "metadata", None) if owner else None
    created = (meta.creation_timestamp if meta else None) or pod.created_at
    changes = own_changes(pod, refusal)
    return max([created, *([changes[0].at] if changes else [])])


def recent_change(pod: PodView, refusal: Refusal) -> Change | None:
    """The newest of them that is near enough to the refusal to have brought it about."""
    condition = pod.condition("PodScheduled")
    refused_at = (condition.last_transition_time if condition else None) or pod.created_at
    return next((one for one in own_changes(pod, refusal) if refused_at - one.at <= CONSEQUENCE), None)


def own_changes(pod: PodView, refusal: Refusal) -> list[Change]:
    """The workload's changes that ask for what was refused, newest first."""
    asked = [one for one in pod.workload_changes if _asks(one.field, refusal)]
    grown = _growth(pod) if _is_of_number(refusal) else []
    return sorted([*asked, *grown], key=lambda change: change.at, reverse=True)


def _asks(field: str, refusal: Refusal) -> bool:
    if refusal.code.startswith(_SIZES):
        _, found, tail = field.partition(".resources")
        return bool(found) and (tail in ("", ".requests", ".limits") or refusal.resource in tail)
    return any(name in field.removeprefix("spec.template.spec.") for name in _FIELDS.get(refusal.code, ()))


def _is_of_number(refusal: Refusal) -> bool:
    return refusal.code.startswith(_SIZES) or refusal.code in _ONE_PER_NODE


def _growth(pod: PodView) -> list[Change]:
    """Changes that asked for more pods, none younger than this one."""
    changes = (one for one in pod.changes_of(pod.workload) if one.field == "spec.replicas")
    return [one for one in changes if came_before(one.at, pod.created_at) and _grew(one)]


def _grew(change: Change) -> bool:
    before, after = change.before, change.after
    return not isinstance(before, int) or (isinstance(after, int) and after > before)
