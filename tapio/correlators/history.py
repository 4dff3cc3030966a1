"""What happened to one entity, in the one order of events, as far back as memory reaches."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum, auto
from operator import attrgetter

import msgspec

from tapio.graph import Change
from tapio.graph.batch import CHANGE_LIMIT, HAPPENING_LIMIT, STATE_LIMIT
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified.names import STATES

_sort_key = attrgetter("sort_key")
_at = attrgetter("timestamp")


class Filed(Enum):
    """What came of filing an event: KNOWN (or older than memory reaches), REPEATED, or NEWS.

    What is repeated says no more than what was known: a state like the one before it, of which nothing was said in
    between. No verdict becomes another by it.
    """

    KNOWN = auto()
    REPEATED = auto()
    NEWS = auto()


class History:
    """The newest states of one name (every uid that bore it), what was said about it, and its newest changes.

    What is kept depends on the events alone, never on the order they came in. Most of the names that a shard knows have
    one state and nothing else: tuples are smaller than lists, and an empty one costs nothing.
    """

    __slots__ = ("changes", "key", "said", "states")

    def __init__(self, key: ObjectKey) -> None:
        self.key = key
        self.states: Sequence[UnifiedEvent] = ()
        self.said: Sequence[UnifiedEvent] = ()
        self.changes: Sequence[Change] = ()

    def add(self, event: UnifiedEvent) -> Filed:
        """Files the event in its place."""
        stateful = is_state(event)
        known = self.states if stateful else self.said
        if any(one.id == event.id for one in reversed(known)):
            return Filed.KNOWN
        for change in changes_of(event):
            self.remember(change)
        events = _filed(event, known)[-(STATE_LIMIT if stateful else HAPPENING_LIMIT) :]
        if events == known:
            return Filed.KNOWN
        if not stateful:
            self.said = events
            return Filed.NEWS
        self.states = events
        return Filed.REPEATED if self._repeats(self._place(event)) else Filed.NEWS

    def begins_with(self, event: UnifiedEvent) -> bool:
        """Whether of this life no other state is remembered."""
        uid = event.k8s_context.uid
        return all(state is event or state.k8s_context.uid != uid for state in reversed(self.states))

    @property
    def horizon(self) -> datetime | None:
        """The oldest state that memory reaches, where it may have forgotten older ones."""
        return self.states[0].timestamp if len(self.states) >= STATE_LIMIT else None

    def first_alike(self, state: UnifiedEvent) -> UnifiedEvent:
        """The oldest of the states in a row that say what this one says: it stands as evidence whichever came last."""
        place = self._place(state)
        while self._repeats(place):
            place -= 1
        return self.states[place]

    def _place(self, event: UnifiedEvent) -> int:
        """Where a state is; most events are the newest of their entity."""
        return len(self.states) - 1 if self.states[-1] is event else self.states.index(event)

    def _repeats(self, place: int) -> bool:
        if place == 0:
            return False
        before, state = self.states[place - 1], self.states[place]
        if state.changes or not _says_the_same(before, state):
            return False
        spoken = bisect_left(self.said, before.timestamp, key=_at) if self.said else 0
        return spoken == len(self.said) or self.said[spoken].timestamp > state.timestamp

    def remember(self, change: Change) -> None:
        """Keeps a change, the newest first to stay."""
        if all(known.id != change.id for known in self.changes):
            place = bisect_right(self.changes, _change_key(change), key=_change_key)
            self.changes = (*self.changes[:place], change, *self.changes[place:])[-CHANGE_LIMIT:]

    def next_times(self, at: datetime) -> Iterator[datetime]:
        """The next moments after `at` at which something happened: of the states, and of what was said."""
        for place in range(_after(self.states, at), len(self.states)):
            if not self._repeats(place):
                yield self.states[place].timestamp
                break
        place = _after(self.said, at)
        if place < len(self.said):
            yield self.said[place].timestamp

    def state(self, at: datetime) -> UnifiedEvent | None:
        """The newest state up to `at`, its deletion included."""
        place = _after(self.states, at)
        return self.states[place - 1] if place else None

    def lived(self, at: datetime, uid: str) -> list[UnifiedEvent]:
        """Every state of one life of the object up to `at`, oldest first."""
        return [event for event in self.states[: _after(self.states, at)] if event.k8s_context.uid == uid]

    def happenings(self, at: datetime, uid: str) -> list[UnifiedEvent]:
        """What was said about one life of the object up to `at`, oldest first.

        A counted record (a Kubernetes Event) is there once, as its newest version. An event without a uid counts for
        whoever bore the name at its time.
        """
        newest: dict[str, UnifiedEvent] = {}
        for event in self.said[: _after(self.said, at)]:
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


def _filed(event: UnifiedEvent, events: Sequence[UnifiedEvent]) -> tuple[UnifiedEvent, ...]:
    """The events with one more in its place, which mostly is the last."""
    if not events or events[-1].timestamp < event.timestamp:
        return (*events, event)
    place = bisect_right(events, event.sort_key, key=_sort_key)
    return (*events[:place], event, *events[place:])


def _after(events: Sequence[UnifiedEvent], at: datetime) -> int:
    """The place of the first event after `at`, which mostly is the end."""
    if not events or events[-1].timestamp <= at:
        return len(events)
    return bisect_right(events, at, key=_at)


def _same(one: object, other: object) -> bool:
    """Equal; parts that a shard has read are mostly identical then (see `SharingDecoder`)."""
    return one is other or one == other


def _says_the_same(one: UnifiedEvent, other: UnifiedEvent) -> bool:
    """Whether two states of a name are equal in all that a conclusion may rest on."""
    return (
        _same(one.k8s_context, other.k8s_context)
        and one.root == other.root
        and is_deleted(one) == is_deleted(other)
        and _same(one.object, other.object)
    )


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
