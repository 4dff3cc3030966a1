"""What changed before a symptom, on a path that can carry a cause: candidate changes, nearest first.

A change off the path (an object the pod does not read, a field that does not reach it) is no candidate, however near in
time it is; it may only ever be coincident.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tapio.correlators.quantities import amount
from tapio.correlators.seconds import came_before
from tapio.correlators.views import ContainerView, PodView
from tapio.graph import Change
from tapio.unified import objects as k8s
from tapio.unified.references import Reference

# How long after a change took effect its consequence may show and still be told as one.
CONSEQUENCE = timedelta(minutes=30)
# How far the seconds may be apart that the API server, the scheduler and the controllers tell by clocks of their own.
CLOCKS_APART = timedelta(seconds=2)


def in_time(change: Change, onset: datetime) -> bool:
    """Whether a change came before an onset, and near enough (`CONSEQUENCE`) to have led to it."""
    return came_before(change.at, onset) and onset - change.at <= CONSEQUENCE


def rollout_changes(container: ContainerView, onset: datetime) -> list[Change]:
    """Changes of the pod template that made this pod's revision and concern the container, newest first.

    Only the newest revision before the pod counts: an older change was there while earlier pods ran. A rollout of a
    workload that was in trouble already did not bring that about; the one before it may have.
    """
    rollouts = dict.fromkeys(one.event_id for one in container.pod.workload_changes)
    for rollout in rollouts:
        changes = [one for one in container.pod.workload_changes if one.event_id == rollout]
        if onset - changes[0].at > CONSEQUENCE:
            return []
        if not container.pod.was_unwell_before(changes[0].at):
            return [one for one in changes if _concerns(container, one)]
    return []


def change_of_ask(container: ContainerView, *words: str) -> Change | None:
    """The change that the newest rollout made of what the container asks for: of its fields that hold one of the words,
    the first word's before the others'; None where the trouble began too long after it.
    """
    changes = rollout_changes(container, container.pod.onset or container.pod.at)
    return next((one for word in words for one in changes if word in one.field), None)


def lowers_limit(change: Change, resource: str) -> bool:
    """Whether a template change sets a container's limit of a resource where there was none, or a lower one."""
    before, after = (_limit(change.field, value, resource) for value in (change.before, change.after))
    return after is not None and (before is None or after < before)


def _limit(field: str, value: object, resource: str) -> float | None:
    """The limit in a changed value: of the limit itself, or of all limits or resources of one container."""
    _, found, tail = field.partition("].resources")
    path, told = ["limits", resource], [part for part in tail.split(".") if part]
    if not found or told != path[: len(told)]:
        return None
    for name in path[len(told) :]:
        value = value.get(name) if isinstance(value, dict) else None
    return amount(value) if isinstance(value, str | int | float) else None


def _concerns(container: ContainerView, change: Change) -> bool:
    """Whether a template change reaches the container: its own fields, or the pod's, but not another container's."""
    if not change.field.startswith("spec.template.spec."):
        return False
    of_a_container = change.field.startswith(("spec.template.spec.containers[", "spec.template.spec.initContainers["))
    return change in container.changes() or not of_a_container


def reference_changes(container: ContainerView, onset: datetime, started_at: datetime | None) -> list[Change]:
    """Changes of ConfigMaps and Secrets that the container had read when it failed, newest first.

    Environment is read when a container starts, so its change lies before the start of the failed run; a file changes
    under a running program, so its change need only lie before the failure.
    """
    found: list[Change] = []
    for reference in container.pod.references:
        if reference.container not in ("", container.name):
            continue
        changes = (
            one for one in container.pod.changes_of(reference.key) if _reached(reference, one, onset, started_at)
        )
        found += [one for one in changes if in_time(one, onset) or _is_first_to_read(container.pod, one)]
    return sorted(set_of(found), key=lambda change: change.at, reverse=True)


def set_of(changes: list[Change]) -> list[Change]:
    """Each change once, in the order given."""
    return list({change.id: change for change in changes}.values())


def _fields_of(item: str) -> tuple[str, ...]:
    """The fields whose change is one of the key: the key itself, in either spelling of paths, or all of the data."""
    return f"data.{item}", f"data[{item}]", f"binaryData.{item}", f"binaryData[{item}]", "data", "binaryData"


def _reached(reference: Reference, change: Change, onset: datetime, started_at: datetime | None) -> bool:
    if reference.item and change.field not in _fields_of(reference.item):
        return False
    if not change.field.startswith(("data", "binaryData")):
        return False
    if reference.how == "env" and started_at is not None and not came_before(change.at, started_at):
        return False
    return came_before(change.at, onset)


def _is_first_to_read(pod: PodView, change: Change) -> bool:
    """Whether the pod is the first of its workload that was made after the change, while one of before it was well.

    What is read at the start alone lies in wait, however long ago it changed; had another pod read it and been well,
    it would do no harm.
    """
    if not came_before(change.at, pod.created_at):
        return False
    lives = list(_ready_lives_beside(pod))
    return bool(lives) and all(came_before(began, change.at) for began in lives)


def _ready_lives_beside(pod: PodView) -> Iterator[datetime]:
    """When each other pod of its workload that was ever ready was first seen."""
    for history in pod.moment.ever_bearing("PodFacts", pod.key.namespace, (pod.workload.name,)):
        states = [one for one in history.states if one.root == pod.event.root and one.k8s_context.uid != pod.uid]
        for uid in dict.fromkeys(one.k8s_context.uid for one in states):
            life = [one for one in states if one.k8s_context.uid == uid]
            if any(isinstance(one.object, k8s.PodFacts) and one.object.ready for one in life):
                yield life[0].timestamp
