"""What all readers of JetStream do: stay attached to a consumer, wait, hold back what is to be tried again."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from tapio.errors import TapioError
from tapio.streams.backoff import full_jitter
from tapio.streams.link import AwayError, Link
from tapio.streams.port import Delivery
from tapio.streams.pulling import Pull
from tapio.streams.wire import Arrival

log = logging.getLogger(__name__)

_CANCELLED_WITHIN_S = 1.0

Bury = Callable[[str, Delivery, str], Awaitable[None]]


class AttachedReader:
    """A reader with a consumer of its kind: `_attach` makes it, `_on_delivery` takes what comes from it."""

    def __init__(self, link: Link, stream: str, bury: Bury) -> None:
        self._link = link
        self._stream = stream
        self._bury = bury
        self._ready: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._paused_until = 0.0
        self._pull: Pull | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Attaches once, so that what is wrong for good is told at once; then keeps attached.

        Raises:
            StreamMissingError, StreamMismatchError, ForbiddenError, AwayError: as `_attach`.
        """
        consumer = await self._attach()
        self._task = asyncio.create_task(self._keep_pulling(consumer))

    async def next(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        try:
            async with asyncio.timeout(wait_s):
                while not self._may_give():
                    await self._change()
        except TimeoutError:
            return ()
        return self._take(limit)

    async def retry(self, deliveries: Sequence[Delivery], delay_s: float) -> None:
        self._ready.extendleft(reversed(deliveries))
        self._paused_until = max(self._paused_until, _now() + delay_s)

    async def close(self) -> None:
        if self._task is None or self._closed:
            return
        self._closed = True
        while not self._task.done():  # `wait_for` of Python 3.11, inside nats-py, may swallow a cancellation
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CANCELLED_WITHIN_S)
        if not self._task.cancelled():
            self._task.exception()  # it was told by `next`, or nobody asked any more
        self._ready.clear()
        with contextlib.suppress(AwayError, TapioError):  # then the server notices by itself that nobody reads
            await self._let_go()

    def _may_give(self) -> bool:
        return bool(self._ready) and _now() >= self._paused_until

    def _take(self, limit: int) -> list[Delivery]:
        if _now() < self._paused_until:
            return []
        batch = [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
        if self._pull is not None:
            self._pull.make_room()
        return batch

    async def _change(self) -> None:
        """Waits until there may be something to give; raises what ended the pulling."""
        pause = self._paused_until - _now()
        if pause > 0:
            await asyncio.sleep(pause)
            return
        if self._task is not None and self._task.done() and not self._closed:
            self._task.result()
        self._arrived.clear()
        await self._arrived.wait()

    async def _keep_pulling(self, consumer: str) -> None:
        try:
            while True:
                await self._pull_until_lost(consumer)
                consumer = await self._attach_again()
        finally:
            self._arrived.set()

    async def _pull_until_lost(self, consumer: str) -> None:
        self._pull = Pull(self._link, self._stream, consumer, self._on_delivery, self._ready.__len__)
        try:
            await self._pull.run()
        except AwayError as lost:
            log.info("%s: attaching again to %s: %s", self._stream, consumer, lost)

    async def _attach_again(self) -> str:
        failures = 0
        while True:
            await asyncio.sleep(full_jitter(failures))
            try:
                return await self._attach()
            except AwayError as away:
                failures += 1
                log.debug("%s: not attached yet: %s", self._stream, away)

    def _give(self, delivery: Delivery) -> None:
        self._ready.append(delivery)
        self._arrived.set()

    async def _attach(self) -> str:
        """Makes sure of a consumer and gives its name."""
        raise NotImplementedError

    def _on_delivery(self, arrival: Arrival) -> None:
        raise NotImplementedError

    async def _let_go(self) -> None:
        """Tells the server that this reader is gone."""
        raise NotImplementedError


def _now() -> float:
    return asyncio.get_running_loop().time()
