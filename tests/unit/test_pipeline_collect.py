"""A collector's events become durable in RAW, each once, and what cannot be kept is declared."""

from collections.abc import Sequence

import msgspec
import pytest

from benchmarks.workloads import Cluster
from tapio.collectors.port import Emit, SourceState
from tapio.pipeline.collect import Collect
from tapio.raw import RawEvent, decode, event_id
from tapio.raw.event import raw_json
from tapio.streams import RAW, Delivery, topology
from tapio.streams.memory import MAX_PAYLOAD, MemoryStreams
from tapio.telemetry import Telemetry


class Listed:
    """A source that says what it was given, then ends."""

    def __init__(self, *batches: Sequence[RawEvent]) -> None:
        self._batches = batches

    async def run(self, emit: Emit) -> None:
        for batch in self._batches:
            await emit(batch)


@pytest.fixture
async def streams() -> MemoryStreams:
    memory = MemoryStreams()
    await memory.ensure(topology(2))
    return memory


async def raw(streams: MemoryStreams) -> Sequence[Delivery]:
    return await (await streams.follow(RAW, 0)).next(1000, 0.01)


async def test_events_travel_on_the_subject_of_their_type(streams: MemoryStreams) -> None:
    pod = Cluster(1).pod(0, 0)
    await Collect("kubeapi", Listed([pod]), streams, Telemetry()).run()
    (delivery,) = await raw(streams)
    assert delivery.subject == "raw.kubeapi.pod.modify"
    assert decode(delivery.data) == pod


async def test_an_event_emitted_twice_is_there_once(streams: MemoryStreams) -> None:
    pod = Cluster(1).pod(0, 0)
    await Collect("kubeapi", Listed([pod], [pod]), streams, Telemetry()).run()
    assert len(await raw(streams)) == 1


async def test_what_a_source_suffers_and_gets_over_is_told_once(streams: MemoryStreams) -> None:
    telemetry, now = Telemetry(), SourceState({"refused": 2}, "500 etcd is away", "Pod not heard since noon")
    collect = Collect("kubeapi", Listed(), streams, telemetry, lambda: now)
    assert (await collect.progress()).suffers == "Pod not heard since noon"
    await collect.progress()
    assert telemetry.totals["tapio_troubled_times_total"] == 2
    now = SourceState({"refused": 3})
    assert not (await collect.progress()).suffers
    assert telemetry.totals["tapio_troubled_times_total"] == 3


async def test_an_oversized_event_becomes_a_declared_loss_and_the_others_go_on(streams: MemoryStreams) -> None:
    cluster, telemetry = Cluster(1), Telemetry()
    small, other = cluster.pod(0, 0), cluster.pod(0, 1)
    large = msgspec.structs.replace(cluster.config_map(0), data=raw_json("x" * MAX_PAYLOAD))
    await Collect("kubeapi", Listed([small, large, other]), streams, telemetry).run()
    first, loss, last = [decode(delivery.data) for delivery in await raw(streams)]
    assert (first, last) == (small, other)
    assert loss.type == "loss"
    said = msgspec.json.decode(loss.data)
    assert (said["cause"], said["count"], said["event_id"]) == ("oversized", 1, event_id(large))
    assert said["object"] == "ConfigMap/team-0/app-0-config"
    assert telemetry.totals["tapio_loss_declared_lost_total"] == 1


async def test_progress_counts_and_knows_the_newest_event(streams: MemoryStreams) -> None:
    cluster, telemetry = Cluster(2), Telemetry()
    events = list(cluster.updates(20))
    collect = Collect("kubeapi", Listed(events[10:], [], events[:10]), streams, telemetry)
    await collect.run()
    progress = await collect.progress()
    assert (progress.events, progress.newest) == (20, events[-1].timestamp)
    assert telemetry.totals["tapio_collected_events_total"] == 20
