"""Causes in what acts on workloads from beside: autoscalers, disruption budgets, schedules."""

import re
from collections.abc import Iterator, Sequence

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct, shortened, target
from tapio.correlators.sequence import FINALIZERS_PATIENCE
from tapio.correlators.views import (
    AutoscalerView,
    BudgetView,
    ScheduleView,
    View,
    evidence,
    facts_of,
    pod_key,
    with_change,
)
from tapio.graph import Change, Evidence
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

# kubernetes/pkg/controller/podautoscaler: "missing request for cpu in container app of Pod web-1".
_NO_REQUEST = re.compile(r"missing request for (\S+)(?: in container (\S+))?")


def _newest(changes: Sequence[Change], *fields: str) -> Change | None:
    return next((one for one in changes if one.field.startswith(fields)), None)


@rule("controller.hpa_no_metrics", "controller.hpa_target_missing", version=1)
def no_metrics(autoscaler: AutoscalerView) -> Iterator[Finding]:
    """The autoscaler does not know how many pods are wanted: no metric, no request to measure against, no target."""
    able, active = autoscaler.condition("AbleToScale"), autoscaler.condition("ScalingActive")
    if able and able.status == "False" and able.reason == "FailedGetScale":
        yield _unmeasured(autoscaler, "controller.hpa_target_missing", able, autoscaler.key, "spec.scaleTargetRef")
    elif active and active.status == "False":
        lacking = _NO_REQUEST.search(active.message)
        blame = autoscaler.target if lacking else autoscaler.key
        yield _unmeasured(autoscaler, "controller.hpa_no_metrics", active, blame, "spec.metrics")


def _unmeasured(
    autoscaler: AutoscalerView, code: str, condition: k8s.Condition, blame: ObjectKey, field: str
) -> Finding:
    change = _newest(autoscaler.changes_of(autoscaler.key), field)
    lacking = _NO_REQUEST.search(condition.message)
    attributes = {"reason": condition.reason, "resource": lacking[1] if lacking else ""}
    look = "kubectl get apiservices | grep metrics   # and the metrics server's pods"
    if lacking:
        look = correct(blame, "spec.template.spec.containers[].resources.requests", f"a request of {lacking[1]}")
    elif code == "controller.hpa_target_missing":
        look = f"kubectl -n {autoscaler.key.namespace} edit hpa {autoscaler.key.name}   # spec.scaleTargetRef"
    return Finding(
        code=code,
        blame=blame,
        workload=autoscaler.target,
        change=change if blame == autoscaler.key else None,
        summary=f"{condition.reason}: {shortened(condition.message, 200)}",
        confidence=0.9,
        evidence=with_change(
            change if blame == autoscaler.key else None,
            autoscaler.fact(
                f"{condition.type} is False: {shortened(condition.message)}", at=condition.last_transition_time
            ),
        ),
        attributes={name: value for name, value in attributes.items() if value},
        next=(look,),
    )


@rule("controller.hpa_bounds", version=1)
def at_its_bound(autoscaler: AutoscalerView) -> Iterator[Finding]:
    """The autoscaler wants more pods than it may have: its own upper bound holds it."""
    limited = autoscaler.condition("ScalingLimited")
    active = autoscaler.condition("ScalingActive")
    if limited is None or (limited.status, limited.reason) != ("True", "TooManyReplicas"):
        return
    if active and active.status == "False":
        return
    spec, key = autoscaler.autoscaler.spec, autoscaler.key
    change = _newest(autoscaler.changes_of(key), "spec.maxReplicas")
    yield Finding(
        code="controller.hpa_bounds",
        blame=key,
        workload=autoscaler.target,
        change=change,
        summary=f"autoscaler {key.name} wants more than its maxReplicas of {spec.max_replicas}",
        confidence=0.9,
        evidence=with_change(
            change, autoscaler.fact(f"ScalingLimited: {limited.message}", at=limited.last_transition_time)
        ),
        attributes={"max_replicas": spec.max_replicas, "current": autoscaler.autoscaler.status.current_replicas},
        next=(f'kubectl -n {key.namespace} patch hpa {key.name} -p \'{{"spec":{{"maxReplicas":<more>}}}}\'',),
    )


@rule("controller.pdb_blocks", version=1)
def budget_blocks(budget: BudgetView) -> Iterator[Finding]:
    """A node is to be drained, and the budget lets none of its pods go: it allows none, or others are unwell already.

    That evictions are refused is nowhere recorded; that no disruption is allowed while pods sit on a cordoned node is.
    """
    status = budget.budget.status
    if status.disruptions_allowed or not budget.held:
        return
    unwell = [pod for pod in budget.pods if not facts_of(pod).ready]
    cordon = next(iter(budget.cordons), None)
    node = facts_of(budget.held[0]).node_name
    key = budget.key
    own = _newest(budget.changes_of(key), "spec.minAvailable", "spec.maxUnavailable")
    why = f"{len(unwell)} of its pods are not ready" if unwell else "it allows no disruption at all"
    yield Finding(
        code="controller.pdb_blocks",
        blame=key,
        workload=budget.held[0].owner,
        change=own,
        summary=f"PodDisruptionBudget {key.name} keeps {pod_key(budget.held[0]).name} on cordoned node {node}: {why}",
        confidence=0.85,
        evidence=with_change(
            cordon,
            evidence(budget.held[0], f"a pod of it is on {node}", entity=pod_key(budget.held[0])),
            budget.fact(f"{status.current_healthy} healthy, {status.desired_healthy} wanted, 0 disruptions allowed"),
        ),
        attributes={"node": node, "healthy": status.current_healthy, "wanted": status.desired_healthy},
        through=tuple(pod_key(pod) for pod in unwell),
        next=(f"kubectl -n {key.namespace} edit pdb {key.name}   # minAvailable, maxUnavailable; or add replicas",),
    )


# kubernetes/pkg/controller/cronjob: what each reason means for who wrote the schedule.
_MISSED = {
    "JobAlreadyActive": "the Job before still runs, and it may not run beside it",
    "MissSchedule": "it was too late to start it",
    "FailedNeedsStart": "its schedule cannot be followed",
    "TooManyMissedTimes": "too many starts were missed",
}


@rule("controller.cron_missed", version=1)
def cron_missed(schedule: ScheduleView) -> Iterator[Finding]:
    """The CronJob starts no Job: it is suspended, the Job before still runs, or its schedule cannot be followed."""
    change, missed, key = schedule.suspended, schedule.missed, schedule.key
    if change is not None:
        resume = f'kubectl -n {key.namespace} patch cronjob {key.name} -p \'{{"spec":{{"suspend":false}}}}\''
        yield _missed(schedule, change, "it is suspended", schedule.fact("spec.suspend is true"), resume)
    elif missed is not None:
        why = _MISSED.get(missed.reason, "its schedule cannot be followed")
        set_by = _newest(schedule.changes_of(key), "spec.schedule", "spec.timeZone", "spec.concurrencyPolicy")
        look = f"kubectl -n {key.namespace} describe {target(key)}"
        yield _missed(schedule, set_by, why, evidence(missed, f"{missed.reason}: {shortened(missed.message)}"), look)


def _missed(schedule: ScheduleView, change: Change | None, why: str, proof: Evidence, step: str) -> Finding:
    spec = schedule.schedule.spec
    attributes = {"schedule": spec.schedule, "concurrency_policy": spec.concurrency_policy, "suspend": spec.suspend}
    running = tuple(ObjectKey("Job", schedule.key.namespace, one.name) for one in schedule.schedule.status.active)
    return Finding(
        code="controller.cron_missed",
        blame=schedule.key,
        workload=schedule.key,
        change=change,
        summary=f"CronJob {schedule.key.name} starts no Job: {why}",
        confidence=0.92 if change else 0.88,
        evidence=with_change(change, proof),
        attributes=attributes,
        through=running if "still runs" in why else (),
        next=(step,),
    )


@rule("admission.stuck_deleting", version=1)
def stuck_deleting(view: View) -> Iterator[Finding]:
    """It is being deleted and stays: a finalizer waits for something that does not come."""
    meta = getattr(view.event.object, "metadata", None)
    if meta is None or not meta.deletion_timestamp or view.at < meta.deletion_timestamp + FINALIZERS_PATIENCE:
        return
    told = _said_of_what_is_left(view)
    if not meta.finalizers and not told:
        return
    finalizers = list(dict.fromkeys([*meta.finalizers, *_HOLDERS.findall(" ".join(one.message for one in told))]))
    why = "; ".join(one.message for one in told) or f"finalizers {', '.join(finalizers)}"
    key = view.key
    where = f"-n {key.namespace} " if key.namespace else ""
    look = f"kubectl {where}get {target(key)} -o yaml   # what owns the finalizers: is it there and at work?"
    yield Finding(
        code="admission.stuck_deleting",
        blame=key,
        summary=f"{key.kind} {key.name} is being deleted and kept: {shortened(why, 200)}",
        confidence=0.88,
        evidence=(
            view.fact("deleted", at=meta.deletion_timestamp),
            *(view.fact(shortened(one.message), at=one.last_transition_time) for one in told),
            view.fact(f"kept by {', '.join(finalizers) or 'what it holds'}"),
        ),
        attributes={"finalizers": finalizers},
        next=(_FIND_API if told and told[0].type == _UNDISCOVERED else look,),
    )


# What the namespace controller tells, that first which keeps it from going on (k8s.io/api/core/v1).
_UNDISCOVERED = "NamespaceDeletionDiscoveryFailure"
_LEFT = (
    _UNDISCOVERED,
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
)
_HOLDERS = re.compile(r"([\w.-]+/[\w.-]+) in \d+ resource instances")
_FIND_API = "kubectl get apiservices   # one that is not Available: what serves it, or is it a leftover?"


def _said_of_what_is_left(view: View) -> list[k8s.Condition]:
    if not isinstance(view.event.object, k8s.Namespace):
        return []
    told = [one for one in view.event.object.status.conditions if one.status == "True" and one.type in _LEFT]
    return sorted(told, key=lambda one: _LEFT.index(one.type))
