"""What a correlator gets back of a partition, and what a dump goes through."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from tapio.graph import RestoredPartition, SubjectTimeline
from tapio.stores import ordering
from tapio.stores.dumping import Dumped
from tapio.stores.moments import FOREVER
from tapio.stores.port import RestoreLimits
from tapio.stores.sqlite.reading import Query
from tapio.stores.sqlite.rows import (
    EDGE_COLUMNS,
    ENTITY_COLUMNS,
    Row,
    key_of,
    read_change,
    read_edge,
    read_entity,
    read_history,
    read_link,
    read_symptom,
)
from tapio.times import from_micros

_T = TypeVar("_T")

_NEWEST = """SELECT partition, sequence, key, uid, at, "order", event_id, raw_id, raw_sequence, stateful, document
    FROM history WHERE rowid IN (
        SELECT id FROM (
            SELECT rowid AS id, stateful, row_number() OVER (
                PARTITION BY key, uid, stateful ORDER BY at DESC, "order" DESC, event_id DESC
            ) AS place
            FROM history WHERE partition = :partition AND sequence <= :last
        ) WHERE place <= CASE stateful WHEN 1 THEN :states ELSE :happenings END
    )"""
_CHANGES = """SELECT record FROM (
        SELECT record, row_number() OVER (
            PARTITION BY changes.entity, changes.uid ORDER BY changes.at DESC, changes.event_id DESC, field DESC
        ) AS place
        FROM changes JOIN history USING (event_id) WHERE partition = :partition AND sequence <= :last
    ) WHERE place <= :changes"""
_TIMELINES = "SELECT subject, uid, since, state FROM timelines WHERE partition = ?"
# The rows that a write at the timeline's `since` would replace.
_REACHING = """SELECT held.subject, held.uid, {columns} FROM timelines JOIN {table} AS held USING (subject, uid)
    WHERE timelines.partition = ? AND held.valid_to >= timelines.since
    AND (held.valid_to > timelines.since OR held.valid_from >= timelines.since)"""
_EDGES = _REACHING.format(table="edges", columns=EDGE_COLUMNS)
_SYMPTOMS = _REACHING.format(table="symptoms", columns="record")
_LINKS = _REACHING.format(table="links", columns="record")


def restored(query: Query, partition: str, up_to: int | None, limits: RestoreLimits) -> RestoredPartition:
    """The partition as `GraphStore.restore` promises it."""
    newest = {"partition": partition, "last": FOREVER if up_to is None else up_to, **msgspec.structs.asdict(limits)}
    history = map(read_history, query(_NEWEST, newest))
    changes = (read_change(record) for (record,) in query(_CHANGES, newest))
    timelines = _timelines(query, partition)
    return RestoredPartition(
        history=tuple(sorted(history, key=ordering.entry_order)),
        timelines=tuple(sorted(timelines, key=lambda timeline: (timeline.subject, timeline.uid))),
        changes=tuple(ordering.oldest_change_first(changes)),
    )


def records(query: Query) -> Iterator[Dumped]:
    """Everything that a dump says."""
    yield from map(read_entity, query(f"SELECT {ENTITY_COLUMNS} FROM entities"))  # noqa: S608  no value is in the text
    yield from map(read_edge, query(f"SELECT {EDGE_COLUMNS} FROM edges"))  # noqa: S608  same
    yield from (read_symptom(record) for (record,) in query("SELECT record FROM symptoms"))
    yield from (read_link(record) for (record,) in query("SELECT record FROM links"))
    yield from (read_change(record) for (record,) in query("SELECT record FROM changes"))


def _timelines(query: Query, partition: str) -> Iterator[SubjectTimeline]:
    edges = _by_subject(query(_EDGES, (partition,)), read_edge)
    symptoms = _by_subject(query(_SYMPTOMS, (partition,)), lambda row: read_symptom(row[0]))
    links = _by_subject(query(_LINKS, (partition,)), lambda row: read_link(row[0]))
    for subject, uid, since, state in query(_TIMELINES, (partition,)):
        yield SubjectTimeline(
            partition=partition,
            subject=key_of(subject),
            uid=uid,
            since=from_micros(since),
            edges=tuple(ordering.edges_in_order(edges[subject, uid])),
            symptoms=tuple(ordering.oldest_onset_first(symptoms[subject, uid])),
            links=tuple(ordering.links_in_order(links[subject, uid])),
            state=state,
        )


def _by_subject(rows: list[Row], read: Callable[[Row], _T]) -> defaultdict[tuple[str, str], list[_T]]:
    grouped: defaultdict[tuple[str, str], list[_T]] = defaultdict(list)
    for subject, uid, *rest in rows:
        grouped[subject, uid].append(read(tuple(rest)))
    return grouped
