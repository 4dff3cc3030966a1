"""One connection to NATS, made again for ever; beside `connection` the only module that knows nats-py.

Whatever waits for an answer when the connection breaks fails at once with `AwayError`, and what was not yet sent is
forgotten: its sender tries again as a whole, and nothing old may overtake that.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from secrets import token_hex
from ssl import SSLError
from typing import Any

from nats import errors
from nats.aio.client import Server
from nats.aio.subscription import Subscription

from tapio.errors import ForbiddenError, TapioError, UnreachableError
from tapio.streams.access import Access, access_of
from tapio.streams.addresses import without_secrets
from tapio.streams.backoff import full_jitter
from tapio.streams.connection import Connection, OnArrival
from tapio.streams.wire import Arrival, control_of, parcel

log = logging.getLogger(__name__)


DEADLINE_S = 5.0  # for an answer; a server that syncs a batch to disk needs milliseconds
_CONNECT_TIMEOUT_S = 3
_OPEN_S = 10.0  # for each address: connecting, the handshake of TLS and that of NATS
_FAREWELL_S = 1.0
_PING_INTERVAL_S = 5  # two unanswered pings close a half-open connection: 10 to 15 s
_NO_RESPONDERS = 503


class AwayError(Exception):
    """NATS does not answer, or not now: the same request may succeed later. Never leaves this package."""


class Link:
    """A connection that callers may use as if it never broke, if they try again on `AwayError`."""

    def __init__(self, access: Access) -> None:
        self.address = without_secrets(access.addresses)
        self._access = access
        self._client = Connection()
        self._inbox = ""
        self._waiting: dict[str, asyncio.Future[Arrival]] = {}
        self._on_loss: set[Callable[[], None]] = set()
        self._last_error: Exception | None = None

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    @property
    def max_payload(self) -> int:
        """The largest message that the server takes, headers included, in bytes."""
        return self._client.max_payload

    def token(self) -> str:
        """A name that nobody else uses."""
        return token_hex(8)

    async def open(self) -> None:
        """Connects; afterwards the connection is made again for ever.

        Raises:
            UnreachableError: no address answers.
            ForbiddenError: a server answered and refused the credentials.
        """
        try:
            async with asyncio.timeout(_OPEN_S * len(self._access.addresses)):
                await self._connect()
        except (OSError, errors.Error, TimeoutError) as error:
            await self._give_up()
            raise self._explain(self._last_error or error) from error
        self._client.options.update(allow_reconnect=True, max_reconnect_attempts=-1)
        inbox = self._client.new_inbox()
        self._inbox = f"{inbox}."
        await self._client.listen(f"{inbox}.*", self._on_answer)

    async def _give_up(self) -> None:
        """Closes what never was open; after a TLS handshake that failed nats-py waits for the other side for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._client.close()

    async def close(self) -> None:
        self._fail_waiting(AwayError("the connection was closed"))
        await self._client.close()

    async def send(self, parcel: bytes) -> None:
        """Hands parcels (see `parcel`) to the connection; that they are gone is no sign that they arrived.

        Raises:
            AwayError: the connection is broken at the moment.
            UnreachableError, ForbiddenError: the server closed it for good.
        """
        if not self._client.is_connected:
            raise self._explain(self._closing_error()) if self._client.is_closed else self._away()
        await self._client.write(parcel)

    def expect(self) -> tuple[str, asyncio.Future[Arrival]]:
        """A subject to be answered on, and the answer to come."""
        reply = f"{self._inbox}{self.token()}"
        answer: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        self._waiting[reply] = answer
        answer.add_done_callback(lambda _: self._waiting.pop(reply, None))
        return reply, answer

    async def answer(self, awaited: asyncio.Future[Arrival], deadline_s: float = DEADLINE_S) -> Arrival:
        """Waits for an answer.

        Raises:
            AwayError: none came in time, nobody listens there, or the connection broke.
            ForbiddenError: the server does not let this user ask that.
        """
        try:
            async with asyncio.timeout(deadline_s):
                arrival = await awaited
        except TimeoutError as error:
            raise AwayError(f"NATS at {self.address} did not answer within {deadline_s:g} s") from error
        if control_of(arrival).code == _NO_RESPONDERS:
            raise AwayError("nobody serves this subject")
        return arrival

    async def request(self, subject: str, data: bytes = b"", headers: bytes = b"") -> Arrival:
        """Sends and waits for the answer; raises as `send` and `answer` do."""
        reply, answer = self.expect()
        try:
            await self.send(parcel(subject, data, headers, reply))
            return await self.answer(answer)
        finally:
            answer.cancel()

    async def subscribe(self, on_arrival: OnArrival) -> Subscription:
        """Listens on an inbox of its own."""
        try:
            return await self._client.listen(self._client.new_inbox(), on_arrival)
        except errors.Error as error:
            raise AwayError(str(error)) from error

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Stops listening once everything that was under way has arrived."""
        try:
            await (self._client.hear_out(subscription) if self.connected else subscription.unsubscribe())
        except errors.Error:
            log.debug("the subscription went with its connection")

    async def flush(self) -> None:
        """Waits until the server has read everything sent so far, and we all that it had sent."""
        if not self._client.is_connected:
            raise self._away()
        try:
            await self._client.flush(round(DEADLINE_S))
        except errors.Error as error:
            raise AwayError(str(error)) from error

    def tell_loss_to(self, listener: Callable[[], None]) -> None:
        self._on_loss.add(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        self._on_loss.discard(listener)

    async def _connect(self) -> None:
        options: dict[str, Any] = {
            "allow_reconnect": False,  # the first time, whoever started us wants to know
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0,
            "reconnect_to_server_handler": _after_jitter,
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "ping_interval": _PING_INTERVAL_S,
            "pending_size": 0,  # publishing while away fails instead of piling up
            "error_cb": self._on_error,
            "disconnected_cb": self._on_disconnect,
            "reconnected_cb": self._on_reconnect,
            "closed_cb": self._on_close,
            "tls": self._access.tls,
            "user_credentials": self._access.creds or None,
        }
        await self._client.connect(self._access.addresses, **options)

    def _closing_error(self) -> Exception:
        return self._client.last_error or errors.ConnectionClosedError()

    def _away(self) -> AwayError:
        return AwayError(f"NATS at {self.address} is away ({self._last_error or 'connection lost'})")

    def _explain(self, error: Exception) -> TapioError:
        # A server that refuses closes at once, and the reset may overtake its reason.
        cut_off = isinstance(error, ConnectionResetError) and self._client.wants_credentials
        if cut_off or "authorization" in str(error).lower():
            return ForbiddenError(
                f"NATS at {self.address} refuses these credentials",
                hint="give user and password in the address: nats://user:password@host:4222, or ?creds=FILE",
            )
        if isinstance(error, SSLError):
            return UnreachableError(
                f"NATS at {self.address} is there, and TLS with it fails: {error.reason}",
                hint="tls://host:4222?ca=FILE names who signed its certificate, &cert=FILE&key=FILE who asks",
            )
        reason = str(error) or type(error).__name__
        return UnreachableError(
            f"NATS at {self.address} does not answer: {reason}",
            hint="start it, correct the address, or give none to run the embedded one",
        )

    def _on_answer(self, arrival: Arrival) -> None:
        answer = self._waiting.get(arrival.subject)
        if answer is not None and not answer.done():
            answer.set_result(arrival)

    async def _on_error(self, error: Exception) -> None:
        self._last_error = error
        if "permissions violation" not in str(error).lower():
            return
        log.error("NATS at %s: %s", self.address, error)
        self._fail_waiting(ForbiddenError(f"NATS at {self.address} refuses: {error}"))

    async def _on_disconnect(self) -> None:
        if self._client.is_closed:
            return
        log.warning("NATS at %s is away: trying again until it is back", self.address)
        self._client.forget_unsent()
        self._lose()

    async def _on_reconnect(self) -> None:
        log.warning("NATS at %s is back", self.address)

    async def _on_close(self) -> None:
        self._lose()

    def _lose(self) -> None:
        self._fail_waiting(self._away())
        for listener in tuple(self._on_loss):
            listener()

    def _fail_waiting(self, error: Exception) -> None:
        for answer in tuple(self._waiting.values()):
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # whoever waits gets it; whoever gave up leaves no warning behind


async def open_link(url: str) -> Link:
    """Connects to `url`, one address or several with commas between.

    Raises:
        UsageError, UnreachableError, ForbiddenError: as `access_of` and `Link.open`.
    """
    link = Link(access_of(url))
    await link.open()
    return link


def _after_jitter(servers: list[Server], _info: dict[str, Any]) -> tuple[Server, float]:
    """The server least tried since it last worked, after a wait that grows with its failures."""
    server = min(servers, key=lambda candidate: candidate.reconnects)
    return server, full_jitter(server.reconnects)
