"""Dead letters played again from their own copy, or from the stream they came from where they are too large for one."""

import pytest

from tapio.errors import UnknownTargetError
from tapio.pipeline import dead_letters
from tapio.pipeline.dead_letters import Settled
from tapio.streams import RAW, Message, topology
from tapio.streams.memory import MAX_PAYLOAD, MemoryStreams

LARGE = b"x" * (MAX_PAYLOAD * 7 // 8)  # base64 makes a third more of it


@pytest.fixture
async def streams() -> MemoryStreams:
    memory = MemoryStreams()
    await memory.ensure(topology(1))
    await memory.publish(RAW, [Message("raw.a.b.c", b"small", "s"), Message("raw.a.b.c", LARGE, "l")])
    reader = await memory.pool(RAW, "workers")
    for delivery in await reader.next(2, 0.01):
        await reader.dead_letter(delivery, "no")
    return memory


async def raw_of(streams: MemoryStreams) -> list[bytes]:
    return [one.data for one in await (await streams.follow(RAW, 0)).next(10, 0.01)]


async def test_a_letter_without_its_original_is_played_from_the_stream(streams: MemoryStreams) -> None:
    small, large = await dead_letters.letters(streams)
    assert (small.letter.omitted, large.letter.omitted) == (False, True)
    assert await dead_letters.replay(streams, large)
    assert await raw_of(streams) == [b"small", LARGE, LARGE]


async def test_played_twice_it_comes_once(streams: MemoryStreams) -> None:
    [small, _] = await dead_letters.letters(streams)
    assert await dead_letters.replay(streams, small)
    assert await dead_letters.replay(streams, small)
    assert await raw_of(streams) == [b"small", LARGE, b"small"]


async def test_what_was_dealt_with_says_so(streams: MemoryStreams) -> None:
    [small, large] = await dead_letters.letters(streams)
    await dead_letters.drop(streams, small)
    await dead_letters.replay(streams, large)
    assert [one.settled for one in await dead_letters.letters(streams)] == [Settled.DROPPED, Settled.REPLAYED]


async def test_a_number_that_is_none_names_those_there(streams: MemoryStreams) -> None:
    found = await dead_letters.letters(streams)
    assert dead_letters.chosen(found, [2])[0].letter.omitted
    with pytest.raises(UnknownTargetError) as caught:
        dead_letters.chosen(found, [1, 9])
    assert caught.value.near == ("1", "2")


async def test_nothing_put_aside_is_an_empty_list() -> None:
    memory = MemoryStreams()
    await memory.ensure(topology(1))
    assert await dead_letters.letters(memory) == []
