"""Nothing is wrong: that is an answer too, with its own evidence.

These rules judge what shows no symptom, or one that may yet be an ordinary start. The order is that of the codes:
retired and completed before recovered, recovered before healthy.
"""

from datetime import timedelta

from tapio.correlators.history import is_deleted
from tapio.correlators.rules.finding import Finding
from tapio.correlators.sequence import Sighting
from tapio.correlators.views import NodeView, PodView, ServiceView, View, WorkloadView, evidence
from tapio.graph import Evidence, SymptomCode
from tapio.unified import EventName, UnifiedEvent
from tapio.unified import objects as k8s

# How long ago trouble may lie and still be told as what the subject recovered from.
RECENT = timedelta(hours=1)
# A container that takes longer than this to answer its probes for the first time is told as having had trouble.
WARM_UP = timedelta(seconds=30)
_TROUBLE = (
    EventName.CONTAINER_UNHEALTHY,
    EventName.CONTAINER_BACK_OFF,
    EventName.IMAGE_PULL_FAILED,
    EventName.CONTAINER_START_FAILED,
    EventName.POD_SCHEDULING_FAILED,
    EventName.VOLUME_MOUNT_FAILED,
    EventName.POD_SANDBOX_FAILED,
)
# What is said in the course of any start: of somebody without a symptom it tells nothing that is not known.
ROUTINE = frozenset(
    {
        EventName.POD_SCHEDULED,
        EventName.IMAGE_PULLING,
        EventName.IMAGE_PULLED,
        EventName.CONTAINER_CREATED,
        EventName.CONTAINER_STARTED,
    }
)


def nothing_wrong(view: View, seen: Sighting | None, *, had_symptom: bool) -> Finding:
    """Why nothing is wrong with a subject: exactly one finding, code `none.*`."""
    if seen is not None and seen.code is not SymptomCode.TERMINATING:
        return _finding(
            view, "none.starting", f"{view.key.name} is starting: {seen.message}", 0.85, view.fact(seen.message)
        )
    if is_deleted(view.event) or _leaving(view):
        return _finding(view, "none.retired", f"{view.key.name} was removed", 0.9, *_farewell(view))
    completed = _completed(view)
    if completed:
        return _finding(view, "none.completed", completed, 0.97, view.fact(completed))
    trouble = _recent_trouble(view)
    if had_symptom or trouble:
        summary = f"{view.key.name} had trouble and is well again"
        return _finding(view, "none.recovered", summary, 0.9, *trouble, view.fact(_well(view)))
    well = _well(view)
    return _finding(view, "none.healthy", well, 0.95, view.fact(well))


def _finding(view: View, code: str, summary: str, confidence: float, *proof: Evidence) -> Finding:
    return Finding(code=code, blame=view.key, summary=summary, confidence=confidence, evidence=proof)


def _leaving(view: View) -> bool:
    meta = getattr(view.event.object, "metadata", None)
    if meta is not None and meta.deletion_timestamp:
        return True
    if isinstance(view, WorkloadView) and view.by_hearsay:
        return bool(view.pods_told_of) and all(pod.leaving for pod in view.pods_told_of)
    if isinstance(view, WorkloadView) and isinstance(view.object, k8s.ReplicaSet):
        return view.root != view.key and view.desired == 0  # its Deployment moved on to another revision
    return isinstance(view, PodView) and view.leaving


def _farewell(view: View) -> list[Evidence]:
    killed = view.said(EventName.CONTAINER_KILLED)
    return [
        *(evidence(event, event.message) for event in killed[-1:]),
        view.fact(f"{view.key.kind} {view.key.name} deleted"),
    ]


def _completed(view: View) -> str:
    if isinstance(view, PodView) and view.status.phase == "Succeeded":
        return f"{view.key.name} ran to its end (Succeeded)"
    if isinstance(view, WorkloadView) and isinstance(view.object, k8s.Job):
        complete = view.condition("Complete")
        if complete and complete.status == "True":
            return f"Job {view.key.name} completed"
    return ""


def _recent_trouble(view: View) -> list[Evidence]:
    said = [event for event in view.said(*_TROUBLE, since=view.at - RECENT) if not _is_of_a_start(view, event)]
    ends = [one.last_end for one in view.containers] if isinstance(view, PodView) else []
    crashes = [end for end in ends if end and end.exit_code != 0 and view.at - end.at <= RECENT]
    return [
        *(evidence(event, _told(event)) for event in said[-2:]),
        *(evidence(end.event, f"exit {end.exit_code} ({end.reason})", at=end.at) for end in crashes[-2:]),
    ]


def _is_of_a_start(view: View, event: UnifiedEvent) -> bool:
    """Whether a probe failed only because its container had just been started, which is no trouble."""
    if event.event_name is not EventName.CONTAINER_UNHEALTHY or not isinstance(view, PodView):
        return False
    started = [one.running_since for one in view.containers if not one.restarts and one.running_since]
    asks_if_up = event.message.startswith(("Readiness probe", "Startup probe"))
    return asks_if_up and any(event.timestamp - at <= WARM_UP for at in started)


def _told(event: UnifiedEvent) -> str:
    return f"{event.reason} x{event.times}: {event.message[:120]}"


def _well(view: View) -> str:
    if isinstance(view, PodView):
        return f"{view.key.name} is ready"
    if isinstance(view, WorkloadView) and not isinstance(view.object, k8s.Job):
        return f"{view.available} of {view.desired} pods are available"
    if isinstance(view, ServiceView):
        return view.ready_in_words if view.spec.selector else "it selects no pods by design"
    if isinstance(view, NodeView):
        return f"node {view.key.name} is ready"
    return f"{view.key.kind} {view.key.name} shows nothing wrong"
