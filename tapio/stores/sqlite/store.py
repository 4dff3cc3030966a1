"""`GraphStore` on one SQLite file: one connection, one lock, and the file's failures in the port's words."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from threading import RLock

from tapio.graph import GraphBatch, Position, RestoredPartition
from tapio.stores.dumping import dump_lines
from tapio.stores.moments import require_zones
from tapio.stores.port import RestoreLimits
from tapio.stores.sqlite.failures import translated
from tapio.stores.sqlite.opening import BUSY_S, connect, transaction
from tapio.stores.sqlite.pruning import prune
from tapio.stores.sqlite.reading import Parameters, SqliteReader
from tapio.stores.sqlite.restoring import records, restored
from tapio.stores.sqlite.rows import Row
from tapio.stores.sqlite.writing import write_batch
from tapio.times import micros

_AS_ENGINES = RestoreLimits()
_RAW_SEQUENCE = """SELECT max(raw_sequence) FROM (
    SELECT raw_sequence FROM history WHERE event_id = :id AND raw_id = :id
    UNION ALL SELECT raw_sequence FROM history WHERE raw_id = :id AND raw_id <> '' AND raw_id <> event_id
)"""


class SqliteStore(SqliteReader):
    """Any thread may use it, one at a time; any number of processes may have the file open.

    Every method raises StoreUnavailableError where the file cannot be read or written. `busy_s` is how long a call
    waits for another process's write.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        limits: RestoreLimits = _AS_ENGINES,
        busy_s: float = BUSY_S,
    ) -> None:
        super().__init__(self._rows)
        self._path = path
        self._limits = limits
        self._busy_s = busy_s
        self._lock = RLock()
        self._connection = connect(path, read_only=read_only, busy_s=busy_s)

    def write(self, batch: GraphBatch) -> None:
        require_zones(batch)
        with self._lock, translated(self._path), transaction(self._connection):
            write_batch(self._connection, batch)

    def positions(self, reader: str) -> Sequence[Position]:
        rows = self._rows("SELECT stream, sequence FROM positions WHERE reader = ? ORDER BY stream", (reader,))
        return [Position(reader=reader, stream=stream, sequence=sequence) for stream, sequence in rows]

    def restore(self, partition: str, *, up_to: int | None = None) -> RestoredPartition:
        with self._snapshot():
            return restored(self._rows, partition, up_to, self._limits)

    def raw_sequence(self, raw_id: str) -> int | None:
        return self._rows(_RAW_SEQUENCE, {"id": raw_id})[0][0] or None

    def prune(self, before: datetime) -> int:
        """On a connection of its own, so that whoever writes waits for short transactions only."""
        with translated(self._path), closing(connect(self._path, read_only=False, busy_s=self._busy_s)) as connection:
            return prune(connection, micros(before), self._limits)

    def dump(self, namespace: str = "") -> Iterator[str]:
        with self._snapshot():
            return dump_lines(list(records(self._rows)), namespace)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Several queries of one state, whatever others write meanwhile."""
        with self._lock, translated(self._path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def _rows(self, sql: str, parameters: Parameters = (), /) -> list[Row]:
        with self._lock, translated(self._path):
            return self._connection.execute(sql, parameters).fetchall()
