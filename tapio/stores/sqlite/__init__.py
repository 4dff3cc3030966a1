"""The graph in one SQLite file, in WAL mode: durable, nothing to install, several processes at once.

In: batches. Out: the graph as of T. Promised: what `write` returned from survives kill -9 and power loss.
Never: a conclusion; a long transaction.
"""

from tapio.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
