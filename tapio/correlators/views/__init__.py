"""Views: one entity with its history, its neighbours and their histories, as of a moment. Rules judge views."""

from tapio.correlators.views.claim import ClaimView, claim_view
from tapio.correlators.views.container import ContainerView, End
from tapio.correlators.views.foreign import Strayed, selector_before, strayed
from tapio.correlators.views.node import NodeView, node_view
from tapio.correlators.views.pod import PodView
from tapio.correlators.views.regulators import AutoscalerView, BudgetView, ScheduleView
from tapio.correlators.views.route import RouteView
from tapio.correlators.views.service import ServiceView, StrayPort, facts_of, pod_key, selects, workload_facts_of
from tapio.correlators.views.view import View, change_evidence, evidence, with_change
from tapio.correlators.views.workload import WorkloadView

__all__ = [
    "AutoscalerView",
    "BudgetView",
    "ClaimView",
    "ContainerView",
    "End",
    "NodeView",
    "PodView",
    "RouteView",
    "ScheduleView",
    "ServiceView",
    "StrayPort",
    "Strayed",
    "View",
    "WorkloadView",
    "change_evidence",
    "claim_view",
    "evidence",
    "facts_of",
    "node_view",
    "pod_key",
    "selector_before",
    "selects",
    "strayed",
    "with_change",
    "workload_facts_of",
]
