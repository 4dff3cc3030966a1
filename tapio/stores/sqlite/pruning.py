"""Letting go of what is old, on a connection of its own: read at leisure, then deleted in short transactions."""

import sqlite3
from collections.abc import Iterator

import msgspec

from tapio.stores.port import RestoreLimits
from tapio.stores.retention import Needed, nothing
from tapio.stores.sqlite.opening import transaction
from tapio.stores.sqlite.rows import Row, key_of, read_link, read_symptom
from tapio.unified import ObjectKey

_AT_ONCE = 2000  # records deleted in one transaction: tens of milliseconds that a shard may have to wait

_THINGS = """SELECT key, uid FROM history GROUP BY key, uid
    UNION SELECT entity, uid FROM changes
    UNION SELECT subject, uid FROM timelines
    UNION SELECT kind || '/' || namespace || '/' || name, uid FROM entities"""
_ENDS = "SELECT kind || '/' || namespace || '/' || name, uid, valid_to FROM entities"
_NEWEST = "SELECT max(at) FROM history WHERE key = ? AND uid = ?"
_CHANGES = """SELECT rowid, event_id, at < :before AND row_number() OVER (
        PARTITION BY at < :before ORDER BY at DESC, event_id DESC, field DESC
    ) > :changes FROM changes WHERE entity = :key AND uid = :uid"""
_HISTORY = """SELECT rowid, event_id FROM (
        SELECT rowid, event_id, stateful, row_number() OVER (
            PARTITION BY partition, stateful ORDER BY at DESC, "order" DESC, event_id DESC
        ) AS place
        FROM history WHERE key = :key AND uid = :uid AND at < :before
    ) WHERE place > CASE stateful WHEN 1 THEN :states ELSE :happenings END"""
_CLOSED = """SELECT {table}.rowid FROM {table} JOIN timelines USING (subject, uid)
    WHERE subject = :key AND uid = :uid AND valid_to < :before AND valid_to < since"""
_HELD = ("edges", "symptoms", "links")
_EVENTS = "SELECT rowid, event_id FROM history WHERE key = ? AND uid = ?"
# All rows of something, beside its history.
_OWNED = (("changes", "entity"), *((table, "subject") for table in (*_HELD, "timelines")))


class _Thing(msgspec.Struct, frozen=True):
    """What is known under one name and uid: gone as a whole, or rows (table -> rowid, event id) that are too many."""

    key: str
    uid: str
    is_over: bool
    rows: tuple[tuple[str, int, str], ...] = ()


def prune(connection: sqlite3.Connection, before: int, limits: RestoreLimits) -> int:
    """Deletes what `tapio.stores.retention` says, of before that moment; returns how many records."""
    needed, known = nothing(), {"symptoms": 0, "links": 0}
    _look(connection, before, needed, known)
    waiting: list[_Thing] = []
    gone = 0
    for thing in _things(connection, before, limits):
        waiting.append(thing)
        if sum(len(one.rows) or 1 for one in waiting) >= _AT_ONCE:
            gone += _delete(connection, before, waiting, needed, known)
            waiting = []
    gone += _delete(connection, before, waiting, needed, known)
    if gone:
        connection.execute("UPDATE seen SET first = max(first, ?1) WHERE last >= ?1", (before,))
    return gone


def _look(connection: sqlite3.Connection, before: int, needed: Needed, known: dict[str, int]) -> None:
    """Adds what verdicts rest on that are newer than those `known` (by rowid)."""
    for table, read in (("symptoms", read_symptom), ("links", read_link)):
        sql = f"SELECT rowid, record FROM {table} WHERE rowid > ? AND valid_to >= ?"  # noqa: S608  a name from above
        for place, record in connection.execute(sql, (known[table], before)):
            known[table] = max(known[table], place)
            verdict = read(record)
            needed.add(*(((verdict,), ()) if table == "symptoms" else ((), (verdict,))))


def _things(connection: sqlite3.Connection, before: int, limits: RestoreLimits) -> Iterator[_Thing]:
    """All of which something may go."""
    ends = {(key, uid): end for key, uid, end in connection.execute(_ENDS)}
    living = {key for (key, _), end in ends.items() if end >= before}
    for key, uid in connection.execute(_THINGS).fetchall():
        end = ends.get((key, uid))
        is_over = end < before if end is not None else key not in living and _is_quiet(connection, key, uid, before)
        asked = {"key": key, "uid": uid, "before": before, **msgspec.structs.asdict(limits)}
        rows = tuple(_too_many(connection, asked))
        if is_over or rows:
            yield _Thing(key, uid, is_over, rows)


def _is_quiet(connection: sqlite3.Connection, key: str, uid: str, before: int) -> bool:
    (newest,) = connection.execute(_NEWEST, (key, uid)).fetchone()
    return newest is None or newest < before


def _too_many(connection: sqlite3.Connection, asked: dict[str, object]) -> Iterator[tuple[str, int, str]]:
    kept: set[str] = set()
    for place, event_id, beyond in connection.execute(_CHANGES, asked):
        if beyond:
            yield "changes", place, event_id
        else:
            kept.add(event_id)  # a restore finds a change by its event
    for place, event_id in connection.execute(_HISTORY, asked):
        if event_id not in kept:
            yield "history", place, event_id
    for table in _HELD:
        for (place,) in connection.execute(_CLOSED.format(table=table), asked):
            yield table, place, ""


def _delete(
    connection: sqlite3.Connection, before: int, things: list[_Thing], needed: Needed, known: dict[str, int]
) -> int:
    """One transaction, after a look at what shards have concluded meanwhile."""
    if not things:
        return 0
    with transaction(connection):
        _look(connection, before, needed, known)
        return sum(_delete_one(connection, thing, needed) for thing in things)


def _delete_one(connection: sqlite3.Connection, thing: _Thing, needed: Needed) -> int:
    key: ObjectKey = key_of(thing.key)
    if thing.is_over and not needed.needs(key, thing.uid):
        return _delete_all(connection, thing, key, needed)
    rows: list[Row] = [(table, place) for table, place, event in thing.rows if not event or event not in needed.events]
    return sum(
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (place,)).rowcount  # noqa: S608  a name from above
        for table, place in rows
    )


def _delete_all(connection: sqlite3.Connection, thing: _Thing, key: ObjectKey, needed: Needed) -> int:
    events = connection.execute(_EVENTS, (thing.key, thing.uid)).fetchall()
    read = [(place,) for place, event_id in events if event_id not in needed.events]
    connection.executemany("DELETE FROM history WHERE rowid = ?", read)
    gone = len(read) + sum(
        connection.execute(f"DELETE FROM {table} WHERE {column} = ? AND uid = ?", (thing.key, thing.uid)).rowcount  # noqa: S608  names from above
        for table, column in _OWNED
    )
    where = "kind = ? AND namespace = ? AND name = ? AND uid = ?"
    return gone + connection.execute(f"DELETE FROM entities WHERE {where}", (*key, thing.uid)).rowcount  # noqa: S608
