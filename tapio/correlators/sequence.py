"""Where is each pod, workload, node and Service in its life, and did it leave the healthy path?

State machines over states, read as of a moment. A symptom's onset is carried on while it lasts (see `timeline`).
"""

from datetime import datetime, timedelta

import msgspec

from tapio.correlators.hearsay import falls_silent_at
from tapio.correlators.views import (
    ClaimView,
    ContainerView,
    End,
    NodeView,
    PodView,
    ServiceView,
    View,
    WorkloadView,
    facts_of,
)
from tapio.graph import Evidence, SymptomCode
from tapio.unified import objects as k8s

# Without a startup probe: a Deployment's default progressDeadlineSeconds (k8s.io/api/apps/v1).
START_BUDGET = timedelta(minutes=10)
# From here on an init container that plainly waits for something is told as waiting for it.
INIT_PATIENCE = timedelta(seconds=60)
# A workload at zero that no Service misses for so long is meant to be there.
DESIGNED_AFTER = timedelta(hours=24)
_SIGNALLED = 128
_LAST_SIGNAL = 64


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A symptom as seen at one moment. `recheck_at` is when time alone would change it."""

    code: SymptomCode
    since: datetime
    message: str = ""
    evidence: tuple[Evidence, ...] = ()
    expected_by: datetime | None = None
    recheck_at: datetime | None = None


def sighting(view: View) -> Sighting | None:
    """The symptom the view shows, or None while it is on its healthy path."""
    if isinstance(view, PodView):
        return _pod(view)
    if isinstance(view, WorkloadView):
        return _workload(view)
    if isinstance(view, ServiceView):
        return _service(view)
    if isinstance(view, NodeView):
        return _node(view)
    if isinstance(view, ClaimView):
        return _claim(view)
    return None


# --- Pods ------------------------------------------------------------------------------------------------------------

_WAITING = {
    "CrashLoopBackOff": SymptomCode.CRASH_LOOP,
    "ErrImagePull": SymptomCode.IMAGE_PULL,
    "ImagePullBackOff": SymptomCode.IMAGE_PULL,
    "ErrImageNeverPull": SymptomCode.IMAGE_PULL,
    "ImageInspectError": SymptomCode.IMAGE_PULL,
    "RegistryUnavailable": SymptomCode.IMAGE_PULL,
    "SignatureValidationFailed": SymptomCode.IMAGE_PULL,
    "InvalidImageName": SymptomCode.INVALID_IMAGE_NAME,
    "CreateContainerConfigError": SymptomCode.CONFIG_ERROR,
    "CreateContainerError": SymptomCode.CREATE_ERROR,
    "PreCreateHookError": SymptomCode.CREATE_ERROR,
    "PreStartHookError": SymptomCode.CREATE_ERROR,
    "RunContainerError": SymptomCode.RUN_ERROR,
    "PostStartHookError": SymptomCode.RUN_ERROR,
}
_FAILED_REASONS = {"Evicted": SymptomCode.EVICTED}


def _pod(pod: PodView) -> Sighting | None:
    if pod.leaving:
        return _stuck_on_its_node(pod)
    if pod.status.phase == "Succeeded":
        return None
    if pod.status.phase == "Failed":
        return _failed(pod)
    if pod.status.phase == "Unknown":
        return _seen(pod, SymptomCode.UNKNOWN, pod.event.timestamp, pod.status.message)
    for container in pod.containers:
        seen = _container(container)
        if seen is not None:
            return seen
    return _unscheduled(pod) or _unready(pod)


def _stuck_on_its_node(pod: PodView) -> Sighting | None:
    """It was to be gone by now (its deletion time has the grace period in it), and its node does not answer."""
    due = pod.pod.metadata.deletion_timestamp
    node = pod.node
    if due is None or node is None or node.ready:
        return None
    seen = _seen(pod, SymptomCode.TERMINATING, due, f"terminating, and node {node.key.name} is not ready")
    return seen if pod.at >= due else msgspec.structs.replace(seen, expected_by=due, recheck_at=due)


def _failed(pod: PodView) -> Sighting:
    ends = [(container, container.last_end) for container in pod.containers]
    bad = [(container, end) for container, end in ends if end and end.exit_code != 0]
    if not bad:
        code = _FAILED_REASONS.get(pod.status.reason, SymptomCode.FAILED)
        return _seen(pod, code, pod.event.timestamp, pod.status.message or pod.status.reason)
    container, end = bad[0]
    code = SymptomCode.OOM_KILLED if end.reason == "OOMKilled" else SymptomCode.ERROR
    return _ended(container, end, code)


def _container(container: ContainerView) -> Sighting | None:
    waiting = container.waiting
    if waiting and waiting.reason in _WAITING:
        return _waiting(container, waiting)
    if container.ended:
        return _stopped(container, container.ended)
    if container.running_since and container.last_end:
        return _restarted(container, container.last_end)
    return None


def _waiting(container: ContainerView, waiting: k8s.Waiting) -> Sighting:
    code = _WAITING[waiting.reason]
    end = container.last_end
    pod = container.pod
    since = end.at if code is SymptomCode.CRASH_LOOP and end else pod.event.timestamp
    text = f"container {container.name}: {waiting.reason}"
    if end and code in (SymptomCode.CRASH_LOOP, SymptomCode.RUN_ERROR):
        text += f", {describe_end(end)}, restarted {container.restarts} times"
    return _seen(pod, code, since, text)


def _stopped(container: ContainerView, end: End) -> Sighting | None:
    if end.exit_code == 0:
        return _ended(container, end, SymptomCode.CRASH_LOOP) if container.ends_in_a_loop else None
    if container.init:
        return _ended(container, end, SymptomCode.INIT_ERROR)
    if container.restarts_after_end:
        return _ended(container, end, SymptomCode.CRASH_LOOP)
    return _ended(container, end, SymptomCode.OOM_KILLED if end.reason == "OOMKilled" else SymptomCode.ERROR)


def _restarted(container: ContainerView, end: End) -> Sighting | None:
    """Runs again after an end: one good moment between two crashes is no recovery yet."""
    if not container.unwell:
        return None
    seen = _ended(container, end, SymptomCode.CRASH_LOOP)
    return msgspec.structs.replace(seen, recheck_at=container.settled_at)


def _ended(container: ContainerView, end: End, code: SymptomCode) -> Sighting:
    text = f"container {container.name}: {describe_end(end)}"
    if container.restarts:
        text += f", restarted {container.restarts} times"
    return _seen(container.pod, code, end.at, text)


def describe_end(end: End) -> str:
    """How a run ended, in a few words."""
    if end.reason == "OOMKilled":
        return f"OOMKilled (exit {end.exit_code})"
    signal = signal_of(end)
    by_signal = f" (signal {signal})" if signal else ""
    return f"exit {end.exit_code}{by_signal}"


def signal_of(end: End) -> int:
    """The signal that ended the run, 0 for none: a shell and runc report 128 + signal (up to SIGRTMAX)."""
    if end.signal:
        return end.signal
    return end.exit_code - _SIGNALLED if _SIGNALLED < end.exit_code <= _SIGNALLED + _LAST_SIGNAL else 0


_REFUSED = frozenset({"Unschedulable", "SchedulerError"})


def _unscheduled(pod: PodView) -> Sighting | None:
    scheduled = pod.condition("PodScheduled")
    if pod.is_unseen and pod.at >= pod.overdue_at:
        return _seen(pod, SymptomCode.PENDING, pod.created_at, "no scheduler has looked at it")
    if scheduled is None or scheduled.status != "False" or scheduled.reason not in _REFUSED:
        return None
    since = scheduled.last_transition_time or pod.created_at
    return _seen(pod, SymptomCode.PENDING, since, scheduled.message)


def _unready(pod: PodView) -> Sighting | None:
    if pod.ready:
        return None
    condition = pod.condition("Ready")
    if condition and lost_readiness(pod):
        since = condition.last_transition_time or pod.event.timestamp
        return _seen(pod, SymptomCode.NOT_READY, since, condition.message)
    seen = _seen(pod, SymptomCode.STARTING, pod.created_at, "not ready yet")
    deadline = start_deadline(pod)
    return msgspec.structs.replace(seen, expected_by=deadline, recheck_at=_recheck_of_start(pod, deadline))


def start_deadline(pod: PodView) -> datetime:
    """Until when an ordinary start may take: its startup probe's budget, else the Deployment's, else the default."""
    return _start_of(pod) + _start_budget(pod)


def _recheck_of_start(pod: PodView, deadline: datetime) -> datetime | None:
    """When time alone may let a rule speak: an init container has run for long, or the start is overdue."""
    waits = [at + INIT_PATIENCE for one in pod.containers if one.init and (at := one.running_since)]
    unseen = [pod.overdue_at] if pod.is_unseen else []
    return min((at for at in (*waits, *unseen, deadline) if at > pod.at), default=None)


def lost_readiness(pod: PodView) -> bool:
    """Whether it was ready before: seen so, or the condition turned after everything had started."""
    ready = pod.condition("Ready")
    if ready is None or pod.was_ready:
        return ready is not None
    if ready.last_transition_time is None or ready.reason == "PodCompleted":
        return False
    started = [at for container in pod.containers if (at := container.running_since)]
    settled = max([pod.created_at, *([pod.status.start_time] if pod.status.start_time else []), *started])
    return bool(started) and ready.last_transition_time > settled + timedelta(seconds=2)


def _start_of(pod: PodView) -> datetime:
    started = [at for container in pod.containers if (at := container.running_since)]
    return max([pod.created_at, *started])


def _start_budget(pod: PodView) -> timedelta:
    budgets = [probe_budget(one.spec.startup_probe) for one in pod.containers if one.spec.startup_probe]
    if budgets:
        return max(budgets)
    owner = pod.moment.state(pod.workload)
    deadline = owner.object.spec.progress_deadline_seconds if owner and isinstance(owner.object, k8s.Deployment) else 0
    return timedelta(seconds=deadline) if deadline else START_BUDGET


def probe_budget(probe: k8s.Probe) -> timedelta:
    """How long a probe lets a container be unwell: initialDelay + period x failureThreshold."""
    return timedelta(seconds=probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold)


# --- Workloads, Services, nodes --------------------------------------------------------------------------------------


def _workload(workload: WorkloadView) -> Sighting | None:
    if isinstance(workload.object, k8s.Job):
        return _job(workload)
    if workload.by_hearsay:
        return _refused(workload) or _told_of(workload)
    refused = _refused(workload)
    if refused:
        return refused
    progressing = workload.condition("Progressing")
    if progressing and progressing.reason == "ProgressDeadlineExceeded" and progressing.status == "False":
        return _from(workload, SymptomCode.PROGRESS_DEADLINE, progressing)
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
    seen = _seen(workload, SymptomCode.FAILED_CREATE, workload.refused_since, message)
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
    seen = _seen(workload, SymptomCode.SCALED_TO_ZERO, since, "scaled to 0")
    if workload.clients:
        return seen
    settled = since + DESIGNED_AFTER
    return msgspec.structs.replace(seen, recheck_at=settled) if workload.at < settled else None


def _told_of(workload: WorkloadView) -> Sighting | None:
    """A workload that only Events speak of is as well as the pods that they speak of."""
    pods = workload.pods_told_of
    troubled = [(pod, seen) for pod in pods if (seen := _pod(pod)) and seen.expected_by is None]
    if not troubled:
        return None
    text = f"{len(troubled)} of {len(pods)} pods that its Events speak of are in trouble"
    seen = _seen(workload, SymptomCode.UNAVAILABLE, min(one.since for _, one in troubled), text)
    silent = [falls_silent_at(pod.event) for pod, _ in troubled if pod.by_hearsay]
    return msgspec.structs.replace(seen, recheck_at=min((at for at in silent if at > workload.at), default=None))


def _unavailable(workload: WorkloadView) -> Sighting:
    available = workload.condition("Available")
    turned = available.last_transition_time if available and available.status != "True" else None
    since = turned or workload.event.timestamp
    deadline = workload.spec.progress_deadline_seconds
    budget = timedelta(seconds=deadline) if deadline else START_BUDGET
    text = f"{workload.available} of {workload.desired} pods are available"
    seen = _seen(workload, SymptomCode.UNAVAILABLE, since, text)
    return msgspec.structs.replace(seen, expected_by=since + budget)


def _job(job: WorkloadView) -> Sighting | None:
    failed = job.condition("Failed") or job.condition("FailureTarget")
    if failed and failed.status == "True":
        return _from(job, SymptomCode.JOB_FAILED, failed)
    if job.condition("Complete") or job.condition("SuccessCriteriaMet") or job.spec.suspend:
        return None
    return _told_of(job) if job.by_hearsay else _unfinished(job)


def _unfinished(job: WorkloadView) -> Sighting | None:
    if job.spec.backoff_limit is not None and job.status.failed > job.spec.backoff_limit:
        text = f"{job.status.failed} pods failed, backoffLimit is {job.spec.backoff_limit}"
        return _seen(job, SymptomCode.JOB_FAILED, job.event.timestamp, text)
    if job.status.failed:
        return _seen(job, SymptomCode.ERROR, job.event.timestamp, f"{job.status.failed} pods failed so far")
    refused = _refused(job)
    if refused:
        return refused
    if not job.status.active and not job.status.succeeded:
        seen = _seen(job, SymptomCode.STARTING, job.created_at, "no pod yet")
        return msgspec.structs.replace(seen, expected_by=job.created_at + START_BUDGET)
    return None


def _service(service: ServiceView) -> Sighting | None:
    spec = service.spec
    if not spec.selector or spec.type == "ExternalName" or spec.publish_not_ready_addresses:
        return None
    if service.ready_endpoints:
        return _astray(service)
    seen = _seen(service, SymptomCode.NO_ENDPOINTS, _emptied_at(service), "no endpoint is ready")
    turned = (facts_of(pod).turned_at or pod.timestamp for pod in service.backends)
    newest = max([service.created_at, *turned])
    return msgspec.structs.replace(seen, expected_by=newest + START_BUDGET)


def _astray(service: ServiceView) -> Sighting | None:
    if not service.astray:
        return None
    ports = ", ".join(f"{one.port.port} -> {one.target}" for one in service.astray)
    changed = max((change.at for change in service.target_changes), default=service.created_at)
    return _seen(service, SymptomCode.PORT_MISMATCH, changed, f"endpoints are ready, ports lead nowhere: {ports}")


def _emptied_at(service: ServiceView) -> datetime:
    """Since when nothing backs it: the newest thing that can have taken the last endpoint away."""
    return max([service.created_at, *(event.timestamp for event in service.slices)])


def _node(node: NodeView) -> Sighting | None:
    ready = node.condition("Ready")
    if ready and ready.status != "True":
        seen = _from(node, SymptomCode.NODE_NOT_READY, ready)
        return msgspec.structs.replace(seen, expected_by=node.starting_until, recheck_at=node.starting_until)
    for condition in node.node.status.conditions:
        if condition.type.endswith("Pressure") and condition.status == "True":
            return _from(node, SymptomCode.NODE_PRESSURE, condition)
    return None


def _claim(claim: ClaimView) -> Sighting | None:
    """Not bound: one that waits for its first pod is well, and a volume may take a while to be made."""
    if claim.is_bound or claim.waits_for_a_pod:
        return None
    phase = claim.claim.status.phase or "Pending"
    seen = _seen(claim, SymptomCode.UNBOUND, claim.created_at, f"{phase}: no volume is bound to it")
    if phase == "Lost":
        return seen
    recheck_at = claim.overdue_at if claim.at < claim.overdue_at else None
    return msgspec.structs.replace(seen, expected_by=claim.created_at + START_BUDGET, recheck_at=recheck_at)


def _from(view: View, code: SymptomCode, condition: k8s.Condition) -> Sighting:
    since = condition.last_transition_time or view.event.timestamp
    return _seen(view, code, since, condition.message or condition.reason)


def _seen(view: View, code: SymptomCode, since: datetime, message: str) -> Sighting:
    text = message or code.value
    return Sighting(code=code, since=since, message=text, evidence=(view.fact(text),))
