"""What failed for good and was put aside: listed, and played again or let be once somebody has looked at it.

In: the DLQ stream. Out: the originals, published again where they came from, and a note beside the letter that says so:
nothing is deleted from a stream.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tapio.errors import UnknownTargetError
from tapio.streams import DEAD_LETTERS, Message, Streams
from tapio.streams.dead_letters import DeadLetter, read_dead_letter
from tapio.streams.port import dead_letter_subject
from tapio.streams.reading import everything

_WAIT_S = 10.0  # what is there comes at once, if the server is not too busy
_NOTES = dead_letter_subject("settled")


class Settled(StrEnum):
    """What became of a letter."""

    REPLAYED = "replayed"
    DROPPED = "dropped"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter by its number in the DLQ stream; `settled` is None while nobody has dealt with it."""

    number: int
    letter: DeadLetter
    settled: Settled | None = None


class _Note(msgspec.Struct, frozen=True):
    number: int
    settled: Settled


async def letters(streams: Streams) -> list[Letter]:
    """All letters that the stream still has, oldest first.

    Raises:
        StreamMissingError: no Tapio has used this server.
        UnreachableError: it does not answer.
    """
    found: dict[int, Letter] = {}
    async for delivery in everything(streams, DEAD_LETTERS):
        if delivery.subject != _NOTES:
            found[delivery.sequence] = Letter(number=delivery.sequence, letter=read_dead_letter(delivery))
            continue
        note = msgspec.json.decode(delivery.data, type=_Note)
        if note.number in found:
            found[note.number] = msgspec.structs.replace(found[note.number], settled=note.settled)
    return list(found.values())


def chosen(found: Sequence[Letter], numbers: Sequence[int]) -> list[Letter]:
    """The letters with these numbers.

    Raises:
        UnknownTargetError: one is not there.
    """
    by_number = {letter.number: letter for letter in found}
    missing = [str(number) for number in numbers if number not in by_number]
    if missing:
        near = tuple(str(letter.number) for letter in found if letter.settled is None)[:5]
        raise UnknownTargetError(f"no dead letter has the number {', '.join(missing)}", near=near)
    return [by_number[number] for number in numbers]


async def original(streams: Streams, letter: DeadLetter) -> bytes | None:
    """The message that failed, byte for byte; None where it was too large to be put aside and has left its stream."""
    if not letter.omitted:
        return letter.data
    reader = await streams.follow(letter.stream, letter.sequence - 1)
    try:
        deliveries = await reader.next(1, _WAIT_S)
    finally:
        await reader.close()
    return next((one.data for one in deliveries if one.sequence == letter.sequence), None)


async def replay(streams: Streams, letter: Letter) -> bool:
    """Publishes the original again where it came from, then notes it. False where there is none any more.

    Played twice within the deduplication window it comes once; if it fails again, there is a new letter.
    """
    said = letter.letter
    data = await original(streams, said)
    if data is None:
        return False
    await streams.publish(said.stream, [Message(said.subject, data, f"again-{letter.number}-{said.sequence}")])
    await _note(streams, letter, Settled.REPLAYED)
    return True


async def drop(streams: Streams, letter: Letter) -> None:
    """Notes that nobody wants the letter: it is not listed any more, and leaves with its stream's age."""
    await _note(streams, letter, Settled.DROPPED)


async def _note(streams: Streams, letter: Letter, settled: Settled) -> None:
    note = msgspec.json.encode(_Note(letter.number, settled))
    await streams.publish(DEAD_LETTERS, [Message(_NOTES, note, f"{settled}-{letter.number}")])
