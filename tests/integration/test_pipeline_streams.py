"""The pipeline over a real NATS server and a real SQLite file, without Ray."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path

import pytest

from benchmarks.workloads import Cluster
from tapio.collectors.port import Emit
from tapio.errors import UnreachableError
from tapio.pipeline.collect import Collect
from tapio.pipeline.correlate import Correlate
from tapio.pipeline.evidence import raw_event
from tapio.pipeline.local import correlate_events
from tapio.pipeline.partition import assign
from tapio.pipeline.transform import DURABLE, Transform
from tapio.raw import RawEvent, event_id
from tapio.stores.sqlite import SqliteStore
from tapio.streams import DEAD_LETTERS, RAW, Message, topology
from tapio.streams.embedded import start
from tapio.streams.jetstream import JetStreams, connect
from tapio.telemetry import Telemetry
from tapio.testing.nats import jetstreams, nats_server
from tapio.unified import PARTITIONS
from tests.waiting import until

# What a stopped reader held comes again soon, but never to one that is only slow: each time counts as a delivery.
REDELIVERY_S = (3.0,) * 4


class Listed:
    def __init__(self, events: Sequence[RawEvent]) -> None:
        self._events = events

    async def run(self, emit: Emit) -> None:
        for place in range(0, len(self._events), 50):
            await emit(self._events[place : place + 50])


@pytest.fixture(scope="module")
def events() -> list[RawEvent]:
    cluster = Cluster(20)
    return [*cluster.appears(), *cluster.updates(600)]


@pytest.fixture(scope="module")
def expected(events: list[RawEvent]) -> list[str]:
    return list(correlate_events(events).dump())


@pytest.fixture
async def streams(tmp_path: Path) -> AsyncIterator[JetStreams]:
    async with await start(tmp_path / "nats") as server:
        streams = await connect(server.url, redelivery_s=REDELIVERY_S)
        await streams.ensure(topology(PARTITIONS))
        yield streams
        await streams.close()


Begin = Callable[[], Correlate | Transform]


async def hosted(stage: Begin) -> None:
    """Runs a stage as its host does: one whose server was away when it opened its reader is begun anew."""
    while True:
        with suppress(UnreachableError):
            await stage().run()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def pipeline(streams: JetStreams, graph: Path, transformers: int = 2) -> AsyncIterator[None]:
    """Transformers and two shards, each shard with a connection to the store of its own."""
    stores = [SqliteStore(graph) for _ in range(2)]
    shards = assign(PARTITIONS, 2)
    correlating: list[Begin] = [
        partial(Correlate, *one, Telemetry()) for one in zip(shards, [streams] * 2, stores, strict=True)
    ]
    transforming: list[Begin] = [
        partial(Transform, str(one), streams, PARTITIONS, Telemetry()) for one in range(transformers)
    ]
    tasks = [asyncio.create_task(hosted(stage)) for stage in (*correlating, *transforming)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for store in stores:
            store.close()


def dumped(graph: Path) -> list[str]:
    with closing(SqliteStore(graph, read_only=True)) as store:
        return list(store.dump())


async def all_settled(streams: JetStreams) -> bool:
    return await streams.settled(RAW, DURABLE) == await streams.last(RAW)


async def feed(streams: JetStreams, events: Sequence[RawEvent]) -> None:
    await Collect("kubeapi", Listed(events), streams, Telemetry()).run()


async def test_the_graph_is_the_one_a_single_process_makes(
    streams: JetStreams, tmp_path: Path, events: list[RawEvent], expected: list[str]
) -> None:
    graph = tmp_path / "graph.sqlite"
    async with pipeline(streams, graph):
        await feed(streams, events)
        await until(lambda: dumped(graph) == expected, every_s=0.1)


async def test_the_pipeline_may_be_stopped_and_started_at_any_time(
    streams: JetStreams, tmp_path: Path, events: list[RawEvent], expected: list[str]
) -> None:
    graph = tmp_path / "graph.sqlite"
    third = len(events) // 3
    for place in (0, third, 2 * third):
        async with pipeline(streams, graph, transformers=1):
            await feed(streams, events[place : place + third + 2])  # stopped at once, in the middle of the work
    async with pipeline(streams, graph):
        await until(lambda: dumped(graph) == expected, every_s=0.1)


async def test_a_broker_that_is_killed_on_the_way_loses_and_doubles_nothing(
    tmp_path: Path, events: list[RawEvent], expected: list[str]
) -> None:
    graph = tmp_path / "graph.sqlite"
    async with nats_server(tmp_path / "nats") as server, jetstreams(server.url, redelivery_s=REDELIVERY_S) as streams:
        await streams.ensure(topology(PARTITIONS))
        async with pipeline(streams, graph):
            feeding = asyncio.create_task(feed(streams, events))
            for part in (0.1, 0.5, 0.8):  # of all that there is to conclude: the stages are in the middle of their work
                await until(lambda part=part: len(dumped(graph)) >= part * len(expected), every_s=0.02)  # type: ignore[misc]
                await server.kill()
                await asyncio.sleep(0.2)
                await server.start_again()
            await feeding
            await until(lambda: dumped(graph) == expected, every_s=0.1)


async def test_what_is_no_event_is_dead_lettered_once_and_stops_nothing(
    streams: JetStreams, tmp_path: Path, events: list[RawEvent], expected: list[str]
) -> None:
    graph = tmp_path / "graph.sqlite"
    await feed(streams, events[:100])
    await streams.publish(RAW, [Message("raw.kubeapi.pod.modify", b"[]", "bad")])
    for _ in range(2):
        async with pipeline(streams, graph):
            await feed(streams, events)
    async with pipeline(streams, graph):
        await until(lambda: dumped(graph) == expected, every_s=0.1)
        await until(lambda: all_settled(streams), every_s=0.1)  # the letter is written beside the graph
    assert await (await streams.follow(DEAD_LETTERS, 0)).pending() == 1


async def test_the_raw_event_behind_a_unified_one_is_found_in_its_stream(
    streams: JetStreams, tmp_path: Path, events: list[RawEvent], expected: list[str]
) -> None:
    graph = tmp_path / "graph.sqlite"
    async with pipeline(streams, graph):
        await feed(streams, events)
        await until(lambda: dumped(graph) == expected, every_s=0.1)
    wanted = events[300]
    with closing(SqliteStore(graph, read_only=True)) as store:
        assert await raw_event(event_id(wanted), store, streams) == wanted
        assert await raw_event("evt-unknown", store, streams) is None
