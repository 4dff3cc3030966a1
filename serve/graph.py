"""The graph that the API reads: opened at the first question, and again when its file is another one."""

from pathlib import Path
from threading import Lock

from tapio.stores import GraphStore
from tapio.stores.sqlite import SqliteStore


class Graph:
    """One read-only store, shared by all requests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._store: SqliteStore | None = None
        self._file: tuple[int, int] | None = None

    def reader(self) -> GraphStore:
        """The open graph.

        Raises:
            StoreUnavailableError: there is none yet or any more, or it cannot be opened now.
        """
        with self._lock:
            file = _identity(self._path)
            if self._store is None or file != self._file:
                # What requests still read of a file that was replaced is closed when the last of them is done.
                self._store = None
                self._store = SqliteStore(self._path, read_only=True)
                self._file = _identity(self._path)
            return self._store

    def close(self) -> None:
        """Closes the store, where it is open."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = None


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, or None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
