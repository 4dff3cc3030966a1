"""What one event costs each stage, and one object in a shard's memory, at clusters of different sizes.

`python -m benchmarks.bench_stages [--objects N,N,...] [--events N] [--profile STAGE] [--only PART]`: no streams, no
second process; CPU time of this one. Of each size: every object for the first time, then the declared mix, then full
Pods (benchmarks/workloads.py). Correlate is both shards together, as one raw event costs the cluster that much. Memory
is what Python has allocated for one shard's engine: for current state after it saw every object once, and what the mix
adds to that, which is history; then both again, of a process that starts from the store. `--profile correlate` prints
where the time goes; `--only memory` leaves out the rest.
"""

import argparse
import cProfile
import gc
import pstats
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from benchmarks.workloads import OBJECTS_PER_WORKLOAD, Cluster
from tapio.correlators import Arrival, Engine
from tapio.graph import GraphBatch
from tapio.pipeline.collect import to_message
from tapio.pipeline.correlate import decode_page
from tapio.pipeline.partition import assign
from tapio.pipeline.transform import unify
from tapio.raw import RawEvent, decode
from tapio.stores.sqlite import SqliteStore
from tapio.streams import SHARED, Delivery
from tapio.unified import PARTITIONS, SharingDecoder

SHARDS = assign(PARTITIONS, 2)
_BATCH = 500
_APPLIED = 2000  # events in one batch of a shard

T = TypeVar("T")
Page = tuple[str, list[Delivery]]


class Clock:
    """CPU seconds by stage."""

    def __init__(self, profile: cProfile.Profile | None) -> None:
        self.seconds: dict[str, float] = {}
        self._profile = profile

    def of(self, stage: str, work: Callable[[], T]) -> T:
        """Does the work on the stage's account."""
        if self._profile and stage == "correlate":
            self._profile.enable()
        started = time.process_time()
        result = work()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.process_time() - started
        if self._profile and stage == "correlate":
            self._profile.disable()
        return result


class Shard:
    """What one shard's process holds."""

    def __init__(self, number: int, store: SqliteStore) -> None:
        self._partitions = SHARDS[number].partitions
        self._engine = Engine(self._partitions, PARTITIONS)
        self._decoder = SharingDecoder()
        self._store = store

    def takes(self, pages: Sequence[Page], clock: Clock) -> None:
        """Correlates what of the pages is the shard's."""
        own = [page for page in pages if page[0] == "shared" or int(page[0]) in self._partitions]
        arrivals = clock.of("decode", lambda: list(self._decoded(own)))
        for start in range(0, len(arrivals), _APPLIED):
            batch = clock.of("correlate", lambda start=start: self._applied(arrivals[start : start + _APPLIED]))  # type: ignore[misc]  # a default argument binds the loop's value
            clock.of("store", lambda batch=batch: self._store.write(batch))  # type: ignore[misc]  # likewise

    def restart(self) -> None:
        """Forgets everything and takes it up from the store, as a process that starts again."""
        self._engine, self._decoder = Engine(self._partitions, PARTITIONS), SharingDecoder()
        for name in ("shared", *map(str, sorted(self._partitions))):
            self._engine.restore(self._store.restore(name), self._decoder)

    def _decoded(self, pages: Sequence[Page]) -> Iterator[Arrival]:
        for partition, deliveries in pages:
            yield from decode_page(partition, deliveries, self._decoder)[0]

    def _applied(self, arrivals: Sequence[Arrival]) -> GraphBatch:
        return self._engine.apply(sorted(arrivals, key=lambda arrival: arrival.event.sort_key))


def pages_of(events: Sequence[RawEvent], clock: Clock) -> list[Page]:
    """The events as the shards would read them."""
    messages = [to_message(event) for event in events]
    raw = [Delivery(message.subject, message.data, place) for place, message in enumerate(messages, 1)]
    clock.of("decode raw", lambda: [decode(delivery.data) for delivery in raw])
    pages: dict[str, list[Delivery]] = {}
    for start in range(0, len(raw), _BATCH):
        outcome = clock.of("transform", lambda start=start: unify(raw[start : start + _BATCH], PARTITIONS))  # type: ignore[misc]  # a default argument binds the loop's value
        for stream, unified in outcome.messages.items():
            name = "shared" if stream == SHARED else stream.rpartition("-")[2]
            page = pages.setdefault(name, [])
            page += [Delivery(one.subject, one.data, len(page) + place) for place, one in enumerate(unified, 1)]
    return list(pages.items())


def costs(objects: int, count: int, profile: cProfile.Profile | None) -> None:
    """Prints microseconds of CPU per raw event and stage."""
    cluster = Cluster(max(1, objects // OBJECTS_PER_WORKLOAD))
    with tempfile.TemporaryDirectory() as folder, closing(SqliteStore(Path(folder) / "graph.sqlite")) as store:
        shards = [Shard(number, store) for number in range(len(SHARDS))]
        loads = (
            ("first sight", cluster.appears()),
            ("declared mix", cluster.updates(count)),
            ("full Pods", cluster.pod_updates(count)),
        )
        for name, events in loads:
            clock = Clock(profile)
            fed = feed(list(events), shards, clock)
            each = ", ".join(f"{stage} {seconds / fed * 1e6:.0f}" for stage, seconds in clock.seconds.items())
            print(f"{objects:>7,} objects, {name:<12}: {each}", flush=True)


def feed(events: Sequence[RawEvent], shards: Sequence[Shard], clock: Clock) -> int:
    """Takes the events through all stages, some thousands at a time; gives back how many there were."""
    for start in range(0, len(events), 4 * _BATCH):
        pages = pages_of(events[start : start + 4 * _BATCH], clock)
        for shard in shards:
            shard.takes(pages, clock)
    return len(events)


def memory(objects: int, count: int) -> None:
    """Prints bytes per live object in one shard that has half the partitions and hears all that is shared."""
    cluster = Cluster(max(1, objects // OBJECTS_PER_WORKLOAD))
    with tempfile.TemporaryDirectory() as folder, closing(SqliteStore(Path(folder) / "graph.sqlite")) as store:
        appeared, updates = list(cluster.appears()), list(cluster.updates(count))
        tracemalloc.start()  # what was made before is no part of what is counted
        shard = Shard(0, store)
        live = feed(appeared, [shard], Clock(None))
        state = _held() / live
        feed(updates, [shard], Clock(None))
        history = _held() / live - state
        shard.restart()
        restored = _held() / live
        tracemalloc.stop()
    print(f"{live:>7,} objects, bytes per live object in one of two shards: {state:,.0f} of current state")
    print(f"        and {history:,.0f} of history, after {count:,} events of the mix")
    print(f"        and {restored:,.0f} of both after a restart")


def _held() -> int:
    """Bytes that are allocated and in use."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--objects", default="1000,10000,100000")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--profile", choices=["correlate"])
    parser.add_argument("--only", choices=["cpu", "memory"])
    chosen = parser.parse_args()
    if chosen.only != "memory":
        all_costs(list(map(int, chosen.objects.split(","))), chosen.events, chosen.profile)
    if chosen.only != "cpu" and not chosen.profile:
        memory(10_000, chosen.events)


def all_costs(sizes: Sequence[int], count: int, profiled: str | None) -> None:
    """Prints the costs at each size, and then, where a stage is to be profiled, what takes its time."""
    profile = cProfile.Profile() if profiled else None
    print("microseconds of CPU per raw event")
    for objects in sizes:
        costs(objects, count, profile)
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
