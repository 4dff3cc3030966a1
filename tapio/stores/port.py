"""The port to a graph store: what correlators write and get back, beside what `why` reads."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from tapio.graph import GraphBatch, GraphReader, Position, RestoredPartition
from tapio.graph.batch import CHANGE_LIMIT, HAPPENING_LIMIT, STATE_LIMIT


class RestoreLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each entity (key and uid) a restore gives back, newest first to stay: as much as engines remember."""

    states: int = STATE_LIMIT
    happenings: int = HAPPENING_LIMIT
    changes: int = CHANGE_LIMIT


class GraphStore(GraphReader, Protocol):
    """One graph, written by any number of shards, each writing only its own partitions' subjects."""

    def write(self, batch: GraphBatch) -> None:
        """Writes the batch in one transaction.

        Raises:
            ValueError: a time in it names no zone; the same batch fails again.
            StoreUnavailableError: the store is away; the same batch may be written again later.
        """

    def positions(self, reader: str) -> Sequence[Position]:
        """How far `reader` has read each stream it ever wrote a position for."""

    def restore(self, partition: str, *, up_to: int | None = None) -> RestoredPartition:
        """The partition's timelines, and each entity's newest history entries and changes (bounded as the engine bounds
        them); for `shared`, only of events with `sequence <= up_to`, where given.

        Entries and changes come in the one order of events. Of each subject and uid comes the last timeline written:
        its `since`, its `state`, and the rows that reach it, so that writing it again changes nothing.
        """

    def raw_sequence(self, raw_id: str) -> int | None:
        """The place in the RAW stream of a raw event, where it is known."""

    def prune(self, before: datetime) -> int:
        """Lets go of what ended before that moment and of older history; returns how many records went.

        Kept, whatever their age: what holds, what a restore of something living gives back, and the events and things
        that verdicts of then or later rest on (`tapio.stores.retention`). Questions about a time before it find only
        what is left, and coverage begins there.
        """

    def dump(self, namespace: str = "") -> Iterator[str]:
        """The canonical dump: one line of JSON per record, sorted, without anything of the wall clock or of arrival.

        Two pipelines that saw the same events give the same lines. With `namespace`, only what belongs to it.
        """

    def close(self) -> None:
        """Closes the store."""
