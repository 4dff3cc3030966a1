"""What every implementation of `Streams` does. One that is not Tapio's own is tested by adding it to `streams`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tapio.streams import (
    ALONE_AFTER,
    DEAD_LETTERS,
    MAX_DELIVERIES,
    BadSubjectError,
    Delivery,
    Message,
    MessageTooLargeError,
    Reader,
    StreamMismatchError,
    StreamMissingError,
    Streams,
    StreamSpec,
    topology,
)
from tapio.streams.dead_letters import read_dead_letter
from tapio.streams.memory import MemoryStreams
from tapio.streams.reading import everything
from tapio.testing.nats import jetstreams, nats_server
from tests.waiting import until

STREAM = "ORDERS"
SPEC = StreamSpec(name=STREAM, subjects=("orders.>",))
DEAD = StreamSpec(name=DEAD_LETTERS, subjects=("dlq.>",))
SOON_S = 60  # nothing waits as long where all is well


@pytest.fixture(params=["memory", "nats"])
async def streams(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Streams]:
    if request.param == "memory":
        made: Streams = MemoryStreams()
        await made.ensure([SPEC, DEAD])
        yield made
        return
    async with nats_server(tmp_path / "nats") as server, jetstreams(server.url) as connected:
        await connected.ensure([SPEC, DEAD])
        yield connected


def order(n: int, id_: str = "") -> Message:
    return Message(f"orders.{n % 3}", f"order {n}".encode(), id_ or f"id-{n}")


def orders(first: int, last: int) -> list[Message]:
    return [order(n) for n in range(first, last + 1)]


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.data.decode() for delivery in deliveries]


async def take(reader: Reader, count: int, *, ack: bool = True) -> list[Delivery]:
    """Exactly `count` messages, and no more are there."""
    taken: list[Delivery] = []
    while len(taken) < count:
        batch = await reader.next(count - len(taken), SOON_S)
        assert batch, f"only {len(taken)} of {count} came"
        taken += batch
        if ack:
            await reader.ack(batch)
    return taken


async def nothing(reader: Reader) -> None:
    assert texts(await reader.next(10, 0.1)) == []


# --- Streams ---------------------------------------------------------------------------------------------------------


async def test_a_whole_deployments_streams_are_created_once(streams: Streams) -> None:
    await streams.ensure(topology(4)[:-1])
    await streams.ensure(topology(4)[:-1])


async def test_a_stream_with_other_subjects_is_an_error_that_names_it(streams: Streams) -> None:
    with pytest.raises(StreamMismatchError, match=r"ORDERS.*orders"):
        await streams.ensure([StreamSpec(name=STREAM, subjects=("other.>",))])


async def test_a_stream_with_other_limits_is_an_error_that_names_it(streams: Streams) -> None:
    with pytest.raises(StreamMismatchError, match=r"ORDERS.*duplicate_window"):
        await streams.ensure([StreamSpec(name=STREAM, subjects=("orders.>",), duplicate_window_s=60)])


async def test_a_stream_that_is_not_there_is_an_error_that_names_it(streams: Streams) -> None:
    with pytest.raises(StreamMissingError, match="NOWHERE"):
        await streams.publish("NOWHERE", [Message("nowhere.at.all", b"", "1")])
    with pytest.raises(StreamMissingError, match="NOWHERE"):
        await streams.pool("NOWHERE", "workers")
    with pytest.raises(StreamMissingError, match="NOWHERE"):
        await streams.follow("NOWHERE", 0)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_subject_that_the_stream_does_not_take_is_an_error_that_names_it(streams: Streams, count: int) -> None:
    stray = Message("dlq.elsewhere", b"", "stray")
    with pytest.raises(StreamMissingError, match=r"dlq\.elsewhere"):
        await streams.publish(STREAM, [*orders(1, count - 1), stray])


# --- Publishing ------------------------------------------------------------------------------------------------------


async def test_messages_come_in_the_order_they_were_published(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 5))
    await streams.publish(STREAM, [order(6)])
    await streams.publish(STREAM, orders(7, 9))
    taken = await take(await streams.follow(STREAM, 0), 9)
    assert texts(taken) == [f"order {n}" for n in range(1, 10)]
    assert [delivery.subject for delivery in taken] == [f"orders.{n % 3}" for n in range(1, 10)]
    assert [delivery.sequence for delivery in taken] == list(range(1, 10))


async def test_everything_is_what_a_stream_has_now(streams: Streams) -> None:
    assert [delivery async for delivery in everything(streams, STREAM)] == []
    await streams.publish(STREAM, orders(1, 1_200))
    assert texts([delivery async for delivery in everything(streams, STREAM)]) == [
        f"order {n}" for n in range(1, 1_201)
    ]
    with pytest.raises(StreamMissingError, match="NOWHERE"):
        await anext(everything(streams, "NOWHERE"))


async def test_publishing_nothing_publishes_nothing(streams: Streams) -> None:
    await streams.publish(STREAM, [])
    await nothing(await streams.follow(STREAM, 0))


async def test_any_bytes_go_through_unchanged(streams: Streams) -> None:
    data = [b"", b"\r\n", bytes(range(256)), b"x" * 2_000_000]
    await streams.publish(STREAM, [Message("orders.bytes", each, f"bytes-{n}") for n, each in enumerate(data)])
    assert [each.data for each in await take(await streams.follow(STREAM, 0), len(data))] == data


@pytest.mark.parametrize("many", [3, 30])  # a few go singly, many in a batch
async def test_an_id_once_seen_is_not_stored_again(streams: Streams, many: int) -> None:
    for _ in range(2):
        await streams.publish(STREAM, [order(1)])
    await streams.publish(STREAM, orders(1, many))
    await streams.publish(STREAM, orders(2, many + 2))
    reader = await streams.follow(STREAM, 0)
    assert texts(await take(reader, many + 2)) == [f"order {n}" for n in range(1, many + 3)]
    await nothing(reader)


async def test_an_id_twice_in_one_call_is_stored_once_where_it_came_first(streams: Streams) -> None:
    await streams.publish(STREAM, [order(1), order(2), order(1), order(3)])
    reader = await streams.follow(STREAM, 0)
    assert texts(await take(reader, 3)) == ["order 1", "order 2", "order 3"]
    await nothing(reader)


async def test_more_than_a_batch_is_stored_whole_and_in_order(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 2_500))
    await streams.publish(STREAM, orders(1, 2_501))
    reader = await streams.follow(STREAM, 0)
    assert texts(await take(reader, 2_501)) == [f"order {n}" for n in range(1, 2_502)]
    await nothing(reader)


async def test_a_message_too_large_is_an_error_with_its_subject_and_size_and_nothing_is_published(
    streams: Streams,
) -> None:
    large = Message("orders.large", b"x" * (9 << 20), "large")
    with pytest.raises(MessageTooLargeError, match=r"orders\.large has 9437184 bytes") as raised:
        await streams.publish(STREAM, [order(1), large])
    assert raised.value.id == "large"
    await nothing(await streams.follow(STREAM, 0))


@pytest.mark.parametrize("subject", ["", "orders.", "orders..a", "orders.a b", "orders.a\r\nPUB x", "orders.*"])
async def test_a_subject_that_is_none_is_an_error_with_its_id(streams: Streams, subject: str) -> None:
    with pytest.raises(BadSubjectError, match=r"orders|''"):
        await streams.publish(STREAM, [order(1), Message(subject, b"", "bad")])
    await nothing(await streams.follow(STREAM, 0))


@pytest.mark.parametrize("id_", ["", "two words", "line\r\nend"])
async def test_an_id_that_is_none_is_an_error(streams: Streams, id_: str) -> None:
    with pytest.raises(BadSubjectError) as raised:
        await streams.publish(STREAM, [Message("orders.1", b"", id_)])
    assert raised.value.id == id_


async def test_publishers_at_once_do_not_disturb_each_other(streams: Streams) -> None:
    await asyncio.gather(*(streams.publish(STREAM, orders(n * 500, n * 500 + 499)) for n in range(4)))
    taken = await take(await streams.follow(STREAM, 0), 2_000)
    assert {each.data for each in taken} == {each.data for each in orders(0, 1_999)}


# --- Sharing ---------------------------------------------------------------------------------------------------------


async def test_a_pool_gives_each_message_once_and_in_order(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 1_700))
    reader = await streams.pool(STREAM, "workers")
    taken = await take(reader, 1_700)
    assert texts(taken) == [f"order {n}" for n in range(1, 1_701)]
    assert {delivery.attempt for delivery in taken} == {1}
    await nothing(reader)


async def test_next_gives_no_more_than_asked(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 5))
    reader = await streams.pool(STREAM, "workers")
    sizes: list[int] = []
    while sum(sizes) < 5:  # messages travel one by one: what has come is given, however few they are
        batch = await reader.next(2, SOON_S)
        assert 1 <= len(batch) <= 2
        sizes.append(len(batch))
    assert sum(sizes) == 5


async def test_next_gives_what_comes_while_it_waits(streams: Streams) -> None:
    reader = await streams.pool(STREAM, "workers")
    waiting = asyncio.create_task(reader.next(10, SOON_S))
    await asyncio.sleep(0)
    await streams.publish(STREAM, [order(1)])
    assert texts(await waiting) == ["order 1"]


async def test_readers_of_a_pool_share_and_another_pool_gets_all(streams: Streams) -> None:
    ours = [await streams.pool(STREAM, "workers") for _ in range(2)]
    other = await streams.pool(STREAM, "auditors")
    await streams.publish(STREAM, orders(1, 40))
    shared: list[str] = []
    while len(shared) < 40:
        for reader in ours:
            batch = await reader.next(5, 0.05)
            await reader.ack(batch)
            shared += texts(batch)
    assert sorted(shared) == sorted(f"order {n}" for n in range(1, 41))
    assert len(await take(other, 40)) == 40


async def test_what_was_acknowledged_does_not_come_again_and_the_rest_does(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 4))
    first = await streams.pool(STREAM, "workers")
    taken = await take(first, 4, ack=False)
    await first.ack([taken[0], taken[2]])
    await first.close()
    second = await streams.pool(STREAM, "workers")
    again = await take(second, 2)
    assert sorted(texts(again)) == ["order 2", "order 4"]
    assert [delivery.attempt for delivery in again] == [2, 2]
    await nothing(second)


async def test_a_closed_readers_messages_go_to_one_that_waits(streams: Streams) -> None:
    first = await streams.pool(STREAM, "workers")
    await streams.publish(STREAM, [order(1)])
    await take(first, 1, ack=False)
    second = await streams.pool(STREAM, "workers")
    waiting = asyncio.create_task(take(second, 1))
    await first.close()
    assert texts(await waiting) == ["order 1"]


async def test_a_retry_comes_again_first_and_counts_no_delivery(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 3))
    reader = await streams.pool(STREAM, "workers")
    for _ in range(ALONE_AFTER + 2):
        taken = await take(reader, 2, ack=False)
        assert texts(taken) == ["order 1", "order 2"]
        assert [delivery.attempt for delivery in taken] == [1, 1]
        await reader.retry(taken, 0.01)
    assert texts(await take(reader, 3)) == ["order 1", "order 2", "order 3"]


async def test_a_retry_pauses_the_reader(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 3))
    reader = await streams.pool(STREAM, "workers")
    await reader.retry(await take(reader, 1, ack=False), 60)
    await nothing(reader)


async def test_pending_counts_what_the_reader_was_not_given(streams: Streams) -> None:
    async def pends(reader: Reader, count: int) -> None:
        await until(lambda: pending(reader, count), every_s=0.01, within_s=SOON_S)  # what is on its way counts later

    async def pending(reader: Reader, count: int) -> bool:
        return await reader.pending() == count

    await streams.publish(STREAM, orders(1, 1_500))
    pool = await streams.pool(STREAM, "workers")
    follower = await streams.follow(STREAM, 500)
    for reader, before in ((pool, 1_500), (follower, 1_000)):
        await take(reader, 200)
        await pends(reader, before - 200)
        await take(reader, before - 200)
        await pends(reader, 0)


async def test_last_is_the_newest_sequence(streams: Streams) -> None:
    assert await streams.last(STREAM) == 0
    await streams.publish(STREAM, [*orders(1, 3), order(2)])
    assert await streams.last(STREAM) == 3
    with pytest.raises(StreamMissingError, match="NOWHERE"):
        await streams.last("NOWHERE")


async def test_settled_ends_before_the_first_message_that_is_not_done(streams: Streams) -> None:
    async def settles(at: int) -> None:
        await until(lambda: settled_at(at), every_s=0.01, within_s=SOON_S)  # an acknowledgement travels

    async def settled_at(sequence: int) -> bool:
        return await streams.settled(STREAM, "workers") == sequence

    await streams.publish(STREAM, orders(1, 4))
    await settles(0)
    reader = await streams.pool(STREAM, "workers")
    one, two, three = await take(reader, 3, ack=False)
    await reader.ack([one, three])
    await settles(1)
    await reader.dead_letter(two, "no such dish")
    await settles(3)
    await reader.retry(await take(reader, 1, ack=False), 0)
    await settles(3)
    await take(reader, 1)
    await settles(4)


# --- Dead letters ----------------------------------------------------------------------------------------------------


async def test_a_dead_letter_holds_the_original_and_the_error_exactly_once(streams: Streams) -> None:
    data = bytes(range(256))
    await streams.publish(STREAM, [Message("orders.poison", data, "poison"), order(2)])
    reader = await streams.pool(STREAM, "workers")
    poison, good = await take(reader, 2, ack=False)
    for _ in range(2):
        await reader.dead_letter(poison, "no such dish")
    await reader.ack([good])
    await reader.close()
    await nothing(await streams.pool(STREAM, "workers"))

    dead = await streams.follow(DEAD_LETTERS, 0)
    [delivery] = await take(dead, 1)
    letter = read_dead_letter(delivery)
    assert delivery.subject == "dlq.ORDERS"
    assert (letter.stream, letter.subject, letter.sequence) == (STREAM, "orders.poison", 1)
    assert (letter.data, letter.error, letter.omitted) == (data, "no such dish", False)
    await nothing(dead)


async def test_a_follower_puts_aside_too(streams: Streams) -> None:
    await streams.publish(STREAM, [order(1)])
    reader = await streams.follow(STREAM, 0)
    [poison] = await take(reader, 1)
    await reader.dead_letter(poison, "unreadable")
    [delivery] = await take(await streams.follow(DEAD_LETTERS, 0), 1)
    assert read_dead_letter(delivery).data == b"order 1"


async def test_an_original_too_large_for_a_dead_letter_is_named_by_its_place(streams: Streams) -> None:
    await streams.publish(STREAM, [Message("orders.large", b"x" * 7_000_000, "large")])
    reader = await streams.pool(STREAM, "workers")
    [large] = await take(reader, 1, ack=False)
    await reader.dead_letter(large, "too much")
    [delivery] = await take(await streams.follow(DEAD_LETTERS, 0), 1)
    letter = read_dead_letter(delivery)
    assert (letter.omitted, letter.data, letter.sequence) == (True, b"", 1)


async def test_a_message_that_outlives_too_many_readers_is_put_aside(streams: Streams) -> None:
    await streams.publish(STREAM, [order(1)])
    for attempt in range(1, MAX_DELIVERIES + 1):
        reader = await streams.pool(STREAM, "workers")
        [delivery] = await take(reader, 1, ack=False)
        assert delivery.attempt == attempt
        await reader.close()
    last = await streams.pool(STREAM, "workers")
    assert await last.next(1, SOON_S) == []
    [letter] = await take(await streams.follow(DEAD_LETTERS, 0), 1)
    assert "readers stopped" in read_dead_letter(letter).error
    await nothing(last)


async def test_messages_that_outlived_some_readers_come_alone(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 3))
    for _ in range(ALONE_AFTER):
        reader = await streams.pool(STREAM, "workers")
        await take(reader, 3, ack=False)
        await reader.close()
    await streams.publish(STREAM, orders(4, 5))
    reader = await streams.pool(STREAM, "workers")
    sizes: list[int] = []
    while sum(sizes) < 5:
        batch = await reader.next(10, SOON_S)
        assert len(batch) == 1 or all(delivery.attempt == 1 for delivery in batch)
        await reader.ack(batch)
        sizes.append(len(batch))
    await nothing(reader)


# --- Following -------------------------------------------------------------------------------------------------------


async def test_following_starts_after_a_position(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 10))
    taken = await take(await streams.follow(STREAM, 7), 3)
    assert [delivery.sequence for delivery in taken] == [8, 9, 10]


async def test_followers_do_not_share(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 3))
    for _ in range(2):
        assert len(await take(await streams.follow(STREAM, 0), 3)) == 3


async def test_following_while_others_publish_misses_nothing(streams: Streams) -> None:
    reader = await streams.follow(STREAM, 0)

    async def publish() -> None:
        for n in range(0, 3_000, 250):
            await streams.publish(STREAM, orders(n, n + 249))

    publishing = asyncio.create_task(publish())
    taken = await take(reader, 3_000)
    await publishing
    assert texts(taken) == [f"order {n}" for n in range(3_000)]


async def test_what_a_follower_retries_comes_again_in_its_place(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 4))
    reader = await streams.follow(STREAM, 0)
    taken = await take(reader, 2)
    await reader.retry(taken, 0.01)
    assert texts(await take(reader, 4)) == [f"order {n}" for n in range(1, 5)]


async def test_a_position_beyond_the_streams_end_belongs_to_another_stream(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 3))
    await streams.follow(STREAM, 3)
    with pytest.raises(StreamMismatchError, match="ends at 3, before the position 4"):
        await streams.follow(STREAM, 4)


async def test_a_reader_may_be_closed_twice_and_gives_nothing_afterwards(streams: Streams) -> None:
    await streams.publish(STREAM, orders(1, 3))
    for reader in (await streams.follow(STREAM, 0), await streams.pool(STREAM, "workers")):
        await take(reader, 1, ack=False)
        await reader.close()
        await reader.close()
        await nothing(reader)
