"""The graph that the API reads: opened at the first question, and again after the store was away."""

from pathlib import Path
from threading import Lock

from tapio.graph import GraphReader
from tapio.stores.sqlite import SqliteStore


class Graph:
    """One read-only store, shared by all requests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._store: SqliteStore | None = None

    def reader(self) -> GraphReader:
        """The open graph.

        Raises:
            StoreUnavailableError: there is none yet, or it cannot be opened now.
        """
        with self._lock:
            if self._store is None:
                self._store = SqliteStore(self._path, read_only=True)
            return self._store

    def close(self) -> None:
        """Closes the store, where it is open."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = None
