"""What happened to one entity, in the one order of events, as far back as memory reaches."""

from bisect import bisect_right, insort
from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter

import msgspec

from tapio.graph import Change
from tapio.graph.batch import CHANGE_LIMIT, HAPPENING_LIMIT, STATE_LIMIT
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified.names import STATES

_sort_key = attrgetter("sort_key")
_at = attrgetter("timestamp")


class History:
    """The newest states of one name (every uid that bore it), what was said about it, and its newest changes.

    What is kept depends on the events alone, never on the order they came in.
    """

    __slots__ = ("changes", "key", "said", "states")

    def __init__(self, key: ObjectKey) -> None:
        self.key = key
        self.states: list[UnifiedEvent] = []
        self.said: list[UnifiedEvent] = []
        self.changes: list[Change] = []

    def add(self, event: UnifiedEvent) -> bool:
        """Files the event in its place; False when it is already there, or older than memory reaches."""
        stateful = is_state(event)
        events = self.states if stateful else self.said
        if any(known.id == event.id for known in reversed(events)):
            return False
        insort(events, event, key=_sort_key)
        for change in changes_of(event):
            self.remember(change)
        if len(events) > (STATE_LIMIT if stateful else HAPPENING_LIMIT):
            return events.pop(0) is not event
        return True

    @property
    def horizon(self) -> datetime | None:
        """The oldest state that memory reaches, where it may have forgotten older ones."""
        return self.states[0].timestamp if len(self.states) >= STATE_LIMIT else None

    def repeats(self, event: UnifiedEvent) -> bool:
        """Whether a state that was just filed says the same as the one before it."""
        place = self.states.index(event)
        return place > 0 and _content(self.states[place - 1]) == _content(event)

    def remember(self, change: Change) -> None:
        """Keeps a change, the newest first to stay."""
        if all(known.id != change.id for known in self.changes):
            insort(self.changes, change, key=_change_key)
            del self.changes[:-CHANGE_LIMIT]

    def next_times(self, at: datetime) -> Iterator[datetime]:
        """The next moments after `at` at which something happened: of the states, and of what was said."""
        for events in (self.states, self.said):
            place = bisect_right(events, at, key=_at)
            if place < len(events):
                yield events[place].timestamp

    def state(self, at: datetime) -> UnifiedEvent | None:
        """The newest state up to `at`, its deletion included."""
        place = bisect_right(self.states, at, key=_at)
        return self.states[place - 1] if place else None

    def lived(self, at: datetime, uid: str) -> list[UnifiedEvent]:
        """Every state of one life of the object up to `at`, oldest first."""
        place = bisect_right(self.states, at, key=_at)
        return [event for event in self.states[:place] if event.k8s_context.uid == uid]

    def happenings(self, at: datetime, uid: str) -> list[UnifiedEvent]:
        """What was said about one life of the object up to `at`, oldest first.

        A counted record (a Kubernetes Event) is there once, as its newest version. An event without a uid counts for
        whoever bore the name at its time.
        """
        newest: dict[str, UnifiedEvent] = {}
        for event in self.said[: bisect_right(self.said, at, key=_at)]:
            if event.k8s_context.uid in ("", uid):
                record = event.attributes.record if event.attributes else ""
                newest[record or event.id] = event
        return sorted(newest.values(), key=_sort_key)

    def changes_until(self, at: datetime) -> list[Change]:
        """The changes up to `at`, newest first."""
        return [change for change in reversed(self.changes) if change.at <= at]


def is_state(event: UnifiedEvent) -> bool:
    """Whether the event is a version of the object rather than something said about it."""
    return event.event_name in STATES


def _content(event: UnifiedEvent) -> tuple[object, ...]:
    context = event.k8s_context
    return event.object, context.labels, context.uid, event.root, is_deleted(event)


def changes_of(event: UnifiedEvent) -> Iterator[Change]:
    """The changes an event carries, as records of the graph; a fact's are those of the event it was made from."""
    for change in event.changes:
        yield Change(
            entity=event.key,
            uid=event.k8s_context.uid,
            field=change.field,
            before=change.before,
            after=change.after,
            actor=change.manager,
            at=change.at or event.timestamp,
            event_id=event.raw_id or event.id,
        )


def _change_key(change: Change) -> tuple[datetime, str, str]:
    return change.at, change.event_id, change.field


def is_deleted(event: UnifiedEvent | None) -> bool:
    return event is None or event.event_name is EventName.OBJECT_DELETED


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A unified event as a reader got it: from which partition's stream, at which place, and its bytes."""

    partition: str
    sequence: int
    event: UnifiedEvent
    document: bytes
