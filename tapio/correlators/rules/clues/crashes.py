"""Whose doing an end was: the program's own, or that of a probe, the kernel or the runtime."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from tapio.correlators.sequence import probe_budget
from tapio.correlators.views import ContainerView, End, PodView
from tapio.unified import EventName, UnifiedEvent
from tapio.unified import objects as k8s

# The runtime's words for a container that it could not start: the program never ran.
START_REASONS = frozenset({"StartError", "ContainerCannotRun", "RunContainerError", "CreateContainerError"})
# runc, CRI-O and docker, of a memory limit in which nothing can be started.
TOO_SMALL = re.compile(
    r"memory limit too low|memory limit \d+ too low|minimum memory limit|init was OOM-killed", re.IGNORECASE
)
_GRACE_S = 30  # terminationGracePeriodSeconds by default
_SLACK = timedelta(seconds=10)  # from the end of the grace period to the state that shows the end
# What is still said in a long loop, and what is no Event.
_LASTING = frozenset({EventName.CONTAINER_BACK_OFF, EventName.CONTAINER_LOG})
_ENDED_BY_SIGNAL = frozenset({137, 143})  # 128 + KILL, 128 + TERM
_SILENCE = timedelta(hours=1)  # for which the API server keeps an Event by default
_LONGEST_LOOP_S = 1800.0  # a run that lasted longer was no round of the same loop
_EARLY = timedelta(seconds=2)  # Events and container states are rounded to seconds, each its own way
# "Container app failed liveness probe, will be restarted", and before 1.16 "... will be killed and recreated".
_KILLED = re.compile(r"failed (liveness|startup) probe", re.IGNORECASE)
_FAILED = re.compile(r"(Liveness|Startup) probe failed", re.IGNORECASE)


class ProbeKill(NamedTuple):
    """The kubelet ended a run because a probe failed; `event` says so, or that the probe failed just before."""

    probe: str  # liveness | startup
    end: End
    event: UnifiedEvent


_LOST_STATUS = 255  # containerd's exit code for a container whose end it did not see


def crash_of(container: ContainerView) -> End | None:
    """The newest end, when it is the program's own: not the kernel's, runtime's, a probe's or kubelet's doing."""
    end = container.last_end
    if end is None or not container.unwell or end.reason == "OOMKilled" or end.reason in START_REASONS:
        return None
    if is_lost(end) or ended_by_kubelet(container.pod) or hook_failure(container):
        return None
    return None if probe_kill(container) else end


def is_lost(end: End) -> bool:
    """Whether nobody saw the container end (its node or its runtime went down): its exit code says nothing then."""
    return end.reason == "ContainerStatusUnknown" or (end.reason == "Unknown" and end.exit_code == _LOST_STATUS)


def ended_by_kubelet(pod: PodView) -> bool:
    """Whether the kubelet ended or refused the pod as a whole: only then does a failed pod's status give a reason."""
    return pod.eviction is not None or (pod.status.phase == "Failed" and bool(pod.status.reason))


def hook_failure(container: ContainerView) -> UnifiedEvent | None:
    """The Event of a postStart hook that failed in the run that ended last; the kubelet kills the container then."""
    end = container.last_end
    grace = timedelta(seconds=container.pod.spec.termination_grace_period_seconds or _GRACE_S)
    said = [one for one in _said(container, EventName.CONTAINER_HOOK_FAILED) if one.reason == "FailedPostStartHook"]
    if container.pod.by_hearsay:  # whose ends nobody saw
        return said[-1] if said else None
    return next((one for one in reversed(said) if end and _around(one, end.at, grace)), None)


def probe_kill(container: ContainerView) -> ProbeKill | None:
    """The kill by a probe that was the newest end, whatever exit code the program gave on its way out.

    The kubelet says so when it kills; where that Event is gone, a probe that had failed often enough just before says
    it too, and last how long the run was.
    """
    end = container.last_end
    if end is None or not container.unwell or end.reason == "OOMKilled":
        return None
    grace = timedelta(seconds=container.pod.spec.termination_grace_period_seconds or _GRACE_S)
    for event in reversed(_said(container, EventName.CONTAINER_KILLED)):
        told = _KILLED.search(event.message)
        probe = _probe(container, told[1].lower()) if told else None
        if told and (_around(event, end.at, grace) or (probe and _went_on(event, end, probe))):
            return ProbeKill(told[1].lower(), end, event)
    for event in reversed(_said(container, EventName.CONTAINER_UNHEALTHY)):
        told = _FAILED.search(event.message)
        probe = _probe(container, told[1].lower()) if told else None
        often = bool(event.attributes and probe and event.attributes.count >= probe.failure_threshold)
        if told and probe and often and _around(event, end.at, grace + timedelta(seconds=probe.period_seconds)):
            return ProbeKill(told[1].lower(), end, event)
    return _untold(container, end, grace)


def _untold(container: ContainerView, end: End, grace: timedelta) -> ProbeKill | None:
    """A kill that no Event is left of: ended by TERM or KILL, after just as long as its probe lets a run last.

    While there are Events of starts and probes, one of the kill would be there too.
    """
    if is_told_of(container.pod) or end.exit_code not in _ENDED_BY_SIGNAL or end.lasted_s is None:
        return None
    for name in ("startup", "liveness"):
        probe = _probe(container, name)
        most = probe_budget(probe) + timedelta(seconds=2 * probe.period_seconds) + grace + _EARLY if probe else None
        if probe and most and _least_s(probe) <= end.lasted_s <= most.total_seconds():
            return ProbeKill(name, end, end.event)
    return None


def is_told_of(pod: PodView) -> bool:
    """Whether Events of its starts and probes are still there: what they do not tell did not happen, then."""
    return any(event.event_name not in _LASTING for event in pod.happenings)


def _said(container: ContainerView, name: EventName) -> list[UnifiedEvent]:
    said = container.pod.said(name)
    return [one for one in said if one.attributes is None or one.attributes.container in ("", container.name)]


def _probe(container: ContainerView, name: str) -> k8s.Probe | None:
    return container.spec.liveness_probe if name == "liveness" else container.spec.startup_probe


def _went_on(event: UnifiedEvent, end: End, probe: k8s.Probe) -> bool:
    """Whether a later end is of the same kind as the kill that was told.

    The kubelet sends 25 Events about one pod, then one in five minutes (client-go's spam filter), so a loop of kills
    falls silent. A run that ended before the probe can have failed often enough was not ended by it.
    """
    if not timedelta() <= end.at - event.timestamp <= _SILENCE or end.lasted_s is None:
        return False
    return _least_s(probe) <= end.lasted_s <= _LONGEST_LOOP_S


def _least_s(probe: k8s.Probe) -> float:
    """How long a run lasts at least before a probe that fails from the first ends it."""
    return probe_budget(probe).total_seconds() - probe.period_seconds - _EARLY.total_seconds()


def _around(event: UnifiedEvent, end: datetime, grace: timedelta) -> bool:
    """Whether an end lies within the time that a counted Event spans, or follows it within the grace period."""
    began = min(event.first_at, event.timestamp)
    return began - _EARLY <= end <= event.timestamp + grace + _SLACK
