"""End to end: raw events through real JetStream, transform, correlate, SQLite, beside the raw cost of the same bytes.

`python -m benchmarks.bench_pipeline [--events N] [--workloads N]`: one process collects, one transforms, one correlates
each shard, as actors do. Three loads follow each other on the same cluster: every object for the first time (as a LIST
gives them), the declared mix (benchmarks/workloads.py), full Pod updates only. The time of each runs from its first
publish until every event's effects are in the file. `--profile FILE` writes a profile of each process.
"""

import argparse
import asyncio
import cProfile
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.workloads import Cluster
from tapio.collectors.port import Emit
from tapio.pipeline.collect import Collect, to_message
from tapio.pipeline.correlate import Correlate
from tapio.pipeline.partition import assign
from tapio.pipeline.transform import Transform, unify
from tapio.raw import RawEvent
from tapio.stores.sqlite import SqliteStore
from tapio.streams import RAW, Delivery, topology
from tapio.streams.embedded import EmbeddedServer, start
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


def collect(url: str, size: "Size", orders: Connection, path: str) -> None:
    """A process of its own: publishes the loads as they are ordered by name, and says when each is published."""
    loads = size.loads()

    async def run() -> None:
        streams = await connect(url)
        orders.send("ready")
        while name := await asyncio.to_thread(orders.recv):
            await Collect("kubeapi", Listed(loads[name]), streams, Telemetry()).run()
            orders.send(name)
        await streams.close()

    profiled(path, run)


def correlate(url: str, graph: str, number: int, stop: Any, path: str) -> None:  # noqa: ANN401  multiprocessing's Event
    """A process of its own: one shard, until told to stop."""

    async def run() -> None:
        store = SqliteStore(Path(graph))
        streams = await connect(url)
        shard = assign(PARTITIONS, SHARDS)[number]
        task = asyncio.create_task(Correlate(shard, streams, store, Telemetry()).run())
        while not stop.is_set() and not task.done():  # noqa: ASYNC110  the event is another process's
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await streams.close()
        store.close()

    profiled(path, run)


async def stored(streams: JetStreams, graph: Path) -> bool:
    """Whether everything transformed is in the graph."""
    with closing(SqliteStore(graph, read_only=True)) as store:
        read = {
            position.stream: position.sequence
            for number in range(PARTITIONS)
            for position in store.positions(f"partition/{number}")
        }
    for spec in topology(PARTITIONS)[1:-1]:
        if await streams.last(spec.name) > read.get(spec.name, 0):
            return False
    return True


class Pipeline:
    """A Tapio without Ray: what runs in this process, the pids of all, and the collector's end of the line."""

    def __init__(
        self, streams: JetStreams, transform: Transform, graph: Path, pids: dict[str, int], orders: Connection
    ) -> None:
        self._streams = streams
        self._transform = transform
        self._graph = graph
        self._pids = pids
        self._orders = orders

    async def feed(self, name: str, events: int) -> tuple[float, dict[str, float]]:
        """Seconds from the first publish to the last event's effects, and of CPU by process."""
        before, done = self._cpu(), (await self._transform.progress()).events
        started = time.perf_counter()
        self._orders.send(name)
        await asyncio.to_thread(self._orders.recv)
        while (await self._transform.progress()).events < done + events:  # noqa: ASYNC110  it counts, it does not call
            await asyncio.sleep(0.02)
        while not await stored(self._streams, self._graph):  # noqa: ASYNC110  other processes store
            await asyncio.sleep(0.02)
        took = time.perf_counter() - started
        return took, {process: after - before[process] for process, after in self._cpu().items()}

    def _cpu(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._pids.items()}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, from Linux' /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def raw_cost(url: str, events: Sequence[RawEvent]) -> float:
    """Seconds to write and read the same bytes, in and out of both streams, doing nothing with them."""
    raw = [to_message(event) for event in events]
    deliveries = [Delivery(message.subject, message.data, place) for place, message in enumerate(raw, 1)]
    batches = {RAW: raw, **unify(deliveries, PARTITIONS).messages}
    streams = await connect(url)
    ends = {stream: await streams.last(stream) for stream in batches}
    started = time.perf_counter()
    for stream, messages in batches.items():
        await streams.publish(stream, messages)
    for stream, end in ends.items():
        await _read(streams, stream, end)
    took = time.perf_counter() - started
    await streams.close()
    return took


async def _read(streams: JetStreams, stream: str, after: int) -> None:
    reader = await streams.follow(stream, after)
    left = await streams.last(stream) - after
    while left > 0:
        left -= len(await reader.next(_BATCH, 5.0))
    await reader.close()


class Size(NamedTuple):
    """How large the made cluster is, and how many events each load has."""

    workloads: int
    events: int

    def loads(self) -> dict[str, list[RawEvent]]:
        """The same in every process."""
        cluster = Cluster(self.workloads)
        return {
            "first sight": list(cluster.appears()),
            "declared mix": list(cluster.updates(self.events)),
            "full Pods": list(cluster.pod_updates(self.events)),
        }


async def measure(size: Size, profile: str) -> None:
    loads = size.loads()
    with tempfile.TemporaryDirectory() as folder:
        costs = {}
        async with await start(Path(folder) / "raw") as server:
            await _make_streams(server.url)
            for name, events in loads.items():
                costs[name] = await raw_cost(server.url, events)
        async with await start(Path(folder) / "nats") as server:
            await _make_streams(server.url)
            async with running(server, Path(folder) / "graph.sqlite", size, profile) as pipeline:
                for name, events in loads.items():
                    took, cpu = await pipeline.feed(name, len(events))
                    tell(name, events, costs[name], took, cpu)


async def _make_streams(url: str) -> None:
    streams = await connect(url)
    await streams.ensure(topology(PARTITIONS))
    await streams.close()


def tell(name: str, events: Sequence[RawEvent], cost: float, took: float, cpu: dict[str, float]) -> None:
    size = sum(len(to_message(event).data) for event in events) / len(events)
    print(f"{name}: {len(events):,} events of {size:,.0f} bytes")
    print(f"  raw nats-py cost {cost:6.2f} s ({len(events) / cost:,.0f} events/s)")
    print(f"  end to end       {took:6.2f} s ({len(events) / took:,.0f} events/s), {took / cost:.1f} x the raw cost")
    each = ", ".join(f"{process} {seconds / len(events) * 1e6:.0f}" for process, seconds in cpu.items())
    print(f"  microseconds of CPU per event: {each}")


@asynccontextmanager
async def running(server: EmbeddedServer, graph: Path, size: Size, profile: str) -> AsyncIterator[Pipeline]:
    """The pipeline: a process for the collector and each shard, the transform here."""
    SqliteStore(graph).close()  # makes the tables
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    here, there = spawn.Pipe()
    others = {"collect": spawn.Process(target=collect, args=(server.url, size, there, _profile(profile, "collect")))}
    for number in range(SHARDS):
        path = _profile(profile, f"correlate{number}")
        others[f"correlate {number}"] = spawn.Process(
            target=correlate, args=(server.url, str(graph), number, stop, path)
        )
    for process in others.values():
        process.start()
    streams = await connect(server.url)
    transform = Transform("0", streams, PARTITIONS, Telemetry())
    task = asyncio.create_task(transform.run())
    await asyncio.to_thread(here.recv)
    await asyncio.sleep(1.0)  # the shards import; their time is not the pipeline's
    pids = {"transform": os.getpid(), "nats-server": server.pid}
    pids |= {name: process.pid for name, process in others.items() if process.pid}
    try:
        yield Pipeline(streams, transform, graph, pids, here)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await streams.close()
        stop.set()
        here.send("")
        for process in others.values():
            await asyncio.to_thread(process.join)


def _profile(path: str, process: str) -> str:
    return path and f"{path}.{process}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--workloads", type=int, default=1_000)
    parser.add_argument("--profile", default="")
    chosen = parser.parse_args()
    size = Size(chosen.workloads, chosen.events)
    profiled(_profile(chosen.profile, "transform"), lambda: measure(size, chosen.profile))


if __name__ == "__main__":
    main()
