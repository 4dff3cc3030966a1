"""Opening the file: what each connection is set to, who makes the tables, and what is not ours."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tapio.errors import StoreUnavailableError
from tapio.stores.sqlite.failures import is_busy, translated
from tapio.stores.sqlite.schema import APPLICATION_ID, TABLES, VERSION

BUSY_S = 10.0  # a write takes milliseconds; who waits this long waits for something that hangs
_RETRY_S = 0.02
# -n is KiB: the branch pages of the indexes of a million events, so that a lookup reads leaves only.
_CACHE = -65536
_CHECKPOINT_PAGES = 8192  # 32 MiB: index pages that many batches touch are copied back once
_WAL_LIMIT_BYTES = 128 * 2**20  # what a long reader made grow is given back


def connect(path: Path, *, read_only: bool, busy_s: float) -> sqlite3.Connection:
    """One connection, ready for use; a writer makes the file and its tables where there are none.

    Raises:
        StoreUnavailableError: there is no such file (for a reader), it cannot be opened, or it is no graph of Tapio's.
    """
    with translated(path):
        connection = _connect(path, read_only=read_only, busy_s=busy_s)
        try:
            _prepare(connection, path, read_only=read_only, busy_s=busy_s)
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(path: Path, *, read_only: bool, busy_s: float) -> sqlite3.Connection:
    if read_only and not path.exists():
        raise _no_graph_yet(path)
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    # Autocommit: transactions are begun by hand. The store has a lock of its own, so any thread may use it.
    return sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool, busy_s: float) -> None:
    connection.execute(f"PRAGMA cache_size = {_CACHE}")
    if not _is_empty(connection):
        _check_ours(connection, path)  # before anything of somebody else's file is changed
    elif read_only:
        raise _no_graph_yet(path)
    if not read_only:
        _prepare_to_write(connection, busy_s)


def _prepare_to_write(connection: sqlite3.Connection, busy_s: float) -> None:
    _enter_wal(connection, busy_s)
    # The disk is waited for at checkpoints alone. A machine that stops may lose the newest commits, whole and in order:
    # the position of the stream goes back with what was made of it, and the stream still has the events.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    with transaction(connection):
        if _is_empty(connection):  # else another process has made the tables meanwhile
            _make_tables(connection)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write, whole or not at all; others wait for it from its beginning, so it never fails half-way for a lock."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise


def _enter_wal(connection: sqlite3.Connection, busy_s: float) -> None:
    """Changing the journal needs the file alone, and SQLite does not wait for that: several openers take turns."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in TABLES.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _no_graph_yet(path: Path) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"there is no graph at {path} yet", hint="start `tapio up`, or give its data directory"
    )


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not _number(connection, "SELECT count(*) FROM sqlite_schema")


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    if _number(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise StoreUnavailableError(
            f"the graph {path} cannot be used: it is another program's SQLite file", hint="give another data directory"
        )
    version = _number(connection, "PRAGMA user_version")
    if version != VERSION:
        raise StoreUnavailableError(
            f"the graph {path} cannot be used: it has format {version}, this Tapio reads {VERSION}",
            hint="move the file away; Tapio builds the graph again from the streams",
        )


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
