"""The graph in memory, for one process: the reference implementation of `GraphStore`."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from tapio.graph import (
    Change,
    Edge,
    Entity,
    GraphBatch,
    HistoryEntry,
    Link,
    Position,
    RestoredPartition,
    SourceCoverage,
    SubjectTimeline,
    Symptom,
)
from tapio.stores import ordering
from tapio.stores.coverage import Source, by_source, declared, seen_until, tallied, together
from tapio.stores.dumping import Dumped, dump_lines
from tapio.stores.merging import continued, merged, open_part, without_closed
from tapio.stores.moments import holds, lasts, over, require_zones
from tapio.stores.port import RestoreLimits
from tapio.stores.remembering import newest_changes, newest_entries
from tapio.stores.retention import Needed, beyond_changes, beyond_entries, nothing
from tapio.unified import ObjectKey, UnifiedEvent, decode

Subject = tuple[ObjectKey, str]
_AS_ENGINES = RestoreLimits()


class MemoryStore:
    """Holds the batches as they came. Not for several threads."""

    def __init__(self, *, limits: RestoreLimits = _AS_ENGINES) -> None:
        self._limits = limits
        self._history: dict[tuple[str, str], HistoryEntry] = {}
        self._history_of: defaultdict[ObjectKey, list[HistoryEntry]] = defaultdict(list)
        self._by_event: dict[str, HistoryEntry] = {}
        self._by_raw: dict[str, HistoryEntry] = {}
        self._raw_sequences: dict[str, int] = {}
        self._newest: datetime | None = None
        self._entities: defaultdict[ObjectKey, dict[str, Entity]] = defaultdict(dict)
        self._keys_named: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._changes: dict[str, Change] = {}
        self._changes_of: defaultdict[ObjectKey, list[Change]] = defaultdict(list)
        self._held: defaultdict[ObjectKey, dict[str, SubjectTimeline]] = defaultdict(dict)
        self._stating: defaultdict[ObjectKey, set[Subject]] = defaultdict(set)
        self._coverage: dict[Source, SourceCoverage] = {}
        self._seen: dict[Source, SourceCoverage] = {}
        self._positions: dict[tuple[str, str], Position] = {}

    # --- Writing -----------------------------------------------------------------------------------------------------

    def write(self, batch: GraphBatch) -> None:
        require_zones(batch)  # all that can fail comes first
        fresh = [entry for entry in batch.history if self._add_history(entry)]
        for source, entries in by_source(fresh).items():
            new = tallied(source, entries)
            before = self._seen.get(source)
            self._seen[source] = together(before, new) if before else new
        for entity in batch.entities:
            known = self._entities[entity.key]
            known[entity.uid] = merged(known.get(entity.uid), entity)
            self._keys_named[entity.key.name].add(entity.key)
        for change in batch.changes:
            self._add_change(change)
        for timeline in batch.timelines:
            self._replace(timeline)
        for row in batch.coverage:
            self._coverage[row.source, row.node] = declared(self._coverage.get((row.source, row.node)), row)
        for position in batch.positions:
            self._advance(position)

    def _add_history(self, entry: HistoryEntry) -> bool:
        """Whether it was not there yet."""
        place = (entry.partition, entry.event_id)
        if place in self._history:
            return False
        self._history[place] = entry
        insort(self._history_of[entry.key], entry, key=ordering.entry_order)
        self._by_event.setdefault(entry.event_id, entry)
        self._newest = max(self._newest or entry.at, entry.at)
        if entry.raw_id:
            self._add_raw(entry)
        return True

    def _add_raw(self, entry: HistoryEntry) -> None:
        first = self._by_raw.get(entry.raw_id, entry)
        self._by_raw[entry.raw_id] = min(first, entry, key=ordering.entry_order)
        self._raw_sequences[entry.raw_id] = max(self._raw_sequences.get(entry.raw_id, 0), entry.raw_sequence)

    def _add_change(self, change: Change) -> None:
        if change.id in self._changes:
            return
        self._changes[change.id] = change
        self._changes_of[change.entity].append(change)

    def _replace(self, timeline: SubjectTimeline) -> None:
        held = self._held[timeline.subject]
        held[timeline.uid] = continued(held.get(timeline.uid), timeline)
        subject = (timeline.subject, timeline.uid)
        for edge in timeline.edges:
            self._stating[edge.source].add(subject)
            self._stating[edge.target].add(subject)

    def _advance(self, position: Position) -> None:
        place = (position.reader, position.stream)
        known = self._positions.get(place, position)
        self._positions[place] = max(known, position, key=lambda each: each.sequence)

    # --- Letting go --------------------------------------------------------------------------------------------------

    def prune(self, before: datetime) -> int:
        needed = nothing()
        held = list(self._timelines(None))
        needed.add(
            (one for timeline in held for one in timeline.symptoms if lasts(one, before)),
            (one for timeline in held for one in timeline.links if lasts(one, before)),
        )
        gone = sum(self._prune_one(key, uid, before, needed) for key, uid in sorted(self._things()))
        if gone:
            self._begin_at(before)
        return gone

    def _things(self) -> set[Subject]:
        found = {(entry.key, entry.uid) for entry in self._history.values()}
        found |= {(change.entity, change.uid) for change in self._changes.values()}
        found |= {(key, uid) for key, by_uid in self._held.items() for uid in by_uid}
        return found | {(key, uid) for key, by_uid in self._entities.items() for uid in by_uid}

    def _prune_one(self, key: ObjectKey, uid: str, before: datetime, needed: Needed) -> int:
        entries = [entry for entry in self._history_of[key] if entry.uid == uid]
        changes = [change for change in self._changes_of[key] if change.uid == uid]
        if not needed.needs(key, uid) and self._is_over(key, uid, entries, before):
            dropped = self._entities[key].pop(uid, None) is not None
            gone = self._drop(one for one in entries if one.event_id not in needed.events)
            return gone + self._drop_changes(changes) + self._drop_timeline(key, uid) + dropped
        many = beyond_changes(changes, before, self._limits)
        kept = {change.event_id for change in changes if change not in many}
        spared = needed.events | kept
        gone = self._drop(one for one in beyond_entries(entries, before, self._limits) if one.event_id not in spared)
        gone += self._drop_changes([one for one in many if one.event_id not in needed.events])
        return gone + self._drop_closed(key, uid, before)

    def _is_over(self, key: ObjectKey, uid: str, entries: Sequence[HistoryEntry], before: datetime) -> bool:
        entity = self._entities[key].get(uid)
        if entity is not None:
            return not lasts(entity, before)
        lives = any(lasts(one, before) for one in self._entities[key].values())
        return not lives and all(entry.at < before for entry in entries)

    def _drop(self, entries: Iterable[HistoryEntry]) -> int:
        gone = {(entry.partition, entry.event_id): entry for entry in entries}
        for place, entry in gone.items():
            del self._history[place]
            self._history_of[entry.key].remove(entry)
        for entry in gone.values():
            self._forget_ids(entry)
        return len(gone)

    def _forget_ids(self, entry: HistoryEntry) -> None:
        """An event filed twice is still found by the other filing."""
        left = [one for one in self._history.values() if entry.event_id == one.event_id or entry.raw_id == one.raw_id]
        self._by_event.pop(entry.event_id, None)
        self._by_raw.pop(entry.raw_id, None)
        self._raw_sequences.pop(entry.raw_id, None)
        for one in left:
            self._by_event.setdefault(one.event_id, one)
            if one.raw_id:
                self._add_raw(one)

    def _drop_changes(self, changes: Sequence[Change]) -> int:
        for change in changes:
            del self._changes[change.id]
            self._changes_of[change.entity].remove(change)
        return len(changes)

    def _drop_timeline(self, key: ObjectKey, uid: str) -> int:
        timeline = self._held[key].pop(uid, None)
        if not self._held[key]:
            del self._held[key]
        rows = len(timeline.edges) + len(timeline.symptoms) + len(timeline.links) if timeline else 0
        return rows + (timeline is not None)

    def _drop_closed(self, key: ObjectKey, uid: str, before: datetime) -> int:
        timeline = self._held[key].get(uid) if key in self._held else None
        if timeline is None:
            return 0
        bound = min(before, timeline.since)
        left = without_closed(timeline, bound)
        self._held[key][uid] = left
        return sum(len(getattr(timeline, part)) - len(getattr(left, part)) for part in ("edges", "symptoms", "links"))

    def _begin_at(self, before: datetime) -> None:
        """What was seen is known from there on."""
        for source, seen in self._seen.items():
            if seen.first and seen.last and seen.last >= before:
                self._seen[source] = replace(seen, first=max(seen.first, before))

    # --- Reading as of T ---------------------------------------------------------------------------------------------

    def newest(self) -> datetime | None:
        return self._newest

    def entities(
        self, at: datetime, *, kind: str = "", namespace: str = "", name: str = "", uid: str = ""
    ) -> Sequence[Entity]:
        wanted = ObjectKey(kind, namespace, name)
        found = (
            entity
            for key in self._keys_like(wanted)
            for entity in self._entities[key].values()
            if entity.valid_from <= at and (not uid or entity.uid == uid)
        )
        return ordering.newest_first(found)

    def _keys_like(self, wanted: ObjectKey) -> Iterable[ObjectKey]:
        keys = self._keys_named.get(wanted.name, ()) if wanted.name else self._entities
        return [key for key in keys if _matches(key, wanted)]

    def edges(self, key: ObjectKey, at: datetime) -> Sequence[Edge]:
        subjects = self._stating.get(key, ())
        held = (self._held[subject].get(uid) for subject, uid in subjects if subject in self._held)
        stated = (edge for timeline in held if timeline for edge in timeline.edges)
        return ordering.edges_in_order(edge for edge in stated if key in (edge.source, edge.target) and holds(edge, at))

    def symptoms(self, at: datetime, subject: ObjectKey | None = None) -> Sequence[Symptom]:
        found = (s for timeline in self._timelines(subject) for s in timeline.symptoms if holds(s, at))
        return ordering.oldest_onset_first(found)

    def past_symptoms(self, subject: ObjectKey, at: datetime) -> Sequence[Symptom]:
        found = (s for timeline in self._timelines(subject) for s in timeline.symptoms if over(s, at))
        return ordering.newest_onset_first(found)

    def links(self, subject: ObjectKey, at: datetime) -> Sequence[Link]:
        found = (link for timeline in self._timelines(subject) for link in timeline.links if holds(link, at))
        return ordering.links_in_order(found)

    def _timelines(self, subject: ObjectKey | None) -> Iterator[SubjectTimeline]:
        if subject is not None:
            yield from self._held.get(subject, {}).values()
            return
        for by_uid in self._held.values():
            yield from by_uid.values()

    def changes(
        self, since: datetime, until: datetime, *, entity: ObjectKey | None = None, namespace: str = ""
    ) -> Sequence[Change]:
        known = self._changes.values() if entity is None else self._changes_of.get(entity, ())
        found = (each for each in known if since <= each.at <= until)
        return ordering.oldest_change_first(each for each in found if namespace in ("", each.entity.namespace))

    def events(self, key: ObjectKey, since: datetime, until: datetime) -> Sequence[UnifiedEvent]:
        entries = (entry for entry in self._history_of.get(key, ()) if since <= entry.at <= until)
        return [decode(document) for document in {entry.event_id: entry.document for entry in entries}.values()]

    def event(self, event_id: str) -> UnifiedEvent | None:
        entry = self._by_event.get(event_id) or self._by_raw.get(event_id)
        return decode(entry.document) if entry else None

    def coverage(self, at: datetime) -> Sequence[SourceCoverage]:
        rows: defaultdict[Source, list[SourceCoverage]] = defaultdict(list)
        for row in (*self._seen.values(), *self._coverage.values()):
            rows[row.source, row.node].append(row)
        return ordering.by_source(seen_until((together(*parts) for parts in rows.values()), at))

    # --- What a correlator gets back ---------------------------------------------------------------------------------

    def positions(self, reader: str) -> Sequence[Position]:
        return sorted((p for p in self._positions.values() if p.reader == reader), key=lambda p: p.stream)

    def restore(self, partition: str, *, up_to: int | None = None) -> RestoredPartition:
        read = [entry for entry in self._history.values() if entry.partition == partition]
        read = [entry for entry in read if up_to is None or entry.sequence <= up_to]
        timelines = (open_part(timeline) for timeline in self._timelines(None) if timeline.partition == partition)
        return RestoredPartition(
            history=tuple(newest_entries(read, self._limits)),
            timelines=tuple(sorted(timelines, key=lambda timeline: (timeline.subject, timeline.uid))),
            changes=tuple(newest_changes(self._changes_by(read), self._limits)),
        )

    def _changes_by(self, entries: Iterable[HistoryEntry]) -> Iterator[Change]:
        ids = {entry.event_id for entry in entries}
        return (change for change in self._changes.values() if change.event_id in ids)

    def raw_sequence(self, raw_id: str) -> int | None:
        return self._raw_sequences.get(raw_id) or None

    def dump(self, namespace: str = "") -> Iterator[str]:
        return dump_lines(self._records(), namespace)

    def _records(self) -> Iterator[Dumped]:
        for by_uid in self._entities.values():
            yield from by_uid.values()
        for timeline in self._timelines(None):
            yield from timeline.edges
            yield from timeline.symptoms
            yield from timeline.links
        yield from self._changes.values()

    def close(self) -> None:
        """Holds nothing open."""


def _matches(key: ObjectKey, wanted: ObjectKey) -> bool:
    """Whether the key has every part that is wanted."""
    return all(want in ("", part) for part, want in zip(key, wanted, strict=True))
