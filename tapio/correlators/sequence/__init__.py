"""Where is each pod, workload, Service, node and claim in its life, and did it leave the healthy path?

State machines over states, read as of a moment. A symptom's onset is carried on while it lasts (see `timeline`).
"""

from tapio.correlators.sequence.neighbours import balancer_failure, of_claim, of_node, of_service
from tapio.correlators.sequence.pods import (
    INIT_PATIENCE,
    describe_end,
    describe_restarts,
    lost_readiness,
    of_pod,
    probe_budget,
    signal_of,
    start_deadline,
)
from tapio.correlators.sequence.regulators import (
    FINALIZERS_PATIENCE,
    of_autoscaler,
    of_budget,
    of_route,
    of_schedule,
    stuck_deleting,
)
from tapio.correlators.sequence.sighting import START_BUDGET, Sighting
from tapio.correlators.sequence.workloads import of_workload
from tapio.correlators.views import (
    AutoscalerView,
    BudgetView,
    ClaimView,
    NodeView,
    PodView,
    RouteView,
    ScheduleView,
    ServiceView,
    View,
    WorkloadView,
)

__all__ = [
    "FINALIZERS_PATIENCE",
    "INIT_PATIENCE",
    "START_BUDGET",
    "Sighting",
    "balancer_failure",
    "describe_end",
    "describe_restarts",
    "lost_readiness",
    "probe_budget",
    "sighting",
    "signal_of",
    "start_deadline",
]


def sighting(view: View) -> Sighting | None:
    """The symptom the view shows, or None while it is on its healthy path."""
    return _own_sighting(view) or stuck_deleting(view)


def _own_sighting(view: View) -> Sighting | None:
    if isinstance(view, PodView):
        return of_pod(view)
    if isinstance(view, WorkloadView):
        return of_workload(view)
    if isinstance(view, ServiceView):
        return of_service(view)
    if isinstance(view, NodeView):
        return of_node(view)
    if isinstance(view, ClaimView):
        return of_claim(view)
    return _of_the_others(view)


def _of_the_others(view: View) -> Sighting | None:
    if isinstance(view, AutoscalerView):
        return of_autoscaler(view)
    if isinstance(view, BudgetView):
        return of_budget(view)
    if isinstance(view, ScheduleView):
        return of_schedule(view)
    return of_route(view) if isinstance(view, RouteView) else None
