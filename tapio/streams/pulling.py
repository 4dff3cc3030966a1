"""Asking a consumer for messages before they are needed: two requests outstanding, never more than there is room for.

nats-py's `fetch` makes a task per message; one subscription with a callback is four times as fast.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tapio.streams.api import nanoseconds
from tapio.streams.link import AwayError, Link
from tapio.streams.port import Delivery
from tapio.streams.wire import Arrival, control_of, parcel

REQUEST_MESSAGES = 1000
ROOM = 2 * REQUEST_MESSAGES
_EXPIRES_S = 30
_HEARTBEAT_S = 2
_SILENCE_S = 3 * _HEARTBEAT_S  # heartbeats come while a request is open: after three missing ones nobody serves it
_LEAST_BYTES = 16 << 20  # of one request; below the largest message a request would wait for ever

_HEARTBEAT = 100
_ENDED_REQUEST = ("Request Timeout", "Batch Completed", "Message Size Exceeds MaxBytes")


class Place(NamedTuple):
    """Where a delivered message stands: its attempt, its place in the stream and among the consumer's deliveries."""

    attempt: int
    sequence: int
    delivered: int


_SHORT_REPLY = 9  # $JS.ACK.<stream>.<consumer>.<attempt>.<sequence>.<delivered>.<time>.<pending>


def place_of(reply: str) -> Place:
    """Reads a delivery's reply subject; the longer form has a domain and an account before the stream."""
    tokens = reply.split(".")
    start = 4 if len(tokens) == _SHORT_REPLY else 6
    return Place(int(tokens[start]), int(tokens[start + 1]), int(tokens[start + 2]))


def delivery_of(arrival: Arrival, place: Place) -> Delivery:
    return Delivery(arrival.subject, arrival.data, place.sequence, place.attempt, arrival.reply)


class Pull:
    """One attachment to one consumer, until it is lost. `waiting` says how many messages nobody has taken yet."""

    def __init__(
        self, link: Link, stream: str, consumer: str, deliver: Callable[[Arrival], None], waiting: Callable[[], int]
    ) -> None:
        self._link = link
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._request = msgspec.json.encode(
            {
                "batch": REQUEST_MESSAGES,
                "expires": nanoseconds(_EXPIRES_S),
                "idle_heartbeat": nanoseconds(_HEARTBEAT_S),
                "max_bytes": max(_LEAST_BYTES, 2 * link.max_payload),
            }
        )
        self._deliver = deliver
        self._waiting = waiting
        self._outstanding = 0
        self._heard = False
        self._lost = ""
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Pulls until cancelled.

        Raises:
            AwayError: the connection, the server or the consumer is gone, or does not answer.
        """
        self._link.tell_loss_to(self._on_loss)
        subscription = await self._link.subscribe(self._on_arrival)
        try:
            while not self._lost:
                await self._ask(subscription.subject)
                await self._until_woken()
            raise AwayError(self._lost)
        finally:
            self._link.forget(self._on_loss)
            await self._link.unsubscribe(subscription)

    def make_room(self) -> None:
        """Messages were taken: there may be room for more."""
        if self._has_room():
            self._wake.set()

    def lose(self, reason: str) -> None:
        """Ends this attachment."""
        self._lost = reason
        self._wake.set()

    def _on_loss(self) -> None:
        self.lose("the connection broke")

    def _has_room(self) -> bool:
        return self._outstanding + self._waiting() <= ROOM - REQUEST_MESSAGES

    async def _ask(self, inbox: str) -> None:
        while self._has_room():
            await self._link.send(parcel(self._subject, self._request, reply=inbox))
            self._outstanding += REQUEST_MESSAGES

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(_SILENCE_S):
                await self._wake.wait()
        except TimeoutError:
            await self._link.flush()  # a loop that was busy meanwhile now reads what had come
            if self._outstanding and not self._heard:
                raise AwayError(f"no sign of life from {self._subject} for {_SILENCE_S} s") from None
        self._heard = False
        self._wake.clear()

    def _on_arrival(self, arrival: Arrival) -> None:
        self._heard = True
        if not arrival.reply:
            self._on_control(arrival)
            return
        self._outstanding -= 1
        self._deliver(arrival)
        if not self._outstanding:
            self.make_room()

    def _on_control(self, arrival: Arrival) -> None:
        control = control_of(arrival)
        if control.code == _HEARTBEAT:
            return
        if control.reason not in _ENDED_REQUEST:
            self.lose(control.reason or f"status {control.code}")
            return
        self._outstanding -= control.unserved
        self.make_room()
