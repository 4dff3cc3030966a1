"""The second stage: raw events from RAW become unified events on their partitions' streams."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec

from tapio import unified
from tapio.errors import BadEventError
from tapio.pipeline.progress import Progress, newer
from tapio.raw import decode, event_id
from tapio.streams import RAW, Delivery, Message, Reader, Streams, partition_stream
from tapio.streams.port import MessageTooLargeError
from tapio.telemetry import DeadLettered, Telemetry, Transformed
from tapio.transforms import route, transform
from tapio.unified import UnifiedEvent, subject_of

DURABLE = "transform"
_BATCH = 2000  # raw events at most; under light load a batch is whatever has come
_WAIT_S = 5.0  # a reader that has nothing asks again after this


class Unification(msgspec.Struct, frozen=True):
    """What a batch of deliveries came to: messages by stream, and the deliveries that fail for good with the reason."""

    messages: dict[str, list[Message]]
    good: tuple[Delivery, ...]
    bad: tuple[tuple[Delivery, str], ...]
    newest: datetime | None

    @property
    def unified(self) -> int:
        return sum(len(messages) for messages in self.messages.values())


class Transform:
    """One reader of the pool that transforms; any number of them share RAW."""

    def __init__(self, name: str, streams: Streams, partitions: int, telemetry: Telemetry) -> None:
        self._stage = f"transform/{name}"
        self._streams = streams
        self._partitions = partitions
        self._telemetry = telemetry
        self._reader: Reader | None = None
        self._events = 0
        self._newest: datetime | None = None

    async def run(self) -> None:
        """Reads for ever: works on a batch while the one before is being published, never further ahead than that."""
        reader = self._reader = await self._streams.pool(RAW, DURABLE)
        publishing: asyncio.Task[None] | None = None
        try:
            while True:
                deliveries = await reader.next(_BATCH, _WAIT_S)
                started = time.monotonic()
                outcome = unify(deliveries, self._partitions)
                if publishing is not None:
                    await publishing
                publishing = asyncio.create_task(self._hand_on(reader, outcome, started)) if deliveries else None
        finally:
            self._reader = None
            if publishing is not None:
                publishing.cancel()  # what is not acknowledged comes again
                await asyncio.wait([publishing])
            await reader.close()

    async def progress(self) -> Progress:
        pending = await self._reader.pending() if self._reader else 0
        return Progress(stage=self._stage, events=self._events, pending=pending, newest=self._newest)

    async def _hand_on(self, reader: Reader, outcome: Unification, started: float) -> None:
        """Publishes what the deliveries mean, then acknowledges them; those that fail for good are put aside."""
        try:
            await self._publish(outcome)
        except MessageTooLargeError as error:
            await self._hand_on_apart(reader, outcome, error)
            return
        await self._put_aside(reader, outcome.bad)
        await reader.ack(outcome.good)
        self._events += len(outcome.good) + len(outcome.bad)
        self._newest = newer(self._newest, outcome.newest)
        took = time.monotonic() - started
        self._telemetry.tell(
            Transformed(stage=self._stage, raw=len(outcome.good), unified=outcome.unified, took_s=took)
        )

    async def _hand_on_apart(self, reader: Reader, outcome: Unification, error: MessageTooLargeError) -> None:
        """One of them means more than a message can hold: each by itself, so that only that one is put aside."""
        self._events += len(outcome.bad)
        await self._put_aside(reader, outcome.bad)
        if len(outcome.good) == 1:
            self._events += 1
            await self._put_aside(reader, [(outcome.good[0], error.message)])
            return
        for delivery in outcome.good:
            await self._hand_on(reader, unify([delivery], self._partitions), time.monotonic())

    async def _publish(self, outcome: Unification) -> None:
        await asyncio.gather(*(self._streams.publish(name, batch) for name, batch in outcome.messages.items()))

    async def _put_aside(self, reader: Reader, bad: Sequence[tuple[Delivery, str]]) -> None:
        if not bad:
            return
        for delivery, error in bad:
            await reader.dead_letter(delivery, error)
        self._telemetry.tell(DeadLettered(stage=self._stage, messages=len(bad), error=bad[0][1]))


def unify(deliveries: Sequence[Delivery], partitions: int) -> Unification:
    """Decides what becomes of each delivery; publishes nothing."""
    messages: dict[str, list[Message]] = defaultdict(list)
    good: list[Delivery] = []
    bad: list[tuple[Delivery, str]] = []
    newest: datetime | None = None
    for delivery in deliveries:
        try:
            produced = _unified_messages(delivery, partitions)
        except BadEventError as error:
            bad.append((delivery, error.message))
            continue
        good.append(delivery)
        for stream, at, message in produced:
            messages[stream].append(message)
            newest = newer(newest, at)
    return Unification(dict(messages), tuple(good), tuple(bad), newest)


def _unified_messages(delivery: Delivery, partitions: int) -> list[tuple[str, datetime, Message]]:
    raw = decode(delivery.data)
    events = transform(raw, event_id(raw))
    return [_addressed(event, delivery.sequence, partitions) for event in events]


def _addressed(event: UnifiedEvent, raw_sequence: int, partitions: int) -> tuple[str, datetime, Message]:
    partition = route(event, partitions)
    data = unified.encode(msgspec.structs.replace(event, raw_sequence=raw_sequence))
    return partition_stream(partition), event.timestamp, Message(subject_of(event.key, partition), data, event.id)
