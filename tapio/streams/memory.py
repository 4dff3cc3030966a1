"""Streams in memory: the reference for what every adapter does, and what a pipeline in one process runs on.

Nothing survives the process and nothing expires by age; a reader that is not closed keeps what it was given.
"""

import asyncio
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence

from tapio.streams.checks import check_messages, together
from tapio.streams.dead_letters import dead_letter
from tapio.streams.port import (
    DEAD_LETTERS,
    MAX_DELIVERIES,
    Delivery,
    Message,
    Reader,
    StreamMismatchError,
    StreamMissingError,
    StreamSpec,
)
from tapio.streams.subjects import foreign

Clock = Callable[[], float]

MAX_PAYLOAD = 8 << 20  # bytes, as the embedded server takes them


class _Stream:
    """The messages of one stream; a message's sequence is its place, from 1."""

    def __init__(self, spec: StreamSpec) -> None:
        self.spec = spec
        self.messages: list[Message] = []
        self.pools: dict[str, _Pool] = {}
        self._known: dict[str, float] = {}
        self._changed = asyncio.Event()

    @property
    def last(self) -> int:
        return len(self.messages)

    def store(self, message: Message, now: float) -> None:
        """Keeps the message, unless its id came within the window."""
        seen = self._known.get(message.id)
        if seen is not None and now - seen < self.spec.duplicate_window_s:
            return
        self._known.pop(message.id, None)
        self._known[message.id] = now
        self.messages.append(message)

    def forget_ids(self, now: float) -> None:
        """Lets go of the ids whose window is over; they stand in the order they came."""
        for id_, seen in list(self._known.items()):
            if now - seen < self.spec.duplicate_window_s:
                return
            del self._known[id_]

    def delivery(self, sequence: int, attempt: int = 1) -> Delivery:
        message = self.messages[sequence - 1]
        return Delivery(message.subject, message.data, sequence, attempt)

    def wake_readers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Waits for messages to come, or to come back."""
        await self._changed.wait()


class _Pool:
    """What the readers of one durable share: how far they got, and what came back from those that closed."""

    def __init__(self) -> None:
        self.given = 0
        self.returned: list[int] = []
        self.attempts: dict[int, int] = {}

    @property
    def settled(self) -> int:
        """What was given out is in `attempts` until it is acknowledged."""
        return min(self.attempts, default=self.given + 1) - 1

    def take(self, last: int) -> int | None:
        """The next sequence to deliver, what came back first; None when there is none."""
        if self.returned:
            return self.returned.pop(0)
        if self.given >= last:
            return None
        self.given += 1
        return self.given


class _Reader:
    """What both kinds of reader do: wait, give in order, hold back what is to be tried again."""

    def __init__(self, stream: _Stream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._again: deque[Delivery] = deque()  # taken, and to be given out next
        self._paused_until = 0.0
        self._closed = False

    async def next(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        try:
            async with asyncio.timeout(wait_s):
                while not (batch := self._available(limit)):
                    await self._change()
        except TimeoutError:
            return ()
        return batch

    async def retry(self, deliveries: Sequence[Delivery], delay_s: float) -> None:
        self._again.extendleft(reversed(deliveries))
        self._paused_until = max(self._paused_until, self._clock() + delay_s)

    def _available(self, limit: int) -> list[Delivery]:
        if self._closed or self._clock() < self._paused_until:
            return []
        while len(self._again) < limit and (delivery := self._take()):
            self._again.append(delivery)
        count = together(self._again, min(limit, len(self._again)))
        return [self._again.popleft() for _ in range(count)]

    async def _change(self) -> None:
        pause = self._paused_until - self._clock()
        if pause > 0:
            await asyncio.sleep(pause)
            return
        await self._stream.change()

    def _take(self) -> Delivery | None:
        raise NotImplementedError


class _PoolReader(_Reader):
    def __init__(self, stream: _Stream, clock: Clock, pool: _Pool, dead: "_Burial") -> None:
        super().__init__(stream, clock)
        self._pool = pool
        self._dead = dead
        self._held: set[int] = set()

    async def next(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        batch = await super().next(limit, wait_s)
        worn_out = [delivery for delivery in batch if delivery.attempt > MAX_DELIVERIES]
        for delivery in worn_out:
            await self.dead_letter(delivery, f"{MAX_DELIVERIES} readers stopped without acknowledging it")
        return [delivery for delivery in batch if delivery.attempt <= MAX_DELIVERIES] if worn_out else batch

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._held.discard(delivery.sequence)
            self._pool.attempts.pop(delivery.sequence, None)

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        await self._dead(self._stream.spec.name, delivery, error)
        await self.ack([delivery])

    async def pending(self) -> int:
        return self._stream.last - self._pool.given + len(self._pool.returned) + len(self._again)

    async def close(self) -> None:
        self._closed = True
        for sequence in self._held:
            insort(self._pool.returned, sequence)
        self._held.clear()
        self._stream.wake_readers()

    def _take(self) -> Delivery | None:
        sequence = self._pool.take(self._stream.last)
        if sequence is None:
            return None
        attempt = self._pool.attempts.get(sequence, 0) + 1
        self._pool.attempts[sequence] = attempt
        self._held.add(sequence)
        return self._stream.delivery(sequence, attempt)


class _FollowReader(_Reader):
    def __init__(self, stream: _Stream, clock: Clock, after: int, dead: "_Burial") -> None:
        super().__init__(stream, clock)
        self._given = after
        self._dead = dead

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        pass

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        await self._dead(self._stream.spec.name, delivery, error)

    async def pending(self) -> int:
        return self._stream.last - self._given + len(self._again)

    async def close(self) -> None:
        self._closed = True

    def _take(self) -> Delivery | None:
        if self._given >= self._stream.last:
            return None
        self._given += 1
        return self._stream.delivery(self._given)


class _Burial:
    """Puts dead letters where they belong."""

    def __init__(self, streams: "MemoryStreams") -> None:
        self._streams = streams

    async def __call__(self, stream: str, delivery: Delivery, error: str) -> None:
        await self._streams.publish(DEAD_LETTERS, [dead_letter(stream, delivery, error, MAX_PAYLOAD)])


class MemoryStreams:
    """A server of streams that lives in this process. `clock` gives seconds; only its differences count."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._streams: dict[str, _Stream] = {}

    async def ensure(self, specs: Sequence[StreamSpec]) -> None:
        for spec in specs:
            there = self._streams.setdefault(spec.name, _Stream(spec))
            if there.spec != spec:
                raise StreamMismatchError(f"the stream {spec.name} is there as {there.spec}, wanted {spec}")

    async def publish(self, stream: str, messages: Sequence[Message]) -> None:
        target = self._stream(stream)
        check_messages(messages, MAX_PAYLOAD)
        stray = foreign(target.spec.subjects, (message.subject for message in messages))
        if stray is not None:
            raise StreamMissingError(f"the stream {stream} does not take {stray}")
        now = self._clock()
        target.forget_ids(now)
        for message in messages:
            target.store(message, now)
        target.wake_readers()

    async def pool(self, stream: str, durable: str) -> Reader:
        target = self._stream(stream)
        pool = target.pools.setdefault(durable, _Pool())
        return _PoolReader(target, self._clock, pool, _Burial(self))

    async def follow(self, stream: str, after: int) -> Reader:
        target = self._stream(stream)
        if after > target.last:
            raise StreamMismatchError(f"the stream {stream} ends at {target.last}, before the position {after}")
        return _FollowReader(target, self._clock, after, _Burial(self))

    async def last(self, stream: str) -> int:
        return self._stream(stream).last

    async def settled(self, stream: str, durable: str) -> int:
        pool = self._stream(stream).pools.get(durable)
        return pool.settled if pool else 0

    async def close(self) -> None:
        """Nothing to close: the streams last as long as this object."""

    def _stream(self, name: str) -> _Stream:
        if name not in self._streams:
            raise StreamMissingError(f"the stream {name} is not there", hint="`ensure` creates it")
        return self._streams[name]
