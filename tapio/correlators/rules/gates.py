"""Pods that run well and are kept from being ready by a condition that somebody else is to set."""

from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.sequence import lost_readiness, start_deadline
from tapio.correlators.views import PodView
from tapio.graph import RuledOut

_NOT_OPEN = "ReadinessGatesNotReady"  # the kubelet's reason (pkg/kubelet/status)


@rule("runtime.readiness_gate", version=1)
def readiness_gate(pod: PodView) -> Iterator[Finding]:
    """Every container is ready, and the pod is not: a readiness gate of it is not True, or nobody has set it.

    Whoever sets it takes the time of a start for that.
    """
    ready = pod.condition("Ready")
    if ready is None or ready.status == "True" or ready.reason != _NOT_OPEN or pod.leaving:
        return
    if pod.at < start_deadline(pod) and not lost_readiness(pod):
        return
    closed = [name for name in pod.readiness_gates if not _is_open(pod, name)]
    what = ", ".join(closed) or "one of its conditions"
    yield Finding(
        code="runtime.readiness_gate",
        blame=pod.workload,
        workload=pod.workload,
        summary=f"all containers of {pod.key.name} are ready, and its readiness gate is not: {what}",
        confidence=0.9 if lost_readiness(pod) else 0.85,
        evidence=(pod.fact(f"{ready.reason}: {ready.message}", at=ready.last_transition_time),),
        attributes={"gates": closed},
        ruled_out=(RuledOut(code="runtime.readiness_status", because="its containers are ready"),),
        next=(f"look at the controller that sets {what} on pods: its log, and whether it runs",),
    )


def _is_open(pod: PodView, name: str) -> bool:
    condition = pod.condition(name)
    return condition is not None and condition.status == "True"
