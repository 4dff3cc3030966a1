"""Where a pod is in its life: its containers first, then its place and its readiness."""

from datetime import datetime, timedelta

import msgspec

from tapio.correlators.sequence.sighting import START_BUDGET, Sighting, seen_of
from tapio.correlators.views import ContainerView, End, PodView
from tapio.graph import SymptomCode
from tapio.unified import EventName
from tapio.unified import objects as k8s

# From here on an init container that plainly waits for something is told as waiting for it.
INIT_PATIENCE = timedelta(seconds=60)
_SIGNALLED = 128
_LAST_SIGNAL = 64

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


def of_pod(pod: PodView) -> Sighting | None:
    if pod.leaving:
        return _stuck_on_its_node(pod)
    if pod.status.phase in _LAST_PHASES:
        return _over(pod)
    for container in pod.containers:
        seen = _container(container)
        if seen is not None:
            return seen
    return _unscheduled(pod) or _unready(pod)


_LAST_PHASES = frozenset({"Succeeded", "Failed", "Unknown"})


def _over(pod: PodView) -> Sighting | None:
    if pod.eviction is not None:
        return seen_of(pod, SymptomCode.EVICTED, _evicted_at(pod), pod.eviction or "Evicted")
    if pod.status.phase == "Unknown":
        return seen_of(pod, SymptomCode.UNKNOWN, pod.event.timestamp, pod.status.message)
    return _failed(pod) if pod.status.phase == "Failed" else None


def _stuck_on_its_node(pod: PodView) -> Sighting | None:
    """It was to be gone by now (its deletion time has the grace period in it), and its node does not answer."""
    due = pod.pod.metadata.deletion_timestamp
    node = pod.node
    if due is None or node is None or node.ready:
        return None
    seen = seen_of(pod, SymptomCode.TERMINATING, due, f"terminating, and node {node.key.name} is not ready")
    return seen if pod.at >= due else msgspec.structs.replace(seen, expected_by=due, recheck_at=due)


def _evicted_at(pod: PodView) -> datetime:
    said = pod.said(EventName.POD_EVICTED)
    return said[-1].timestamp if said else pod.event.timestamp


def _failed(pod: PodView) -> Sighting:
    ends = [(container, container.last_end) for container in pod.containers]
    bad = [(container, end) for container, end in ends if end and end.exit_code != 0]
    if not bad or pod.status.reason:  # a reason is the kubelet's, for the pod as a whole
        return seen_of(pod, SymptomCode.FAILED, pod.event.timestamp, pod.status.message or pod.status.reason)
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
        text += f", {describe_end(end)}, {describe_restarts(container)}"
    return seen_of(pod, code, since, text)


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
        text += f", {describe_restarts(container)}"
    return seen_of(container.pod, code, end.at, text)


def describe_end(end: End) -> str:
    """How a run ended, in a few words."""
    if end.reason == "OOMKilled":
        return f"OOMKilled (exit {end.exit_code})"
    signal = signal_of(end)
    by_signal = f" (signal {signal})" if signal else ""
    return f"exit {end.exit_code}{by_signal}"


def describe_restarts(container: ContainerView) -> str:
    """How often the kubelet has started it again."""
    return f"restarted {container.restarts} time{'' if container.restarts == 1 else 's'}"


def signal_of(end: End) -> int:
    """The signal that ended the run, 0 for none: a shell and runc report 128 + signal (up to SIGRTMAX)."""
    if end.signal:
        return end.signal
    return end.exit_code - _SIGNALLED if _SIGNALLED < end.exit_code <= _SIGNALLED + _LAST_SIGNAL else 0


_REFUSED = frozenset({"Unschedulable", "SchedulerError"})


def _unscheduled(pod: PodView) -> Sighting | None:
    scheduled = pod.condition("PodScheduled")
    if pod.is_unseen and pod.at >= pod.overdue_at:
        return seen_of(pod, SymptomCode.PENDING, pod.created_at, "no scheduler has looked at it")
    if scheduled is None or scheduled.status != "False" or scheduled.reason not in _REFUSED:
        return None
    since = scheduled.last_transition_time or pod.created_at
    return seen_of(pod, SymptomCode.PENDING, since, scheduled.message)


def _unready(pod: PodView) -> Sighting | None:
    if pod.ready:
        return None
    condition = pod.condition("Ready")
    if condition and lost_readiness(pod):
        since = condition.last_transition_time or pod.event.timestamp
        return seen_of(pod, SymptomCode.NOT_READY, since, condition.message)
    seen = seen_of(pod, SymptomCode.STARTING, pod.created_at, "not ready yet")
    deadline = start_deadline(pod)
    return msgspec.structs.replace(seen, expected_by=deadline, recheck_at=_recheck_of_start(pod, deadline))


def start_deadline(pod: PodView) -> datetime:
    """Until when an ordinary start may take: its startup probe's budget, else the Deployment's, else the default."""
    return _start_of(pod) + _start_budget(pod)


def _recheck_of_start(pod: PodView, deadline: datetime) -> datetime | None:
    """When time alone may let a rule speak: an init container has run for long, or the start is overdue."""
    waits = [at + INIT_PATIENCE for one in pod.containers if one.init and (at := one.running_since)]
    unseen = [pod.overdue_at] if pod.is_unseen or pod.is_gated else []
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
