"""End to end: raw events through real JetStream, transform, correlate, SQLite, beside the raw cost of the same bytes.

`python -m benchmarks.bench_pipeline [--events N] [--pods]`: two processes, one that publishes and transforms, one that
correlates both shards; the time runs from the first publish until every event's effects are in the file. `--pods`
feeds full Pod updates only. `--profile FILE` writes a profile of each process.
"""

import argparse
import asyncio
import cProfile
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from benchmarks.workloads import Cluster
from tapio.collectors.port import Emit
from tapio.pipeline.collect import Collect, to_message
from tapio.pipeline.correlate import Correlate
from tapio.pipeline.partition import assign
from tapio.pipeline.transform import Transform, unify
from tapio.raw import RawEvent
from tapio.stores.sqlite import SqliteStore
from tapio.streams import RAW, Delivery, Message, topology
from tapio.streams.embedded import start
from tapio.streams.jetstream import JetStreams, connect
from tapio.telemetry import Telemetry
from tapio.unified import PARTITIONS

SHARDS = 2
_BATCH = 500


class Listed:
    """A source that says what it was given, in batches as the collector makes them."""

    def __init__(self, events: Sequence[RawEvent]) -> None:
        self._events = events

    async def run(self, emit: Emit) -> None:
        for place in range(0, len(self._events), _BATCH):
            await emit(self._events[place : place + _BATCH])


def profiled(path: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs `work`, under the profiler where there is a path."""
    if not path:
        asyncio.run(work())
        return
    profile = cProfile.Profile()
    profile.enable()
    with suppress(KeyboardInterrupt):
        asyncio.run(work())
    profile.disable()
    profile.dump_stats(path)


def correlate(url: str, graph: str, stop: Any, path: str) -> None:  # noqa: ANN401  multiprocessing's Event
    """The second process: both shards, until told to stop."""

    async def run() -> None:
        stores = [SqliteStore(Path(graph)) for _ in range(SHARDS)]
        streams = await connect(url)
        shards = assign(PARTITIONS, SHARDS)
        tasks = [
            asyncio.create_task(Correlate(shard, streams, store, Telemetry()).run())
            for shard, store in zip(shards, stores, strict=True)
        ]
        while not stop.is_set():  # noqa: ASYNC110  the event is another process's
            await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await streams.close()
        for store in stores:
            store.close()

    profiled(path, run)


async def stored(streams: JetStreams, graph: Path, transform: Transform, events: int) -> bool:
    """Whether everything fed is transformed, and everything transformed is in the graph."""
    if (await transform.progress()).events < events:
        return False
    with closing(SqliteStore(graph, read_only=True)) as store:
        read = {
            position.stream: position.sequence
            for number in range(PARTITIONS)
            for position in store.positions(f"partition/{number}")
        }
    for spec in topology(PARTITIONS)[1:-1]:
        reader = await streams.follow(spec.name, read.get(spec.name, 0))
        behind = await reader.pending()
        await reader.close()
        if behind:
            return False
    return True


async def end_to_end(url: str, graph: Path, events: Sequence[RawEvent]) -> float:
    """Seconds from the first publish to the last event's effects."""
    streams = await connect(url)
    transform = Transform("0", streams, PARTITIONS, Telemetry())
    started = time.perf_counter()
    task = asyncio.create_task(transform.run())
    await Collect("kubeapi", Listed(events), streams, Telemetry()).run()
    published = time.perf_counter() - started
    while not await stored(streams, graph, transform, len(events)):  # noqa: ASYNC110  another process stores
        await asyncio.sleep(0.05)
    took = time.perf_counter() - started
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await streams.close()
    print(f"  published after {published:.2f} s")
    return took


async def raw_cost(url: str, events: Sequence[RawEvent]) -> float:
    """Seconds to write and read the same bytes, in and out of both streams, doing nothing with them."""
    raw = [to_message(event) for event in events]
    deliveries = [Delivery(message.subject, message.data, place) for place, message in enumerate(raw, 1)]
    batches = {RAW: raw, **unify(deliveries, PARTITIONS).messages}
    streams = await connect(url)
    started = time.perf_counter()
    for stream, messages in batches.items():
        await streams.publish(stream, messages)
    for stream, messages in batches.items():
        await _read(streams, stream, messages)
    took = time.perf_counter() - started
    await streams.close()
    return took


async def _read(streams: JetStreams, stream: str, messages: Sequence[Message]) -> None:
    reader = await streams.follow(stream, 0)
    left = len({message.id for message in messages})
    while left:
        left -= len(await reader.next(_BATCH, 5.0))
    await reader.close()


async def measure(events: Sequence[RawEvent], profile: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with await start(Path(folder) / "raw") as server:
            streams = await connect(server.url)
            await streams.ensure(topology(PARTITIONS))
            await streams.close()
            cost = await raw_cost(server.url, events)
        async with await start(Path(folder) / "nats") as server:
            streams = await connect(server.url)
            await streams.ensure(topology(PARTITIONS))
            await streams.close()
            took = await _two_processes(server.url, Path(folder) / "graph.sqlite", events, profile)
    print(f"  raw nats-py cost {cost:.2f} s ({len(events) / cost:,.0f} events/s)")
    print(f"  end to end       {took:.2f} s ({len(events) / took:,.0f} events/s), {took / cost:.1f} x the raw cost")


async def _two_processes(url: str, graph: Path, events: Sequence[RawEvent], profile: str) -> float:
    SqliteStore(graph).close()  # makes the tables
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    second = spawn.Process(target=correlate, args=(url, str(graph), stop, profile and f"{profile}.correlate"))
    second.start()
    await asyncio.sleep(1.5)  # it imports; its time is not the pipeline's
    try:
        return await end_to_end(url, graph, events)
    finally:
        stop.set()
        await asyncio.to_thread(second.join)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--workloads", type=int, default=1_000)
    parser.add_argument("--pods", action="store_true")
    parser.add_argument("--profile", default="")
    chosen = parser.parse_args()
    cluster = Cluster(chosen.workloads)
    appeared = list(cluster.appears())
    updates = cluster.pod_updates if chosen.pods else cluster.updates
    events = [*appeared, *updates(max(0, chosen.events - len(appeared)))][: chosen.events]
    size = sum(len(to_message(event).data) for event in events) / len(events)
    print(f"pipeline: {len(events):,} events of {size:,.0f} bytes, {chosen.workloads:,} workloads")
    profiled(chosen.profile and f"{chosen.profile}.transform", lambda: measure(events, chosen.profile))


if __name__ == "__main__":
    main()
