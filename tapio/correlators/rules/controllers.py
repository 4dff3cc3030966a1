"""Causes in what controllers do."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import ServiceView, WorkloadView, evidence, with_change, workload_facts_of
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_FAILED = frozenset({"BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy", "MaxFailedIndexesExceeded"})


@rule("controller.job_failed", version=1)
def job_failed(job: WorkloadView) -> Iterator[Finding]:
    """The Job gave up: too many failed pods, or too long. Why its pods failed lies deeper, where they are known."""
    if not isinstance(job.object, k8s.Job):
        return
    condition = job.condition("Failed") or job.condition("FailureTarget")  # the second says why while pods still end
    reason = condition.reason if condition and condition.status == "True" else ""
    limit = job.spec.backoff_limit
    if not reason and (limit is None or job.status.failed <= limit):
        return
    reason = reason or "BackoffLimitExceeded"
    yield Finding(
        code="controller.job_failed",
        blame=job.key,
        workload=job.root,
        summary=_summary(job, reason),
        confidence=0.85 if reason in _FAILED else 0.7,
        evidence=(job.fact(f"{reason}: {job.status.failed} pods failed", at=_at(condition)),),
        attributes={"reason": reason, "failed": job.status.failed},
        through=tuple(job.pods_made),
        next=(f"kubectl -n {job.key.namespace} describe job {job.key.name}",),
    )


def _summary(job: WorkloadView, reason: str) -> str:
    if reason == "DeadlineExceeded":
        return f"Job {job.key.name} ran longer than its {job.spec.active_deadline_seconds} s"
    return f"Job {job.key.name} gave up after {job.status.failed} failed pods (backoffLimit {job.spec.backoff_limit})"


def _at(condition: k8s.Condition | None) -> datetime | None:
    return condition.last_transition_time if condition else None


@rule("controller.scaled_to_zero", version=1)
def scaled_to_zero(workload: WorkloadView) -> Iterator[Finding]:
    """Its own spec asks for no pods, and somebody made that so or misses them."""
    if isinstance(workload.object, k8s.Job | k8s.DaemonSet) or workload.desired or workload.emptied_at is None:
        return
    if workload.by_hearsay or workload.key != workload.root:
        return  # an old ReplicaSet is at zero because its Deployment moved on
    change = next((one for one in workload.scaling if one.after == 0), None)
    yield _emptied(workload.key, change, _proof_of_zero(workload, change))


def _proof_of_zero(workload: WorkloadView, change: Change | None) -> tuple[Evidence, ...]:
    told = workload.scaled_down
    missing = [evidence(service, f"Service {service.key.name} selects its pods") for service in workload.clients[:1]]
    return with_change(
        change,
        *([evidence(told, told.message)] if told else []),
        *missing,
        workload.fact("spec.replicas is 0", at=workload.emptied_at),
    )


@rule("controller.scaled_to_zero", version=1)
def backend_scaled_to_zero(service: ServiceView) -> Iterator[Finding]:
    """The Service has no endpoint because the only workloads that it selects want no pods."""
    if service.ready_endpoints or any(facts.replicas != 0 for facts in map(workload_facts_of, service.workloads)):
        return
    for facts in service.workloads:
        workload = owner_of_facts(facts)
        change = next((one for one in _scaling_of(service, facts, workload) if one.after == 0), None)
        zero = evidence(facts, f"{workload.kind} {workload.name} asks for 0 pods", entity=workload)
        proof = with_change(change, zero, service.fact("no endpoint is ready"))
        yield _emptied(workload, change, proof)


def owner_of_facts(facts: UnifiedEvent) -> ObjectKey:
    """The workload that facts are about: their name is `Kind.name`."""
    kind, _, name = facts.key.name.partition(".")
    return ObjectKey(kind, facts.key.namespace, name)


def _scaling_of(service: ServiceView, facts: UnifiedEvent, workload: ObjectKey) -> list[Change]:
    changes = [change for change in service.changes_of(facts.key) if change.field == "spec.replicas"]
    return [msgspec.structs.replace(change, entity=workload) for change in changes]


def _emptied(workload: ObjectKey, change: Change | None, proof: tuple[Evidence, ...]) -> Finding:
    who = f" by {change.actor}" if change and change.actor else ""
    before = change.before if change and isinstance(change.before, int) and change.before else 1
    kind = workload.kind.lower()
    return Finding(
        code="controller.scaled_to_zero",
        blame=workload,
        workload=workload,
        change=change,
        summary=f"{workload.kind} {workload.name} is scaled to 0{who}",
        confidence=0.95 if change else 0.9,
        evidence=proof,
        attributes={"replicas": 0},
        ruled_out=(RuledOut(code="service.selector_mismatch", because="the selector matches the workload's template"),),
        next=(f"kubectl -n {workload.namespace} scale {kind}/{workload.name} --replicas={before}",),
    )


_TEMPLATE = "spec.template."


@rule("controller.rollout_stuck", version=1)
def rollout_stuck(deployment: WorkloadView) -> Iterator[Finding]:
    """The new revision did not become available in time. Why its pods did not lies deeper, where they are known."""
    progressing = deployment.condition("Progressing")
    if progressing is None or (progressing.status, progressing.reason) != ("False", "ProgressDeadlineExceeded"):
        return
    if not isinstance(deployment.object, k8s.Deployment):
        return
    name, namespace = deployment.key.name, deployment.key.namespace
    changes = deployment.changes_of(deployment.key)
    change = next((one for one in changes if one.field.startswith(_TEMPLATE)), None)
    yield Finding(
        code="controller.rollout_stuck",
        blame=deployment.key,
        workload=deployment.key,
        change=change,
        summary=f"the newest revision of {name} is not available: {progressing.message or progressing.reason}",
        confidence=0.75,
        evidence=with_change(change, deployment.fact(progressing.message, at=progressing.last_transition_time)),
        attributes={"available": deployment.available, "desired": deployment.desired},
        next=(f"kubectl -n {namespace} rollout undo deployment/{name}",) if change else _describe(deployment),
    )


def _describe(workload: WorkloadView) -> tuple[str, ...]:
    return (f"kubectl -n {workload.key.namespace} describe {workload.key.kind.lower()} {workload.key.name}",)
