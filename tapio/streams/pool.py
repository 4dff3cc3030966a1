"""Sharing a durable consumer: each message goes to one reader and is acknowledged by itself."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

from tapio.streams.api import ConsumerConfig, consumer_info, create_consumer, nanoseconds
from tapio.streams.checks import together
from tapio.streams.link import AwayError, Link
from tapio.streams.port import MAX_DELIVERIES, Delivery
from tapio.streams.pulling import delivery_of, place_of
from tapio.streams.reader import AttachedReader, Bury
from tapio.streams.wire import Arrival, parcel

_MAX_ACK_PENDING = 20_000  # twenty readers with all their room full; the server's default would stall the second one
_IN_PROGRESS = b"+WPI"
_AGAIN = b"-NAK"
_DONE_FOR_GOOD = b"+TERM"


class PoolReader(AttachedReader):
    """One of the readers of a durable consumer.

    While it lives it extends what it holds, so the server counts a delivery only against readers that died.
    `redelivery_s` is how long the server waits for a sign of life, first, second, ... time.
    """

    def __init__(self, link: Link, stream: str, durable: str, bury: Bury, redelivery_s: Sequence[float]) -> None:
        super().__init__(link, stream, bury)
        self._config = ConsumerConfig(
            name=durable,
            durable_name=durable,
            ack_policy="explicit",
            backoff=tuple(nanoseconds(wait_s) for wait_s in redelivery_s),
            max_deliver=-1,  # the server would drop the message silently: whoever gets it once more buries it
            max_ack_pending=_MAX_ACK_PENDING,
        )
        self._extend_every_s = redelivery_s[0] * 0.3  # signs come when 0.3 to 0.6 of the shortest wait are over
        self._held: dict[int, str] = {}
        self._worn_out: list[Delivery] = []
        self._extending: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await super().open()
        self._extending = asyncio.create_task(self._extend_held())

    async def next(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        batch = await super().next(limit, wait_s)
        while self._worn_out:
            await self.dead_letter(self._worn_out.pop(), f"{MAX_DELIVERIES} readers stopped without acknowledging it")
        return batch

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        await self._answer(deliveries, b"")

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        await self._bury(self._stream, delivery, error)
        await self._answer([delivery], _DONE_FOR_GOOD)

    async def pending(self) -> int:
        info = await consumer_info(self._link, self._stream, self._config.name)
        return info.num_pending + len(self._ready)

    async def close(self) -> None:
        if self._extending is not None:
            self._extending.cancel()
        await super().close()

    async def _let_go(self) -> None:
        await self._link.send(_answers(self._held.values(), _AGAIN))
        self._held.clear()
        await self._link.flush()

    def _take(self, limit: int) -> list[Delivery]:
        return super()._take(together(self._ready, limit))

    async def _attach(self) -> str:
        await create_consumer(self._link, self._stream, self._config)
        return self._config.name

    def _on_delivery(self, arrival: Arrival) -> None:
        delivery = delivery_of(arrival, place_of(arrival.reply))
        is_here = delivery.sequence in self._held
        self._held[delivery.sequence] = delivery.token
        if is_here:
            return
        if delivery.attempt > MAX_DELIVERIES:
            self._worn_out.append(delivery)
            self._arrived.set()
            return
        self._give(delivery)

    def _may_give(self) -> bool:
        return bool(self._worn_out) or super()._may_give()

    async def _answer(self, deliveries: Sequence[Delivery], answer: bytes) -> None:
        """An answer that does not arrive is no loss: the message comes once more."""
        tokens = [self._held.pop(delivery.sequence, delivery.token) for delivery in deliveries]
        with contextlib.suppress(AwayError):
            await self._link.send(_answers(tokens, answer))

    async def _extend_held(self) -> None:
        """Tells the server that what was held a tick ago and still is, is being worked on."""
        before: list[int] = []
        while True:
            await asyncio.sleep(self._extend_every_s)
            still_held = [self._held[sequence] for sequence in before if sequence in self._held]
            with contextlib.suppress(AwayError):
                await self._link.send(_answers(still_held, _IN_PROGRESS))
            before = list(self._held)


def _answers(tokens: Iterable[str], answer: bytes) -> bytes:
    return b"".join(parcel(token, answer) for token in tokens)
