"""Where the graph lives: `GraphStore` and its adapters.

In: `GraphBatch`es from correlators. Out: the graph as of T, for `why`; a partition's state, for a correlator that
starts. Promised: a batch is written whole or not at all, and writing it again changes nothing.
Never: a conclusion.
"""

from tapio.stores.dumping import dump_hash
from tapio.stores.port import GraphStore

__all__ = ["GraphStore", "dump_hash"]
