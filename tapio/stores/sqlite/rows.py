"""Records as rows and rows as records."""

from typing import Any

import msgspec

from tapio.graph import Change, Edge, EdgeType, Entity, HistoryEntry, Link, SourceCoverage, SubjectTimeline, Symptom
from tapio.stores.moments import end_micros, end_moment
from tapio.times import from_micros, micros
from tapio.unified import ObjectKey

Row = tuple[Any, ...]

ENTITY_COLUMNS = "kind, namespace, name, uid, root, valid_from, valid_to, labels"
EDGE_COLUMNS = "type, source, target, valid_from, valid_to"

# JSON, not msgpack: `before` and `after` may hold integers of any size.
_encode = msgspec.json.Encoder().encode
read_symptom = msgspec.json.Decoder(Symptom).decode
read_link = msgspec.json.Decoder(Link).decode
read_change = msgspec.json.Decoder(Change).decode
read_coverage = msgspec.json.Decoder(SourceCoverage).decode
_read_labels = msgspec.json.Decoder(dict[str, str]).decode


def key_of(text: str) -> ObjectKey:
    """The inverse of `str(key)`, for any name: only names could hold a slash."""
    return ObjectKey(*text.split("/", 2))


def history_row(entry: HistoryEntry) -> Row:
    return (
        entry.partition, entry.sequence, str(entry.key), entry.uid, micros(entry.at), entry.order,
        entry.event_id, entry.raw_id, entry.raw_sequence, entry.stateful, entry.document,
    )  # fmt: skip


def read_history(row: Row) -> HistoryEntry:
    partition, sequence, key, uid, at, order, event_id, raw_id, raw_sequence, stateful, document = row
    return HistoryEntry(
        partition=partition, sequence=sequence, key=key_of(key), uid=uid, at=from_micros(at), order=order,
        event_id=event_id, raw_id=raw_id, document=document, raw_sequence=raw_sequence, stateful=bool(stateful),
    )  # fmt: skip


def entity_row(entity: Entity) -> Row:
    start, end = micros(entity.valid_from), end_micros(entity.valid_to)
    return (*entity.key, entity.uid, str(entity.root), start, end, _encode(entity.labels))


def read_entity(row: Row) -> Entity:
    kind, namespace, name, uid, root, start, end, labels = row
    return Entity(
        key=ObjectKey(kind, namespace, name), uid=uid, root=key_of(root),
        valid_from=from_micros(start), valid_to=end_moment(end), labels=_read_labels(labels),
    )  # fmt: skip


def change_row(change: Change) -> Row:
    whose = (str(change.entity), change.uid, change.entity.namespace)
    return change.id, *whose, micros(change.at), change.event_id, change.field, _encode(change)


def coverage_row(seen: SourceCoverage) -> Row:
    return seen.source, seen.node, _encode(seen)


def read_seen(row: Row) -> SourceCoverage:
    source, node, first, last, events = row
    return SourceCoverage(source=source, node=node, first=from_micros(first), last=from_micros(last), events=events)


def edge_row(edge: Edge) -> Row:
    ends = (str(edge.source), str(edge.target))
    return (edge.type.value, *ends, micros(edge.valid_from), end_micros(edge.valid_to))


def read_edge(row: Row) -> Edge:
    type_, source, target, start, end = row
    return Edge(
        type=EdgeType(type_), source=key_of(source), target=key_of(target),
        valid_from=from_micros(start), valid_to=end_moment(end),
    )  # fmt: skip


def held_row(record: Symptom | Link) -> Row:
    return micros(record.valid_from), end_micros(record.valid_to), _encode(record)


def timeline_row(timeline: SubjectTimeline) -> Row:
    return str(timeline.subject), timeline.uid, timeline.partition, micros(timeline.since), timeline.state
