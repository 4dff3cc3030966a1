"""Which shard has which partitions, and a shard's engine as the store remembers it.

Positions are kept by partition (`partition/3` reads `UNIFIED-3` and `UNIFIED-shared`), not by shard, so partitions
move between shards with their state when the number of shards changes.
"""

from collections.abc import Sequence

import msgspec

from tapio.correlators.engine import Engine
from tapio.graph import Position
from tapio.stores import GraphStore
from tapio.streams import partition_stream
from tapio.unified import SHARED, SharingDecoder


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """One shard: the partitions it has, of how many there are."""

    name: str
    partitions: frozenset[int]
    total: int


class Restored(msgspec.Struct, frozen=True):
    """An engine as of the store, and the sequence each partition (or `shared`) has been read up to."""

    engine: Engine
    read: dict[str, int]


def assign(partitions: int, shards: int) -> tuple[Shard, ...]:
    """Spreads partitions evenly over shards.

    Raises:
        ValueError: there are no shards, or more of them than partitions.
    """
    if not 0 < shards <= partitions:
        raise ValueError(f"{partitions} partitions cannot be spread over {shards} shards")
    return tuple(
        Shard(name=str(shard), partitions=frozenset(range(shard, partitions, shards)), total=partitions)
        for shard in range(shards)
    )


def reader_of(partition: int) -> str:
    """The name under which a partition's positions are kept."""
    return f"partition/{partition}"


def restore(shard: Shard, store: GraphStore, decoder: SharingDecoder | None = None) -> Restored:
    """The shard's engine with what the store has of its partitions, and of the shared stream as far as all of them
    have read it: partitions that came from different shards may differ there. The engine does not mind doubles. What is
    read from the streams later shares with what is restored when both come from one `decoder`.
    """
    positions = {str(number): _positions(store, number) for number in sorted(shard.partitions)}
    read = {name: saved.get(name, 0) for name, saved in positions.items()}
    shared = min(saved.get(SHARED, 0) for saved in positions.values())
    engine = Engine(shard.partitions, shard.total)
    decoder = decoder or SharingDecoder()
    engine.restore(store.restore(SHARED, up_to=shared), decoder)
    for name in positions:
        engine.restore(store.restore(name), decoder)
    return Restored(engine, {**read, SHARED: shared})


def positions_after(shard: Shard, read: dict[str, int]) -> tuple[Position, ...]:
    """The positions to store when each of `read` (a partition, or `shared`) has been read up to its sequence."""
    own = [_position(int(name), name, sequence) for name, sequence in read.items() if name != SHARED]
    if SHARED not in read:
        return tuple(own)
    shared = [_position(number, SHARED, read[SHARED]) for number in sorted(shard.partitions)]
    return (*own, *shared)


def _position(number: int, partition: str, sequence: int) -> Position:
    return Position(reader=reader_of(number), stream=partition_stream(partition), sequence=sequence)


def _positions(store: GraphStore, number: int) -> dict[str, int]:
    """The partition's positions by partition name (`3`, `shared`)."""
    saved: Sequence[Position] = store.positions(reader_of(number))
    by_stream = {position.stream: position.sequence for position in saved}
    streams = {name: partition_stream(name) for name in (str(number), SHARED)}
    return {name: by_stream[stream] for name, stream in streams.items() if stream in by_stream}
