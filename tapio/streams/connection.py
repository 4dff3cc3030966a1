"""nats-py's client, made fit for a stream of events."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from nats.aio.client import Client
from nats.aio.subscription import Subscription

from tapio.streams.wire import Arrival

OnArrival: TypeAlias = Callable[[Arrival], None]


class Connection(Client):
    """nats-py's client where it is too forgetful or too careful for a stream of events. Each override names the part
    of nats-py it replaces, and the contract suite fails when that part changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._listeners: dict[int, OnArrival] = {}

    async def write(self, protocol: bytes) -> None:
        """Sends bytes of the protocol as they are; `Client.publish` spends 10 us on each message's headers."""
        await self._send_command(protocol)
        await self._flush_pending()

    @property
    def wants_credentials(self) -> bool:
        """Whether the server that answered last asks who its clients are."""
        return bool(self._server_info.get("auth_required"))

    def forget_unsent(self) -> None:
        """Empties the buffer that `Client` would send after a reconnect."""
        self._pending = []
        self._pending_data_size = 0

    async def listen(self, subject: str, on_arrival: OnArrival) -> Subscription:
        """Subscribes past nats-py's queue, task and callback for each message: half the cost of consuming."""
        self._listeners[self._sid + 1] = on_arrival  # the number `subscribe` is about to give
        return await self.subscribe(subject)

    async def hear_out(self, subscription: Subscription) -> None:
        """Unsubscribes, and still hears what the server had sent by then."""
        await subscription.drain()  # type: ignore[no-untyped-call]  # nats-py types only some of its methods

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        """Replaces the part of `Client` that hands a parsed message to its subscription."""
        if sid in self._subs:
            self._listeners[sid](Arrival(subject.decode(), reply.decode(), data, headers or b""))

    async def _process_pong(self) -> None:
        """Mends `Client`, which stops reading for good when the one who waited for this pong was cancelled."""
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self._listeners.pop(sid, None)
        super()._remove_sub(sid, max_msgs)
