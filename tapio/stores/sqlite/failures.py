"""SQLite's errors in the words of the port: the store is away, and why."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tapio.errors import StoreUnavailableError

_PRIMARY = 0xFF  # the low byte of an extended result code is its primary code (sqlite.org/rescode.html)

_CAUSES = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space; what was not stored is read again"),
    sqlite3.SQLITE_BUSY: ("another process holds its lock for too long", "find what else writes this file"),
    sqlite3.SQLITE_LOCKED: ("another process holds its lock for too long", "find what else writes this file"),
    sqlite3.SQLITE_READONLY: ("it may not be written", "check the permissions of the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "check the path and the permissions of the file and its folder"),
    sqlite3.SQLITE_PERM: ("it may not be read", "check the permissions of the file and its folder"),
    sqlite3.SQLITE_IOERR: ("the disk fails to read or write", "look at the kernel's log for the disk"),
    sqlite3.SQLITE_NOTADB: ("it is no SQLite database", "give another data directory, or move the file away"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "move the file away; Tapio builds the graph again from the streams"),
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns what the file or the disk does into StoreUnavailableError; a mistake of ours stays what it is."""
    try:
        yield
    except sqlite3.Error as error:
        cause = _CAUSES.get(_code(error))
        if cause is None:
            raise
        what, hint = cause
        raise StoreUnavailableError(f"the graph {path} cannot be used: {what} ({error})", hint=hint) from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds a lock, so that the same step works later."""
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", -1) & _PRIMARY  # absent where Python itself raised the error
