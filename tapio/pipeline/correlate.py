"""The third stage: a shard reads its partitions' streams, asks the engine what follows, and stores it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

import msgspec

from tapio.correlators import Arrival, Engine
from tapio.errors import BadEventError, StoreUnavailableError
from tapio.graph import GraphBatch
from tapio.pipeline.arrivals import Feed, Page, follow
from tapio.pipeline.partition import Restored, Shard, positions_after, restore
from tapio.pipeline.progress import Progress, delays, newer
from tapio.stores import GraphStore
from tapio.streams import Delivery, Streams, partition_stream
from tapio.telemetry import BatchStored, DeadLettered, Paused, Skipped, Telemetry, VerdictsFailed
from tapio.unified import SharingDecoder

P = ParamSpec("P")
T = TypeVar("T")

_BATCH = 2000  # events in one transaction at most; under light load a batch is whatever has come


class Correlate:
    """One shard. All it knows is in the store: started again anywhere, it goes on where its last write ended."""

    def __init__(self, shard: Shard, streams: Streams, store: GraphStore, telemetry: Telemetry) -> None:
        self._shard = shard
        self._stage = f"correlate/{shard.name}"
        self._streams = streams
        self._store = store
        self._telemetry = telemetry
        self._feed: Feed | None = None
        self._decoder = SharingDecoder()
        self._read: dict[str, int] = {}
        self._events = 0
        self._newest: datetime | None = None

    async def run(self) -> None:
        """Restores, then reads for ever. A write that has begun is finished before this ends."""
        with ThreadPoolExecutor(1, thread_name_prefix=f"store-{self._shard.name}") as storing:
            restored = await _on(storing, restore, self._shard, self._store, self._decoder)
            self._read = dict(restored.read)
            after = {name: (partition_stream(name), sequence) for name, sequence in restored.read.items()}
            async with follow(self._streams, after) as feed:
                self._feed = feed
                await self._correlate(feed, restored, storing)

    async def progress(self) -> Progress:
        pending = await self._feed.pending() if self._feed else 0
        positions = {partition_stream(name): sequence for name, sequence in self._read.items()}
        return Progress(
            stage=self._stage, events=self._events, pending=pending, positions=positions, newest=self._newest
        )

    async def _correlate(self, feed: Feed, restored: Restored, storing: ThreadPoolExecutor) -> None:
        """The engine works on a batch while the one before is being written; never further ahead than that."""
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                step = await self._decide(feed, restored, await feed.next(_BATCH))
                if writing is not None:
                    await writing
                writing = asyncio.create_task(self._store_step(step, storing))
        finally:
            if writing is not None:
                writing.cancel()  # ends its waiting for a store that is away; a write that runs is finished

    async def _decide(self, feed: Feed, restored: Restored, pages: Sequence[Page]) -> "_Step":
        arrivals = await self._decode(feed, pages)
        arrivals.sort(key=_order)  # the engine minds no order, but an event that comes late costs it a redrawing
        started = time.monotonic()
        batch = restored.engine.apply(arrivals)
        self._tell_failures(restored.engine)
        read = {name: deliveries[-1].sequence for name, deliveries in pages}
        self._declare_skipped(restored.read, pages)
        restored.read.update(read)
        batch = msgspec.structs.replace(batch, positions=positions_after(self._shard, read))
        return _Step(batch, read, len(arrivals), _newest(arrivals), time.monotonic() - started)

    def _tell_failures(self, engine: Engine) -> None:
        if engine.failures:
            first = engine.failures[0]
            error = f"{first.subject} at {first.at.isoformat()}: {first.error}"
            self._telemetry.tell(VerdictsFailed(stage=self._stage, subjects=len(engine.failures), error=error))
            engine.failures.clear()

    async def _decode(self, feed: Feed, pages: Sequence[Page]) -> list[Arrival]:
        arrivals: list[Arrival] = []
        for name, deliveries in pages:
            good, bad = decode_page(name, deliveries, self._decoder)
            arrivals += good
            for delivery, error in bad:
                await feed.dead_letter(name, delivery, error)
            if bad:
                self._telemetry.tell(DeadLettered(stage=self._stage, messages=len(bad), error=bad[0][1]))
        return arrivals

    def _declare_skipped(self, read: dict[str, int], pages: Sequence[Page]) -> None:
        """A stream's sequences have no holes: what is missing between two deliveries had left the stream unread."""
        expected = dict(read)
        for name, deliveries in pages:
            lost = deliveries[-1].sequence - expected[name] - len(deliveries)
            expected[name] = deliveries[-1].sequence
            if lost > 0:
                self._telemetry.tell(Skipped(stage=self._stage, stream=partition_stream(name), lost=lost))

    async def _store_step(self, step: "_Step", storing: ThreadPoolExecutor) -> None:
        started = time.monotonic()
        for delay in delays():
            try:
                await _on(storing, self._store.write, step.batch)
                break
            except StoreUnavailableError as error:
                self._telemetry.tell(Paused(stage=self._stage, delay_s=delay, error=error.message))
                await asyncio.sleep(delay)
        self._read.update(step.read)
        self._events += step.events
        self._newest = newer(self._newest, step.newest)
        self._telemetry.tell(step.stored(self._stage, time.monotonic() - started))


class _Step(msgspec.Struct, frozen=True):
    """One batch on its way to the store: what it makes of the graph, and how far it has read each stream."""

    batch: GraphBatch
    read: dict[str, int]
    events: int
    newest: datetime | None
    apply_s: float

    def stored(self, stage: str, write_s: float) -> BatchStored:
        timelines = self.batch.timelines
        return BatchStored(
            stage=stage,
            events=self.events,
            entities=len(self.batch.entities),
            timelines=len(timelines),
            links=sum(len(timeline.links) for timeline in timelines),
            apply_s=self.apply_s,
            write_s=write_s,
        )


def decode_page(
    partition: str, deliveries: Sequence[Delivery], decoder: SharingDecoder
) -> tuple[list[Arrival], list[tuple[Delivery, str]]]:
    """The events of one page, and the deliveries that are none, each with the reason."""
    good: list[Arrival] = []
    bad: list[tuple[Delivery, str]] = []
    for delivery in deliveries:
        try:
            event = decoder.decode(delivery.data)
        except BadEventError as error:
            bad.append((delivery, error.message))
            continue
        good.append(Arrival(partition, delivery.sequence, event, delivery.data))
    return good, bad


def _on(storing: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
    """The store's calls block, so they run on a thread of their own, one after another."""
    return asyncio.get_running_loop().run_in_executor(storing, partial(work, *args, **kwargs))


def _order(arrival: Arrival) -> tuple[datetime, int, str]:
    return arrival.event.sort_key


def _newest(arrivals: Sequence[Arrival]) -> datetime | None:
    return max((arrival.event.timestamp for arrival in arrivals), default=None)
