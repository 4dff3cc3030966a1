"""Publishing in atomic batches: all of a batch is stored, or nothing of it, with one sync to disk; a few go singly.

Source of the protocol: NATS' ADR-50, by headers, as nats-py has no call for it.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tapio.errors import TapioError
from tapio.streams.api import DUPLICATE_IN_BATCH, WRONG_STREAM, ApiError
from tapio.streams.link import AwayError, Link
from tapio.streams.port import Message, StreamMissingError
from tapio.streams.wire import Arrival, parcel

BATCH_MESSAGES = 1_000  # the server's own limit
# The server stages an atomic batch in files of its own, at 2.5 ms of its CPU: as much as twelve messages published
# singly cost, each with a sync of its own (benchmarks/README.md). On a disk that syncs slowly fewer are worth it.
_FEW_MESSAGES = 8
_WRITE_MESSAGES = 100
_BATCH_BYTES = 8 << 20  # the server stages a batch in memory; one larger message is a batch of its own

_PERMANENT = frozenset({10054, 10174})  # larger than the stream takes; atomic batches switched off: see errors.json


class _Stored(msgspec.Struct, frozen=True):
    """The server's answer to a publish."""

    seq: int = 0
    error: ApiError | None = None


_stored = msgspec.json.Decoder(_Stored)


def batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """The messages in order, an id's first occurrence alone, in pieces that the server takes at once."""
    batch: list[Message] = []
    size = 0
    for message in _first_of_each_id(messages):
        if batch and (len(batch) == BATCH_MESSAGES or size + len(message.data) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.data)
    if batch:
        yield batch


def _first_of_each_id(messages: Sequence[Message]) -> Iterable[Message]:
    first: dict[str, Message] = {}
    for message in messages:
        first.setdefault(message.id, message)
    return first.values()


async def publish_batch(link: Link, stream: str, batch: Sequence[Message]) -> None:
    """Returns when the whole batch is durable.

    Raises:
        AwayError: unknown whether it is; the same batch may be published again.
        TapioError: the server will never take it.
    """
    if len(batch) <= _FEW_MESSAGES:
        await publish_singly(link, stream, batch)
        return
    error = await publish_atomically(link, stream, batch)
    if error is None:
        return
    if error.err_code != DUPLICATE_IN_BATCH:
        raise _refusal(stream, batch[-1], error)
    await publish_singly(link, stream, batch)


async def publish_atomically(link: Link, stream: str, batch: Sequence[Message]) -> ApiError | None:
    """All or nothing, with one answer; an id that is stored already is nothing."""
    token = link.token().encode()
    for start in range(0, len(batch) - 1, _WRITE_MESSAGES):
        part = batch[start : min(start + _WRITE_MESSAGES, len(batch) - 1)]
        await link.send(b"".join(_parcel(token, place, message) for place, message in enumerate(part, start + 1)))
        await asyncio.sleep(0)  # lets the connection write, so that the server works on these meanwhile
    last = batch[-1]
    commit = b"Nats-Batch-Commit: 1\r\nNats-Expected-Stream: %b\r\n" % stream.encode()
    answer = await link.request(last.subject, last.data, _headers(token, len(batch), last) + commit)
    return _stored.decode(answer.data).error


def _parcel(token: bytes, place: int, message: Message) -> bytes:
    return parcel(message.subject, message.data, _headers(token, place, message))


def _headers(token: bytes, place: int, message: Message) -> bytes:
    id_ = message.id.encode()
    return b"Nats-Batch-Id: %b\r\nNats-Batch-Sequence: %d\r\nNats-Msg-Id: %b\r\n" % (token, place, id_)


async def publish_singly(link: Link, stream: str, batch: Sequence[Message]) -> None:
    """All at once, each with an answer of its own: one connection and one stream keep their order."""
    awaited: list[asyncio.Future[Arrival]] = []
    try:
        for message in batch:
            reply, answer = link.expect()
            awaited.append(answer)
            headers = b"Nats-Msg-Id: %b\r\nNats-Expected-Stream: %b\r\n" % (message.id.encode(), stream.encode())
            await link.send(parcel(message.subject, message.data, headers, reply))
            if answer.done():
                answer.result()  # the connection broke and came back meanwhile: the next would overtake this one
        for message, answer in zip(batch, awaited, strict=True):
            _check(stream, message, await link.answer(answer))
    finally:
        for answer in awaited:
            answer.cancel()


def _check(stream: str, message: Message, answer: Arrival) -> None:
    error = _stored.decode(answer.data).error
    if error is not None:
        raise _refusal(stream, message, error)


def _refusal(stream: str, message: Message, error: ApiError) -> Exception:
    if error.err_code == WRONG_STREAM:
        return StreamMissingError(f"the stream {stream} does not take {message.subject}")
    if error.err_code in _PERMANENT:
        return TapioError(f"the stream {stream} refuses the messages: {error.description}")
    return AwayError(f"the stream {stream} does not take messages now: {error.description}")
