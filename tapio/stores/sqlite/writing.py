"""One batch, one transaction: each part by its own rule of what a second write means."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tapio.graph import GraphBatch, HistoryEntry, SourceCoverage, SubjectTimeline
from tapio.stores.coverage import by_source, declared
from tapio.stores.sqlite.rows import (
    EDGE_COLUMNS,
    Row,
    change_row,
    coverage_row,
    edge_row,
    entity_row,
    held_row,
    history_row,
    read_coverage,
    timeline_row,
)
from tapio.times import micros

_HISTORY = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_NEWEST = "INSERT INTO newest VALUES (1, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
# An open end is the greatest integer, so the earliest end is the least.
_ENTITY = """INSERT INTO entities VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    root = excluded.root, labels = excluded.labels,
    valid_from = min(valid_from, excluded.valid_from), valid_to = min(valid_to, excluded.valid_to)"""
_CHANGE = "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DECLARED = "SELECT record FROM coverage WHERE source = ? AND node = ?"
_COVERAGE = "INSERT INTO coverage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record"
_SEEN = """INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    first = min(first, excluded.first), last = max(last, excluded.last), events = events + excluded.events"""
_POSITION = """INSERT INTO positions VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)"""
_TIMELINE = """INSERT INTO timelines VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    partition = excluded.partition, since = excluded.since, state = excluded.state"""


class _HeldTable:
    """A table of what holds of subjects: the rows that reach a moment, one row's end, one row's beginning."""

    def __init__(self, name: str, columns: str) -> None:
        # All that reaches `since` ends at it or later: that range of the index is all that is looked at.
        self.reaching = f"""SELECT {columns}, rowid FROM {name}
            WHERE subject = :subject AND uid = :uid AND valid_to >= :since
            AND (valid_to > :since OR valid_from >= :since)"""  # noqa: S608  tables and columns are named below
        self.delete = f"DELETE FROM {name} WHERE rowid = ?"  # noqa: S608  same
        places = ", ".join("?" for _ in columns.split(","))
        self.insert = f"INSERT INTO {name} VALUES (?, ?, {places})"  # noqa: S608  same


_EDGES = _HeldTable("edges", EDGE_COLUMNS)
_SYMPTOMS = _HeldTable("symptoms", "valid_from, valid_to, record")
_LINKS = _HeldTable("links", "valid_from, valid_to, record")


def write_batch(connection: sqlite3.Connection, batch: GraphBatch) -> None:
    """Writes the batch within a transaction that the caller has begun."""
    _add_history(connection, batch.history)
    if batch.history:
        connection.execute(_NEWEST, (micros(max(entry.at for entry in batch.history)),))
    connection.executemany(_ENTITY, map(entity_row, batch.entities))
    connection.executemany(_CHANGE, map(change_row, batch.changes))
    for timeline in batch.timelines:
        _replace(connection, timeline)
    for row in batch.coverage:
        _declare(connection, row)
    connection.executemany(_POSITION, ((each.reader, each.stream, each.sequence) for each in batch.positions))


def _add_history(connection: sqlite3.Connection, entries: Sequence[HistoryEntry]) -> None:
    """Writes every entry once, and adds to each source's count those of its own that were not there yet."""
    sources = by_source(entries)
    own = {id(entry) for group in sources.values() for entry in group}
    connection.executemany(_HISTORY, (history_row(entry) for entry in entries if id(entry) not in own))
    for source, group in sources.items():
        new = connection.executemany(_HISTORY, map(history_row, group)).rowcount
        times = [micros(entry.at) for entry in group]
        connection.execute(_SEEN, (*source, min(times), max(times), new))


def _declare(connection: sqlite3.Connection, new: SourceCoverage) -> None:
    known = connection.execute(_DECLARED, (new.source, new.node)).fetchone()
    connection.execute(_COVERAGE, coverage_row(declared(read_coverage(known[0]) if known else None, new)))


def _replace(connection: sqlite3.Connection, timeline: SubjectTimeline) -> None:
    row = timeline_row(timeline)
    connection.execute(_TIMELINE, row)
    subject, uid, _, since, _ = row
    reached = {"subject": subject, "uid": uid, "since": since}
    _continue(connection, _EDGES, reached, map(edge_row, timeline.edges))
    _continue(connection, _SYMPTOMS, reached, map(held_row, timeline.symptoms))
    _continue(connection, _LINKS, reached, map(held_row, timeline.links))


def _continue(connection: sqlite3.Connection, table: _HeldTable, reached: dict[str, Any], rows: Iterable[Row]) -> None:
    """Puts `rows` in the place of those that reach `since`, touching only what differs: most edges stay for long."""
    there: defaultdict[Row, list[int]] = defaultdict(list)
    for *known, place in connection.execute(table.reaching, reached):
        there[tuple(known)].append(place)
    fresh = [row for row in rows if not _taken(there, row)]
    gone = [(place,) for places in there.values() for place in places]
    if gone:
        connection.executemany(table.delete, gone)
    if fresh:
        connection.executemany(table.insert, [(reached["subject"], reached["uid"], *row) for row in fresh])


def _taken(there: defaultdict[Row, list[int]], row: Row) -> bool:
    """Whether a row like it is there, which then stays."""
    places = there.get(row)
    return bool(places and places.pop())
