"""Where autoscalers, budgets, schedules and routes are in their lives, and what cannot leave."""

from datetime import datetime, timedelta

import msgspec

from tapio.correlators.sequence.sighting import Sighting, seen_as, seen_of
from tapio.correlators.sequence.workloads import DESIGNED_AFTER
from tapio.correlators.views import AutoscalerView, BudgetView, RouteView, ScheduleView, View
from tapio.graph import SymptomCode
from tapio.unified import objects as k8s

# A pod that has just started has no metrics yet: two of the metrics server's rounds, and one of the autoscaler's.
METRICS_COME_WITHIN = timedelta(seconds=120)
# What a finalizer waits for takes moments, as a rule.
FINALIZERS_PATIENCE = timedelta(seconds=60)
# A new autoscaler or a target at zero is no trouble.
_BY_DESIGN = frozenset({"ScalingDisabled"})
_NO_SUCH_API = ("could not find the requested resource", "no custom metrics API", "no external metrics API")


def of_autoscaler(autoscaler: AutoscalerView) -> Sighting | None:
    able, active = autoscaler.condition("AbleToScale"), autoscaler.condition("ScalingActive")
    if able and able.status == "False":
        return seen_as(autoscaler, SymptomCode.NOT_SCALING, able)
    if active and active.status == "False" and active.reason not in _BY_DESIGN:
        return _without_metrics(autoscaler, active)
    limited = autoscaler.condition("ScalingLimited")
    if limited and limited.status == "True" and limited.reason == "TooManyReplicas":
        return seen_as(autoscaler, SymptomCode.NOT_SCALING, limited)
    return None


def _without_metrics(autoscaler: AutoscalerView, active: k8s.Condition) -> Sighting:
    """No metrics: for good where the API for them or a request is missing, for now where they are only late."""
    seen = seen_as(autoscaler, SymptomCode.NOT_SCALING, active)
    if any(words in active.message for words in (*_NO_SUCH_API, "missing request for")):
        return seen
    due = seen.since + METRICS_COME_WITHIN
    return msgspec.structs.replace(seen, expected_by=due, recheck_at=due) if autoscaler.at < due else seen


def of_budget(budget: BudgetView) -> Sighting | None:
    """Somebody drains a node, and the budget lets none of its pods go."""
    status = budget.budget.status
    if status.disruptions_allowed or not status.expected_pods or not budget.held:
        return None
    cordons = budget.cordons
    since = cordons[0].at if cordons else budget.event.timestamp
    text = f"{len(budget.held)} pods are on cordoned nodes, and no disruption is allowed"
    return seen_of(budget, SymptomCode.EVICTION_REFUSED, since, text)


def of_schedule(schedule: ScheduleView) -> Sighting | None:
    if schedule.schedule.spec.suspend:
        change = schedule.suspended
        settled = change.at + DESIGNED_AFTER if change else schedule.at
        if change is None or schedule.at >= settled:
            return None
        seen = seen_of(schedule, SymptomCode.MISSED_SCHEDULE, change.at, "suspended")
        return msgspec.structs.replace(seen, recheck_at=settled)
    missed = schedule.missed
    return seen_of(schedule, SymptomCode.MISSED_SCHEDULE, missed.timestamp, missed.message) if missed else None


def of_route(route: RouteView) -> Sighting | None:
    if not route.astray:
        return None
    text = ", ".join(f"{one.where} -> {one.service.name}:{one.port}" for one in route.astray)
    return seen_of(route, SymptomCode.MISROUTED, route.event.timestamp, f"backends that lead nowhere: {text}")


def stuck_deleting(view: View) -> Sighting | None:
    """It is being deleted, and what its finalizers wait for does not come."""
    meta = getattr(view.event.object, "metadata", None)
    if meta is None or meta.deletion_timestamp is None:
        return None
    kept = meta.finalizers or (("kubernetes",) if isinstance(view.event.object, k8s.Namespace) else ())
    if not kept:
        return None
    due: datetime = meta.deletion_timestamp + FINALIZERS_PATIENCE
    text = f"being deleted, kept by {', '.join(kept)}"
    seen = seen_of(view, SymptomCode.TERMINATING, meta.deletion_timestamp, text)
    return seen if view.at >= due else msgspec.structs.replace(seen, expected_by=due, recheck_at=due)
