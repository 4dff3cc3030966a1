"""A shard follows its partitions into the store, and goes on where its last write ended, however it ended."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from benchmarks.workloads import Cluster
from tapio.errors import StoreUnavailableError
from tapio.graph import GraphBatch
from tapio.pipeline.collect import to_message
from tapio.pipeline.correlate import Correlate
from tapio.pipeline.local import correlate_events
from tapio.pipeline.partition import Shard, assign
from tapio.pipeline.transform import unify
from tapio.raw import RawEvent
from tapio.stores.memory import MemoryStore
from tapio.streams import DEAD_LETTERS, SHARED, Delivery, Message, topology
from tapio.streams.dead_letters import read_dead_letter
from tapio.streams.memory import MemoryStreams
from tapio.telemetry import Telemetry
from tapio.unified import PARTITIONS
from tests.waiting import until

SHARDS = assign(PARTITIONS, 2)


@pytest.fixture
async def streams() -> MemoryStreams:
    memory = MemoryStreams()
    await memory.ensure(topology(PARTITIONS))
    return memory


@pytest.fixture(scope="module")
def events() -> list[RawEvent]:
    cluster = Cluster(10)
    return [*cluster.appears(), *cluster.updates(300)]


@pytest.fixture(scope="module")
def expected(events: list[RawEvent]) -> list[str]:
    return list(correlate_events(events).dump())


async def publish(streams: MemoryStreams, events: Sequence[RawEvent]) -> None:
    messages = [to_message(event) for event in events]
    deliveries = [Delivery(message.subject, message.data, place) for place, message in enumerate(messages, 1)]
    for stream, batch in unify(deliveries, PARTITIONS).messages.items():
        await streams.publish(stream, batch)


async def drained(stages: Sequence[Correlate], streams: MemoryStreams) -> bool:
    """Whether every shard has stored all there is in its streams."""
    for stage in stages:
        progress = await stage.progress()
        ends = [await end(streams, name) == place for name, place in progress.positions.items()]
        if not ends or not all(ends):
            return False
    return True


async def end(streams: MemoryStreams, name: str) -> int:
    return await (await streams.follow(name, 0)).pending()


@asynccontextmanager
async def running(
    streams: MemoryStreams, store: MemoryStore, shards: Sequence[Shard] = SHARDS, telemetry: Telemetry | None = None
) -> AsyncIterator[list[Correlate]]:
    stages = [Correlate(shard, streams, store, telemetry or Telemetry()) for shard in shards]
    tasks = [asyncio.create_task(stage.run()) for stage in stages]
    try:
        yield stages
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def correlate_all(streams: MemoryStreams, store: MemoryStore, shards: Sequence[Shard] = SHARDS) -> None:
    async with running(streams, store, shards) as stages:
        await until(lambda: drained(stages, streams))


class Moody(MemoryStore):
    """A store that is away for some writes."""

    def __init__(self, failures: Iterator[bool]) -> None:
        super().__init__()
        self._failures = failures

    def write(self, batch: GraphBatch) -> None:
        if next(self._failures, False):
            raise StoreUnavailableError("the disk is full")
        super().write(batch)


async def test_two_shards_make_the_graph_that_one_process_makes(
    streams: MemoryStreams, events: list[RawEvent], expected: list[str]
) -> None:
    await publish(streams, events)
    store = MemoryStore()
    await correlate_all(streams, store)
    assert list(store.dump()) == expected


@pytest.mark.parametrize("cut", [1, 60, 200, 379])
async def test_a_shard_that_is_started_anew_goes_on(
    streams: MemoryStreams, events: list[RawEvent], expected: list[str], cut: int
) -> None:
    store = MemoryStore()
    await publish(streams, events[:cut])
    await correlate_all(streams, store)
    await publish(streams, events[cut:])
    await correlate_all(streams, store)
    assert list(store.dump()) == expected


async def test_partitions_move_with_their_state_when_there_are_more_shards(
    streams: MemoryStreams, events: list[RawEvent], expected: list[str]
) -> None:
    store = MemoryStore()
    await publish(streams, events[:200])
    await correlate_all(streams, store, assign(PARTITIONS, 2))
    await publish(streams, events[200:])
    await correlate_all(streams, store, assign(PARTITIONS, 3))
    assert list(store.dump()) == expected


async def test_partitions_that_read_the_shared_stream_unequally_far_may_meet_in_one_shard(
    streams: MemoryStreams, events: list[RawEvent], expected: list[str]
) -> None:
    store = MemoryStore()
    await publish(streams, events[:200])
    await correlate_all(streams, store, assign(PARTITIONS, 2)[:1])  # the other shard never ran
    await publish(streams, events[200:])
    await correlate_all(streams, store, assign(PARTITIONS, 1))
    assert list(store.dump()) == expected


async def test_a_store_that_is_away_is_waited_for(
    streams: MemoryStreams, events: list[RawEvent], expected: list[str]
) -> None:
    store, telemetry = Moody(iter([True, False, True, True, False])), Telemetry()
    await publish(streams, events)
    async with running(streams, store, telemetry=telemetry) as stages:
        await until(lambda: drained(stages, streams))
    assert list(store.dump()) == expected
    assert telemetry.totals["tapio_paused_total"] == 3


async def test_a_message_that_is_no_event_is_dead_lettered_and_the_others_go_on(
    streams: MemoryStreams, events: list[RawEvent], expected: list[str]
) -> None:
    store = MemoryStore()
    await publish(streams, events[:100])
    await streams.publish(SHARED, [Message("unified.node._.x.shared", b'{"id": 1}', "bad")])
    await publish(streams, events[100:])
    await correlate_all(streams, store)
    assert list(store.dump()) == expected
    letters = [read_dead_letter(one) for one in await (await streams.follow(DEAD_LETTERS, 0)).next(10, 0.01)]
    assert [letter.data for letter in letters] == [b'{"id": 1}']  # once, though both shards read it


@pytest.mark.parametrize(("partitions", "shards"), [(8, 1), (8, 2), (8, 3), (8, 8), (64, 5)])
def test_every_partition_has_one_shard_and_shares_differ_by_one_at_most(partitions: int, shards: int) -> None:
    spread = assign(partitions, shards)
    assert sorted(number for shard in spread for number in shard.partitions) == list(range(partitions))
    sizes = [len(shard.partitions) for shard in spread]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("shards", [0, 9])
def test_a_shard_without_partitions_is_refused(shards: int) -> None:
    with pytest.raises(ValueError, match="cannot be spread"):
        assign(8, shards)
