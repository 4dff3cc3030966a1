"""The engine of one shard: events go in, and what follows from them comes out as one batch for the store."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from tapio.correlators.hearsay import KINDS, born, first_told, root_told
from tapio.correlators.history import Arrival, Filed, History, changes_of, is_deleted, is_state
from tapio.correlators.index import Index
from tapio.correlators.judging import JUDGED, judge
from tapio.correlators.reuse import Reuse
from tapio.correlators.rules.nothing import ROUTINE
from tapio.correlators.timeline import Point, Timeline
from tapio.correlators.world import Watched, World
from tapio.graph import Change, Entity, Gap, GraphBatch, HistoryEntry, RestoredPartition, SourceCoverage
from tapio.unified import FACTS, EventName, ObjectKey, SharingDecoder, UnifiedEvent, partition_of


class Failure(NamedTuple):
    """A verdict that could not be drawn: a defect of a rule, never of the data."""

    subject: ObjectKey
    at: datetime
    error: str


class Engine:
    """What one shard knows of its partitions, and of the shared things that they lean on.

    Its conclusions follow from the set of events alone: their order of arrival, doubles and the cut into batches change
    nothing. It keeps no clock; every verdict is as of an event's time. `failures` are subjects whose rules failed: the
    verdict before stands, the events are kept, and whoever runs the engine tells them and empties the list.
    """

    def __init__(self, partitions: frozenset[int], total: int) -> None:
        self._partitions = partitions
        self._total = total
        self._world = World()
        self._timelines: dict[ObjectKey, Timeline] = {}
        self._watchers: Index[Watched] = Index()
        self.failures: list[Failure] = []

    def restore(self, restored: RestoredPartition, decoder: SharingDecoder) -> None:
        """Takes up a partition (or what is shared) where the store has it: events say themselves where they belong."""
        reuse = Reuse(self._world.name_of)
        for entry in restored.history:
            event = decoder.decode(entry.document)
            self._world.add(event, event.key)
            reuse.know(event)
        for change in restored.changes:
            self._world.history(change.entity).remember(change)
        for stored in restored.timelines:
            known = self._timelines.get(stored.subject)
            timeline = Timeline.unpacked(stored.subject, stored.state, reuse.of)
            if known is None or known.written < timeline.written:
                self._timelines[timeline.subject] = timeline
                self._watch(timeline)

    def apply(self, arrivals: Sequence[Arrival]) -> GraphBatch:
        """Takes events in and gives back everything that follows from them.

        Positions are the caller's to add: it knows which stream it read.
        """
        drawing = _Drawing()
        for arrival in arrivals:
            self._take(arrival, drawing)
        return GraphBatch(
            history=tuple(drawing.history),
            entities=tuple(drawing.entities.values()),
            changes=tuple(drawing.changes),
            timelines=tuple(
                row
                for subject, since in drawing.redrawn.items()
                for row in self._timelines[subject].rows(str(self._home_of(subject)), since)
            ),
            coverage=tuple(drawing.coverage.values()),
        )

    def _take(self, arrival: Arrival, drawing: "_Drawing") -> None:
        event = arrival.event
        key = event.key
        filed = self._world.add(event, key)
        is_fact = key.kind in FACTS
        if filed is Filed.KNOWN or (is_fact and filed is Filed.REPEATED):
            return  # what others lean on has not moved
        drawing.history.append(_entry(arrival, key))
        if filed is Filed.REPEATED:
            return
        history = self._world.history(key)
        if not is_fact and self._is_home(event):
            self._describe(event, history, drawing)
        for subject in sorted(self._touched(event, key, history)):
            self._redraw(subject, event.timestamp, drawing)

    def _describe(self, event: UnifiedEvent, history: History, drawing: "_Drawing") -> None:
        """What the event says of the entity itself: its record, its changes, what its source did not see."""
        drawing.changes += changes_of(event)
        if _redescribes(event, history):
            drawing.draw(_entity(event, history))
        if event.event_name is EventName.LOSS_DECLARED:
            drawing.coverage[history.key] = _coverage(history)

    def _touched(self, event: UnifiedEvent, key: ObjectKey, history: History) -> set[ObjectKey]:
        """The subjects whose verdict may be another now: the event's own, and whoever looked at it."""
        watched: set[Watched] = {key, *self._world.groups_of(key)}
        lookers = {subject for one in watched for subject in self._watchers.of(one)}
        touched = {one for one in lookers if self._timelines[one].looked_at(watched, event.timestamp)}
        if key.kind in JUDGED and (key in self._timelines or self._is_home(event)):
            touched.add(key)
        if event.event_name in ROUTINE and self._is_well(history, event.timestamp):
            touched.discard(key)
        return touched

    def _is_well(self, history: History, at: datetime) -> bool:
        """Whether a subject that was seen showed nothing wrong just before `at`, its newest moment."""
        timeline = self._timelines.get(history.key)
        newest = timeline.points[-1] if timeline else None
        return (
            newest is not None and newest.at < at and newest.verdict.symptom is None and history.state(at) is not None
        )

    def _is_home(self, event: UnifiedEvent) -> bool:
        return self._home(event) in self._partitions

    def _home(self, event: UnifiedEvent) -> int:
        return partition_of(event.root or str(event.key), self._total)

    def _home_of(self, subject: ObjectKey) -> int:
        history = self._world.histories[subject]
        if history.states:
            return self._home(history.states[-1])
        return self._home(msgspec.structs.replace(history.said[-1], root=root_told(history.said)))

    def _redraw(self, subject: ObjectKey, since: datetime, drawing: "_Drawing") -> None:
        """Draws the verdicts anew from `since` on: at every moment at which they may become others."""
        timeline = self._timelines.get(subject) or Timeline(subject)
        horizon = self._world.history(subject).horizon
        since = max(since, horizon) if horizon else since  # what memory has lost is not drawn anew
        drawn: list[Point] = []
        at: datetime | None = since
        while at is not None:
            before = drawn[-1] if drawn else timeline.before(at)
            try:
                judged = judge(self._world, subject, at, before, had_symptom=timeline.had_symptom(at, drawn))
            except Exception as error:  # noqa: BLE001  a rule that fails on one subject must not stop its shard
                self.failures.append(Failure(subject, at, f"{type(error).__name__}: {error}"))
                return
            recheck_at = None
            if judged:
                drawn.append(judged.point)
                recheck_at = judged.recheck_at
            at = min(self._later(subject, at, judged.point.seen if judged else (), recheck_at), default=None)
        if not drawn:
            return
        self._timelines[subject] = timeline
        if timeline.replace(since, drawn):
            self._watch(timeline)
            drawing.redrawn[subject] = min(since, drawing.redrawn.get(subject, since))

    def _later(
        self, subject: ObjectKey, at: datetime, seen: Iterable[Watched], recheck_at: datetime | None
    ) -> Iterator[datetime]:
        """The moments after `at` at which the verdict may be another: of each history only the next one."""
        if recheck_at:
            yield recheck_at
        for key in (subject, *self._keys(seen)):
            history = self._world.histories.get(key)
            if history:
                yield from history.next_times(at)

    def _keys(self, seen: Iterable[Watched]) -> Iterator[ObjectKey]:
        for watched in seen:
            if isinstance(watched, ObjectKey):
                yield watched
            else:
                yield from self._world.members(watched)

    def _watch(self, timeline: Timeline) -> None:
        """Registers a subject with everything that any of its verdicts looked at."""
        for point in timeline.points:
            for watched in point.seen:
                self._watchers.add(watched, timeline.subject)


class _Drawing:
    """A batch while it is made."""

    def __init__(self) -> None:
        self.history: list[HistoryEntry] = []
        self.entities: dict[tuple[ObjectKey, str], Entity] = {}
        self.changes: list[Change] = []
        self.redrawn: dict[ObjectKey, datetime] = {}
        self.coverage: dict[ObjectKey, SourceCoverage] = {}

    def draw(self, entity: Entity) -> None:
        """Adds to what the batch says of the entity: which of its events came first makes no difference."""
        known = self.entities.get((entity.key, entity.uid), entity)
        ends = [end for end in (known.valid_to, entity.valid_to) if end]
        self.entities[entity.key, entity.uid] = msgspec.structs.replace(
            entity, valid_from=min(known.valid_from, entity.valid_from), valid_to=min(ends, default=None)
        )


def _entry(arrival: Arrival, key: ObjectKey) -> HistoryEntry:
    event = arrival.event
    return HistoryEntry(
        partition=arrival.partition,
        sequence=arrival.sequence,
        key=key,
        uid=event.k8s_context.uid,
        at=event.timestamp,
        order=event.order,
        event_id=event.id,
        raw_id=event.raw_id,
        raw_sequence=event.raw_sequence,
        document=arrival.document,
        stateful=is_state(event),
        source=event.source,
        node=event.node if event.event_name is EventName.LOSS_DECLARED else "",
    )


def _redescribes(event: UnifiedEvent, history: History) -> bool:
    """Whether the entity's record becomes another: it began, ended, was labelled anew, or only Events speak of it."""
    if not is_state(event):
        return _tells_of_a_birth(event, history)
    if event.event_name in (EventName.OBJECT_CREATED, EventName.OBJECT_DELETED) or history.begins_with(event):
        return True
    return any(change.field.startswith("metadata.labels") for change in event.changes)


def _tells_of_a_birth(event: UnifiedEvent, history: History) -> bool:
    """Whether an Event is all there is of an object, or is older than what is known of it."""
    uid = event.k8s_context.uid
    if history.key.kind not in KINDS or not uid:
        return False
    lived = _lived(history, uid)
    if lived and first_told(event) >= _created(lived):
        return False
    return born(history, uid) is not None


def _lived(history: History, uid: str) -> list[UnifiedEvent]:
    return [state for state in history.states if state.k8s_context.uid == uid]


def _created(lived: Sequence[UnifiedEvent]) -> datetime:
    """When a life began, as far as its states tell."""
    meta = getattr(lived[0].object, "metadata", None)
    return min(meta.creation_timestamp if meta and meta.creation_timestamp else lived[0].timestamp, lived[0].timestamp)


def _entity(event: UnifiedEvent, history: History) -> Entity:
    """All that is known of the life that the event is of."""
    uid = event.k8s_context.uid
    lived = _lived(history, uid)
    heard_at = born(history, uid) if history.key.kind in KINDS else None
    newest = lived[-1] if lived else None
    root = newest.root if newest else root_told([one for one in history.said if one.k8s_context.uid == uid])
    return Entity(
        key=history.key,
        uid=uid,
        root=ObjectKey.parse(root) if root else history.key,
        valid_from=min(at for at in (_created(lived) if lived else None, heard_at, event.timestamp) if at),
        valid_to=min((state.timestamp for state in lived if is_deleted(state)), default=None),
        labels=newest.k8s_context.labels if newest else {},
    )


def _coverage(history: History) -> SourceCoverage:
    """A source's gaps, from everything it declared lost that memory reaches."""
    losses = [event for event in history.said if event.attributes]
    gaps = [
        Gap(
            start=loss.attributes.since or loss.timestamp,
            end=loss.attributes.until,
            cause=loss.attributes.cause,
            lost=loss.attributes.count,
        )
        for loss in losses
        if loss.attributes
    ]
    return SourceCoverage(
        source=history.key.name,
        node=history.key.namespace,
        gaps=tuple(gaps),
        lost=sum(gap.lost for gap in gaps),
    )
