"""One batch, one transaction: each part by its own rule of what a second write means."""

import sqlite3
from collections.abc import Iterable

from tapio.graph import GraphBatch, SubjectTimeline
from tapio.stores.moments import micros
from tapio.stores.sqlite.rows import (
    Row,
    change_row,
    coverage_row,
    edge_row,
    entity_row,
    held_row,
    history_row,
    timeline_row,
)

_HISTORY = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_NEWEST = "INSERT INTO newest VALUES (1, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
# An open end is the greatest integer, so the earliest end is the least.
_ENTITY = """INSERT INTO entities VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    root = excluded.root, labels = excluded.labels,
    valid_from = min(valid_from, excluded.valid_from), valid_to = min(valid_to, excluded.valid_to)"""
_CHANGE = "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_COVERAGE = "INSERT INTO coverage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record"
_POSITION = """INSERT INTO positions VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)"""
_TIMELINE = """INSERT INTO timelines VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    partition = excluded.partition, since = excluded.since, state = excluded.state"""
_EDGE = "INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?, ?)"
_SYMPTOM = "INSERT INTO symptoms VALUES (?, ?, ?, ?, ?)"
_LINK = "INSERT INTO links VALUES (?, ?, ?, ?, ?)"
# All that reaches `since` ends at it or later: that range of the index is all that is looked at.
_CUT = tuple(
    f"""DELETE FROM {table} WHERE subject = :subject AND uid = :uid AND valid_to >= :since
        AND (valid_to > :since OR valid_from >= :since)"""  # noqa: S608  the tables are named here
    for table in ("edges", "symptoms", "links")
)


def write_batch(connection: sqlite3.Connection, batch: GraphBatch) -> None:
    """Writes the batch within a transaction that the caller has begun."""
    _many(connection, _HISTORY, map(history_row, batch.history))
    if batch.history:
        connection.execute(_NEWEST, (micros(max(entry.at for entry in batch.history)),))
    _many(connection, _ENTITY, map(entity_row, batch.entities))
    _many(connection, _CHANGE, map(change_row, batch.changes))
    for timeline in batch.timelines:
        _replace(connection, timeline)
    _many(connection, _COVERAGE, map(coverage_row, batch.coverage))
    _many(connection, _POSITION, ((each.reader, each.stream, each.sequence) for each in batch.positions))


def _many(connection: sqlite3.Connection, statement: str, rows: Iterable[Row]) -> None:
    connection.executemany(statement, rows)


def _replace(connection: sqlite3.Connection, timeline: SubjectTimeline) -> None:
    subject = (str(timeline.subject), timeline.uid)
    cut = {"subject": subject[0], "uid": subject[1], "since": micros(timeline.since)}
    for statement in _CUT:
        connection.execute(statement, cut)
    connection.execute(_TIMELINE, timeline_row(timeline))
    _many(connection, _EDGE, (edge_row(subject, edge) for edge in timeline.edges))
    _many(connection, _SYMPTOM, (held_row(subject, symptom) for symptom in timeline.symptoms))
    _many(connection, _LINK, (held_row(subject, link) for link in timeline.links))
