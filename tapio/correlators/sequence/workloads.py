"""Where a workload is in its life: does it have the pods it wants?"""

from datetime import timedelta

import msgspec

from tapio.correlators.hearsay import falls_silent_at
from tapio.correlators.sequence.pods import of_pod
from tapio.correlators.sequence.sighting import START_BUDGET, Sighting, seen_as, seen_of
from tapio.correlators.views import WorkloadView
from tapio.graph import SymptomCode
from tapio.unified import objects as k8s

# A workload at zero that no Service misses for so long is meant to be there.
DESIGNED_AFTER = timedelta(hours=24)


def of_workload(workload: WorkloadView) -> Sighting | None:
    if isinstance(workload.object, k8s.Job):
        return _job(workload)
    if workload.by_hearsay:
        return _refused(workload) or _told_of(workload)
    refused = _refused(workload)
    if refused:
        return refused
    progressing = workload.condition("Progressing")
    if progressing and progressing.reason == "ProgressDeadlineExceeded" and progressing.status == "False":
        return seen_as(workload, SymptomCode.PROGRESS_DEADLINE, progressing)
    if workload.available < workload.desired:
        return _unavailable(workload)
    return _emptied(workload) if workload.desired == 0 else None


def _refused(workload: WorkloadView) -> Sighting | None:
    """The API server refuses its pods: a condition says so, or the Events of a controller that has none."""
    condition = workload.condition("ReplicaFailure")
    said = workload.create_failures
    if condition and condition.status == "True":
        message = condition.message or condition.reason
    elif said and workload.lacks_pods:
        message = said[-1].message
    else:
        return None
    seen = seen_of(workload, SymptomCode.FAILED_CREATE, workload.refused_since, message)
    if _AWAITS_ACCOUNT not in message or workload.at >= workload.account_due_at:
        return seen
    return msgspec.structs.replace(seen, expected_by=workload.account_due_at, recheck_at=workload.account_due_at)


_AWAITS_ACCOUNT = "error looking up service account"


def _emptied(workload: WorkloadView) -> Sighting | None:
    """Scaled to zero, by a change or although a Service sends it traffic; one that is at zero by design is well."""
    if not isinstance(workload.object, k8s.Deployment | k8s.StatefulSet):
        return None
    since = workload.emptied_at
    if since is None:
        return None
    seen = seen_of(workload, SymptomCode.SCALED_TO_ZERO, since, "scaled to 0")
    if workload.clients:
        return seen
    settled = since + DESIGNED_AFTER
    return msgspec.structs.replace(seen, recheck_at=settled) if workload.at < settled else None


def _told_of(workload: WorkloadView) -> Sighting | None:
    """A workload that only Events speak of is as well as the pods that they speak of."""
    pods = workload.pods_told_of
    troubled = [(pod, seen) for pod in pods if (seen := of_pod(pod)) and seen.expected_by is None]
    if not troubled:
        return None
    text = f"{len(troubled)} of {len(pods)} pods that its Events speak of are in trouble"
    seen = seen_of(workload, SymptomCode.UNAVAILABLE, min(one.since for _, one in troubled), text)
    silent = [falls_silent_at(pod.event) for pod, _ in troubled if pod.by_hearsay]
    return msgspec.structs.replace(seen, recheck_at=min((at for at in silent if at > workload.at), default=None))


def _unavailable(workload: WorkloadView) -> Sighting:
    available = workload.condition("Available")
    turned = available.last_transition_time if available and available.status != "True" else None
    since = turned or workload.event.timestamp
    deadline = workload.spec.progress_deadline_seconds
    budget = timedelta(seconds=deadline) if deadline else START_BUDGET
    text = f"{workload.available} of {workload.desired} pods are available"
    seen = seen_of(workload, SymptomCode.UNAVAILABLE, since, text)
    overdue_at = workload.overdue_at
    recheck_at = overdue_at if overdue_at and workload.at < overdue_at else seen.recheck_at
    return msgspec.structs.replace(seen, expected_by=since + budget, recheck_at=recheck_at)


def _job(job: WorkloadView) -> Sighting | None:
    failed = job.condition("Failed") or job.condition("FailureTarget")
    if failed and failed.status == "True":
        return seen_as(job, SymptomCode.JOB_FAILED, failed)
    if job.condition("Complete") or job.condition("SuccessCriteriaMet") or job.spec.suspend:
        return None
    return _told_of(job) if job.by_hearsay else _unfinished(job)


def _unfinished(job: WorkloadView) -> Sighting | None:
    if job.spec.backoff_limit is not None and job.status.failed > job.spec.backoff_limit:
        text = f"{job.status.failed} pods failed, backoffLimit is {job.spec.backoff_limit}"
        return seen_of(job, SymptomCode.JOB_FAILED, job.event.timestamp, text)
    if job.status.failed:
        return seen_of(job, SymptomCode.ERROR, job.event.timestamp, f"{job.status.failed} pods failed so far")
    refused = _refused(job)
    if refused:
        return refused
    if not job.status.active and not job.status.succeeded:
        seen = seen_of(job, SymptomCode.STARTING, job.created_at, "no pod yet")
        return msgspec.structs.replace(seen, expected_by=job.created_at + START_BUDGET)
    return None
