"""Raw events become unified ones on their partitions' streams; what fails for good is put aside once."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from benchmarks.workloads import Cluster
from tapio import unified
from tapio.pipeline.collect import to_message
from tapio.pipeline.transform import DURABLE, Transform, unify
from tapio.raw import RawEvent, encode
from tapio.raw.event import raw_json
from tapio.streams import DEAD_LETTERS, RAW, SHARED, Delivery, Message, topology
from tapio.streams.dead_letters import read_dead_letter
from tapio.streams.memory import MAX_PAYLOAD, MemoryStreams
from tapio.telemetry import Telemetry
from tapio.unified import EventName, UnifiedEvent
from tests.waiting import until

PARTITIONS = 2
DONE = "tapio_transformed_raw_total", "tapio_dead_lettered_messages_total"
BAD = Message("raw.kubeapi.pod.modify", b"{not json", "evt-bad")


@pytest.fixture
async def streams() -> MemoryStreams:
    memory = MemoryStreams()
    await memory.ensure(topology(PARTITIONS))
    return memory


async def all_of(streams: MemoryStreams, stream: str) -> Sequence[Delivery]:
    return await (await streams.follow(stream, 0)).next(10_000, 0.01)


async def unified_events(streams: MemoryStreams) -> list[UnifiedEvent]:
    names = [SHARED, *(f"UNIFIED-{number}" for number in range(PARTITIONS))]
    return [unified.decode(delivery.data) for name in names for delivery in await all_of(streams, name)]


async def transform_all(streams: MemoryStreams, messages: Sequence[Message]) -> Telemetry:
    """Runs the stage until nothing is pending or unacknowledged."""
    await streams.publish(RAW, messages)
    telemetry = Telemetry()
    running = asyncio.create_task(Transform("0", streams, PARTITIONS, telemetry).run())
    wanted = len({message.id for message in messages})
    await until(lambda: sum(telemetry.totals[name] for name in DONE) >= wanted)
    await stopped(running)
    return telemetry


async def stopped(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def unknown(event: RawEvent, text: str) -> RawEvent:
    return msgspec.structs.replace(event, type="novelty", data=raw_json(text))


def messages(events: Sequence[RawEvent]) -> list[Message]:
    return [to_message(event) for event in events]


async def test_each_event_is_on_its_partitions_stream_and_says_where_its_raw_event_is(streams: MemoryStreams) -> None:
    cluster = Cluster(1)
    pod, config = cluster.pod(0, 0), cluster.config_map(0)
    await transform_all(streams, messages([pod, config]))
    events = {
        event.event_name: event for event in await unified_events(streams) if event.k8s_context.kind != "PodFacts"
    }
    assert events[EventName.OBJECT_UPDATED].raw_sequence == 1
    assert events[EventName.OBJECT_CHANGED].raw_sequence == 2
    shared = [delivery.subject for delivery in await all_of(streams, SHARED)]
    assert "unified.configmap.team-0.app-0-config.shared" in shared


async def test_bad_events_are_dead_lettered_once_and_the_others_go_on(streams: MemoryStreams) -> None:
    good = messages(list(Cluster(1).updates(20)))
    telemetry = await transform_all(streams, [*good[:10], BAD, *good[10:]])
    (letter,) = [read_dead_letter(delivery) for delivery in await all_of(streams, DEAD_LETTERS)]
    assert (letter.stream, letter.sequence, letter.data) == (RAW, 11, BAD.data)
    assert "not a raw event" in letter.error
    assert telemetry.totals["tapio_transformed_raw_total"] == 20
    assert telemetry.totals["tapio_dead_lettered_messages_total"] == 1


async def test_an_event_that_means_more_than_a_message_holds_is_put_aside_alone(streams: MemoryStreams) -> None:
    cluster = Cluster(1)
    good = [cluster.pod(0, 0), cluster.pod(0, 1)]
    # Unknown records are kept whole, so one that just fits as a raw event does not as a unified one.
    room = MAX_PAYLOAD - len(encode(unknown(good[0], ""))) - len("evt-") - 20
    large = unknown(good[0], "x" * room)
    telemetry = await transform_all(streams, messages([good[0], large, good[1]]))
    (letter,) = [read_dead_letter(delivery) for delivery in await all_of(streams, DEAD_LETTERS)]
    assert letter.sequence == 2
    assert telemetry.totals["tapio_transformed_raw_total"] == 2


async def test_two_readers_share_the_work_and_double_nothing(streams: MemoryStreams) -> None:
    events = messages(list(Cluster(5).updates(400)))
    await streams.publish(RAW, events)
    telemetry = Telemetry()
    running = [asyncio.create_task(Transform(str(n), streams, PARTITIONS, telemetry).run()) for n in range(2)]
    await until(lambda: telemetry.totals["tapio_transformed_raw_total"] >= len(events))
    await stopped(*running)
    ids = [event.id for event in await unified_events(streams)]
    assert len(ids) == len(set(ids))


async def test_what_a_cancelled_reader_held_comes_to_the_next_one(streams: MemoryStreams) -> None:
    await streams.publish(RAW, messages(list(Cluster(1).updates(5))))
    reader = await streams.pool(RAW, DURABLE)
    assert len(await reader.next(10, 0.01)) == 5  # given, never acknowledged
    await reader.close()
    telemetry = Telemetry()
    running = asyncio.create_task(Transform("1", streams, PARTITIONS, telemetry).run())
    await until(lambda: telemetry.totals["tapio_transformed_raw_total"] >= 5)
    await stopped(running)


def test_the_same_delivery_means_the_same_messages() -> None:
    message = to_message(Cluster(1).pod(0, 0))
    delivery = Delivery(message.subject, message.data, 7)
    assert unify([delivery], PARTITIONS) == unify([delivery], PARTITIONS)
