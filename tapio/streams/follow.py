"""Following a stream alone, in order, from a position that the reader's own store keeps."""

from collections.abc import Sequence

from tapio.streams.api import ConsumerConfig, create_consumer, delete_consumer, nanoseconds, stream_info
from tapio.streams.link import Link
from tapio.streams.port import Delivery, StreamMismatchError
from tapio.streams.pulling import delivery_of, place_of
from tapio.streams.reader import AttachedReader, Bury
from tapio.streams.wire import Arrival

_FORGOTTEN_AFTER_S = 60  # the server deletes a follower's consumer when nobody asks it anything


class FollowReader(AttachedReader):
    """Reads alone and in order; whenever the consumer is lost or skips, another one goes on where this one was."""

    def __init__(self, link: Link, stream: str, after: int, bury: Bury) -> None:
        super().__init__(link, stream, bury)
        self._last = after
        self._delivered = 0
        self._consumer = ""

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        pass

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        await self._bury(self._stream, delivery, error)

    async def pending(self) -> int:
        state = (await stream_info(self._link, self._stream)).state
        missing = state.last_seq - max(self._last, state.first_seq - 1)
        return missing + len(self._ready)

    async def _let_go(self) -> None:
        await delete_consumer(self._link, self._stream, self._consumer)

    async def _attach(self) -> str:
        end = (await stream_info(self._link, self._stream)).state.last_seq
        if end < self._last:
            raise StreamMismatchError(
                f"the stream {self._stream} ends at {end}, before the position {self._last} it was read to",
                hint="the stream and the store that keeps the position are not of the same data",
            )
        self._consumer = f"follow-{self._link.token()}"
        self._delivered = 0
        await create_consumer(self._link, self._stream, self._config())
        return self._consumer

    def _config(self) -> ConsumerConfig:
        return ConsumerConfig(
            name=self._consumer,
            ack_policy="none",
            deliver_policy="by_start_sequence",
            opt_start_seq=self._last + 1,
            inactive_threshold=nanoseconds(_FORGOTTEN_AFTER_S),
            num_replicas=1,
            mem_storage=True,
        )

    def _on_delivery(self, arrival: Arrival) -> None:
        place = place_of(arrival.reply)
        if place.delivered != self._delivered + 1 or place.sequence <= self._last:
            self._skipped(place.delivered)
            return
        self._delivered = place.delivered
        self._last = place.sequence
        self._give(delivery_of(arrival, place))

    def _skipped(self, delivered: int) -> None:
        if self._pull is not None:
            self._pull.lose(f"delivery {delivered} came after {self._delivered}")
