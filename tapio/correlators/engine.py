"""The engine of one shard: events go in, and what follows from them comes out as one batch for the store."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from tapio.correlators.hearsay import KINDS, born, root_told, told
from tapio.correlators.history import Arrival, History, changes_of, is_deleted, is_state
from tapio.correlators.judging import JUDGED, judge
from tapio.correlators.timeline import Point, Timeline
from tapio.correlators.world import Watched, World
from tapio.graph import Change, Entity, Gap, GraphBatch, HistoryEntry, RestoredPartition, SourceCoverage
from tapio.unified import EventName, ObjectKey, UnifiedEvent, decode, partition_of

_FACTS = frozenset({"PodFacts", "WorkloadFacts"})


class Engine:
    """What one shard knows of its partitions, and of the shared things that they lean on.

    Its conclusions follow from the set of events alone: their order of arrival, doubles and the cut into batches change
    nothing. It keeps no clock; every verdict is as of an event's time.
    """

    def __init__(self, partitions: frozenset[int], total: int) -> None:
        self._partitions = partitions
        self._total = total
        self._world = World()
        self._timelines: dict[ObjectKey, Timeline] = {}
        self._watchers: dict[Watched, set[ObjectKey]] = {}

    def restore(self, partition: str, restored: RestoredPartition) -> None:  # noqa: ARG002  the caller says which it is
        """Takes up a partition (or `shared`) where the store has it: events say themselves where they belong."""
        for entry in restored.history:
            event = decode(entry.document)
            self._world.add(event)
        for change in restored.changes:
            self._world.history(change.entity).remember(change)
        for stored in restored.timelines:
            timeline = Timeline.unpacked(stored.subject, stored.state)
            known = self._timelines.get(stored.subject)
            if known is None or known.points[-1].at < timeline.points[-1].at:
                self._timelines[stored.subject] = timeline
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
        history = self._world.history(key)
        first = not history.states
        if not self._world.add(event):
            return
        if key.kind in _FACTS and history.repeats(event):
            return  # what others lean on has not moved
        drawing.history.append(_entry(arrival))
        if key.kind not in _FACTS and self._is_home(event):
            self._describe(event, history, drawing, first=first)
        for subject in sorted(self._touched(event, key)):
            self._redraw(subject, event.timestamp, drawing)

    def _describe(self, event: UnifiedEvent, history: History, drawing: "_Drawing", *, first: bool) -> None:
        """What the event says of the entity itself: its record, its changes, what its source did not see."""
        drawing.changes += changes_of(event)
        if is_state(event):
            told = [_entity(event, history)] if first or _redescribes(event) else []
        else:
            told = [*_entities_told_of(event, history)] if history.key.kind in KINDS else []
        for entity in told:
            drawing.entities[entity.key, entity.uid] = entity
        if event.event_name is EventName.LOSS_DECLARED:
            drawing.coverage[history.key] = _coverage(history)

    def _touched(self, event: UnifiedEvent, key: ObjectKey) -> set[ObjectKey]:
        """The subjects whose verdict may be another now: the event's own, and whoever looked at it."""
        watched: set[Watched] = {key, *self._world.groups_of(key)}
        lookers = {subject for one in watched for subject in self._watchers.get(one, ())}
        touched = {one for one in lookers if self._timelines[one].looked_at(watched, event.timestamp)}
        if key.kind in JUDGED and (self._is_home(event) or key in self._timelines):
            touched |= {key}
        return touched

    def _is_home(self, event: UnifiedEvent) -> bool:
        return self._home(event) in self._partitions

    def _home(self, event: UnifiedEvent) -> int:
        root = ObjectKey.parse(event.root) if event.root else event.key
        return partition_of(root, self._total)

    def _home_of(self, subject: ObjectKey) -> int:
        history = self._world.histories[subject]
        if history.states:
            return self._home(history.states[-1])
        return self._home(msgspec.structs.replace(history.said[-1], root=root_told(history.said)))

    def _redraw(self, subject: ObjectKey, since: datetime, drawing: "_Drawing") -> None:
        """Draws the verdicts anew from `since` on: at every moment at which they may become others."""
        timeline = self._timelines.get(subject) or Timeline(subject)
        drawn: list[Point] = []
        at: datetime | None = since
        while at is not None:
            before = drawn[-1] if drawn else timeline.before(at)
            judged = judge(self._world, subject, at, before, had_symptom=timeline.had_symptom(at, drawn))
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
                self._watchers.setdefault(watched, set()).add(timeline.subject)


class _Drawing:
    """A batch while it is made."""

    def __init__(self) -> None:
        self.history: list[HistoryEntry] = []
        self.entities: dict[tuple[ObjectKey, str], Entity] = {}
        self.changes: list[Change] = []
        self.redrawn: dict[ObjectKey, datetime] = {}
        self.coverage: dict[ObjectKey, SourceCoverage] = {}


def _entry(arrival: Arrival) -> HistoryEntry:
    event = arrival.event
    return HistoryEntry(
        partition=arrival.partition,
        sequence=arrival.sequence,
        key=event.key,
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


def _redescribes(event: UnifiedEvent) -> bool:
    """Whether the entity's record becomes another: it began, ended, or was labelled anew."""
    if event.event_name in (EventName.OBJECT_CREATED, EventName.OBJECT_DELETED):
        return True
    return any(change.field.startswith("metadata.labels") for change in event.changes)


def _entity(event: UnifiedEvent, history: History) -> Entity:
    context = event.k8s_context
    meta = getattr(event.object, "metadata", None)
    created = (meta.creation_timestamp if meta else None) or event.timestamp
    newest = history.states[-1]
    return Entity(
        key=event.key,
        uid=context.uid,
        root=ObjectKey.parse(event.root) if event.root else event.key,
        valid_from=min(created, event.timestamp),
        valid_to=event.timestamp if is_deleted(event) else None,
        labels=newest.k8s_context.labels if newest.k8s_context.uid == context.uid else context.labels,
    )


def _entities_told_of(event: UnifiedEvent, history: History) -> Iterator[Entity]:
    """The object that an Event speaks of, while no state of it is known; its first Event is its birth."""
    uid = event.k8s_context.uid
    if any(state.k8s_context.uid == uid or not uid for state in history.states):
        return
    heard = told(history, history.said[-1].timestamp)
    if heard is None or heard.k8s_context.uid != uid:
        return
    yield Entity(
        key=event.key,
        uid=uid,
        root=ObjectKey.parse(heard.root) if heard.root else event.key,
        valid_from=born(history, uid) or event.timestamp,
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
