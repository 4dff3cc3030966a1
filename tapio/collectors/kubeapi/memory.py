"""What the collector knows of the cluster, kept across restarts: SQLite in its data directory.

What is staged is seen at once by `last`, and written by `commit`, which the collector calls when the events that
came of it are durable.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from tapio.kube.kinds import Kind
from tapio.kube.said import Position, Remembered
from tapio.raw import ObjectKey

# Rows are numbered as they come, and `Memory` knows the numbers: with uids for keys, which are random, each commit of a
# first listing writes nearly every page of the file anew.
_FORM = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kinds (kind TEXT PRIMARY KEY, version TEXT NOT NULL, seen_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    number INTEGER PRIMARY KEY, uid TEXT NOT NULL, kind TEXT NOT NULL, version TEXT NOT NULL, at REAL NOT NULL,
    namespace TEXT NOT NULL, name TEXT NOT NULL, owner TEXT
);
CREATE TABLE IF NOT EXISTS bodies (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""
_KEY_BYTES = 32


class Known(NamedTuple):
    """The last version of an object: `at` is its source's time in seconds since the epoch."""

    key: ObjectKey
    owner: ObjectKey | None
    version: str
    at: float


class _Staged(NamedTuple):
    known: Known
    body: bytes | None  # None: as stored


class Memory:
    """One collector's memory. `body` is an object's pruned, redacted JSON."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # what the cluster holds is nobody else's to read
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute(
            "PRAGMA page_size=16384"
        )  # a few bodies to a page; of the usual 4 KiB each would waste a third
        self._db.execute("PRAGMA journal_mode=WAL")
        # After a power cut the last commits may be gone: the watch then resumes earlier, and ids drop the doubles.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._make_tables()
        self._known: dict[str, Known] = {}
        self._numbers: dict[str, int] = {}
        self._read()
        self._last_number = max(self._numbers.values(), default=0)
        self._staged: dict[str, _Staged] = {}
        self._gone: set[str] = set()
        self._positions: dict[str, Position] = {}
        self._silences: dict[str, datetime] | None = None

    def of_cluster(self, identity: str) -> None:
        """Makes sure the memory is of this cluster: another one's is forgotten."""
        if self._meta("cluster") == identity.encode():
            return
        with _transaction(self._db):
            for table in ("kinds", "objects", "bodies"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608  the names stand above
            self._set_meta("cluster", identity.encode())
            self._set_meta("discovered", b"[]")
        self._known.clear()
        self._numbers.clear()

    def redaction_key(self) -> bytes:
        """The key of this directory's digests, made once: the same secret keeps its digest across restarts."""
        key = self._meta("redaction_key")
        if key is None:
            key = os.urandom(_KEY_BYTES)
            self._set_meta("redaction_key", key)
        return key

    def discovered(self) -> list[Kind]:
        """The kinds that owner references led to."""
        known = self._meta("discovered")
        return msgspec.json.decode(known, type=list[Kind]) if known else []

    def set_discovered(self, kinds: Iterable[Kind]) -> None:
        self._set_meta("discovered", msgspec.json.encode(sorted(kinds, key=lambda kind: kind.name)))

    def remembered(self, kind: str) -> Remembered:
        """Where a kind's reflector goes on."""
        known = {uid: row.version for uid, row in self._known.items() if row.key.kind == kind}
        row = self._db.execute("SELECT version, seen_at FROM kinds WHERE kind = ?", (kind,)).fetchone()
        if row is None:
            return Remembered(known=known)
        return Remembered(known=known, version=row[0], seen_at=datetime.fromisoformat(row[1]))

    def owners(self) -> Iterator[tuple[ObjectKey, ObjectKey | None]]:
        return ((known.key, known.owner) for known in self._known.values())

    def last(self, uid: str) -> Known | None:
        """The last version staged or stored."""
        if uid in self._gone:
            return None
        staged = self._staged.get(uid)
        return staged.known if staged else self._known.get(uid)

    def body(self, uid: str) -> bytes | None:
        """The last body staged or stored."""
        staged = self._staged.get(uid)
        if staged and staged.body is not None:
            return staged.body
        row = self._db.execute("SELECT body FROM bodies WHERE number = ?", (self._numbers.get(uid),)).fetchone()
        return row[0] if row else None

    def stage(self, uid: str, known: Known, body: bytes | None) -> None:
        """A new version; `body` is None where it is as before."""
        before = self._staged.get(uid)
        if body is None and before:
            body = before.body
        self._gone.discard(uid)
        self._staged[uid] = _Staged(known, body)

    def stage_deleted(self, uid: str) -> None:
        self._staged.pop(uid, None)
        self._gone.add(uid)

    def stage_position(self, position: Position) -> None:
        self._positions[position.kind.name] = position

    def silences(self) -> dict[str, datetime]:
        """What had fallen silent, by kind, and since when."""
        known = self._meta("silences")
        return msgspec.json.decode(known, type=dict[str, datetime]) if known else {}

    def stage_silences(self, declared: dict[str, datetime]) -> None:
        self._silences = declared

    def commit(self) -> None:
        """Writes all that was staged, in one transaction."""
        if not (self._staged or self._gone or self._positions or self._silences is not None):
            return
        with _transaction(self._db):
            self._write()
        self._known.update((uid, staged.known) for uid, staged in self._staged.items())
        for uid in self._gone:
            self._known.pop(uid, None)
            self._numbers.pop(uid, None)
        self._staged, self._gone, self._positions, self._silences = {}, set(), {}, None

    def close(self) -> None:
        self._db.close()

    def _write(self) -> None:
        gone = [(self._numbers.get(uid),) for uid in self._gone]
        rows = [_row(self._number(uid), uid, staged.known) for uid, staged in self._staged.items()]
        bodies = [(self._numbers[uid], staged.body) for uid, staged in self._staged.items() if staged.body is not None]
        positions = [(p.kind.name, p.version, p.at.astimezone(UTC).isoformat()) for p in self._positions.values()]
        self._db.executemany("DELETE FROM objects WHERE number = ?", gone)
        self._db.executemany("DELETE FROM bodies WHERE number = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._db.executemany("INSERT OR REPLACE INTO bodies VALUES (?, ?)", bodies)
        self._db.executemany("INSERT OR REPLACE INTO kinds VALUES (?, ?, ?)", positions)
        if self._silences is not None:
            self._set_meta("silences", msgspec.json.encode(self._silences))

    def _number(self, uid: str) -> int:
        """The number of an object's rows, which is its own from now on."""
        number = self._numbers.get(uid)
        if number is None:
            self._last_number = number = self._last_number + 1
            self._numbers[uid] = number
        return number

    def _make_tables(self) -> None:
        """Of another form than this one's, what was known is not kept: all objects are then told as seen anew."""
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _FORM:
            self._db.executescript(
                "DROP TABLE IF EXISTS kinds; DROP TABLE IF EXISTS objects; DROP TABLE IF EXISTS bodies;"
                f"PRAGMA user_version = {_FORM}"
            )
        self._db.executescript(_SCHEMA)

    def _read(self) -> None:
        query = "SELECT number, uid, kind, version, at, namespace, name, owner FROM objects"
        for number, uid, kind, version, at, namespace, name, owner in self._db.execute(query):
            key = ObjectKey(kind, namespace, name)
            self._known[uid] = Known(key, ObjectKey.parse(owner) if owner else None, version, at)
            self._numbers[uid] = number

    def _meta(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _set_meta(self, name: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


class _transaction:  # noqa: N801  reads as a statement: `with _transaction(db):`
    """All or nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _row(number: int, uid: str, known: Known) -> tuple[object, ...]:
    key, owner, version, at = known
    return number, uid, key.kind, version, at, key.namespace, key.name, str(owner) if owner else None
