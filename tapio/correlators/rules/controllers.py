"""Causes in what controllers do."""

from collections.abc import Iterator
from datetime import datetime

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import WorkloadView
from tapio.unified import objects as k8s

_FAILED = frozenset({"BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy", "MaxFailedIndexesExceeded"})


@rule("controller.job_failed", version=1)
def job_failed(job: WorkloadView) -> Iterator[Finding]:
    """The Job gave up: too many failed pods, or too long. Why its pods failed lies deeper, where they are known."""
    if not isinstance(job.object, k8s.Job):
        return
    condition = job.condition("Failed")
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
        next=(f"kubectl -n {job.key.namespace} describe job {job.key.name}",),
    )


def _summary(job: WorkloadView, reason: str) -> str:
    if reason == "DeadlineExceeded":
        return f"Job {job.key.name} ran longer than its {job.spec.active_deadline_seconds} s"
    return f"Job {job.key.name} gave up after {job.status.failed} failed pods (backoffLimit {job.spec.backoff_limit})"


def _at(condition: k8s.Condition | None) -> datetime | None:
    return condition.last_transition_time if condition else None
