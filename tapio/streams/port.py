"""The port to durable streams, in the words of JetStream, and the streams Tapio has."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tapio.errors import TapioError

RAW = "RAW"
SHARED = "UNIFIED-shared"
DEAD_LETTERS = "DLQ"

# A server cannot tell a reader that crashed over a message from one that was stopped while it held it. So a message
# that came this often is given out alone: if it is the one that crashes readers, it harms no other any more, ...
ALONE_AFTER = 5
# ... and only one that was given out alone this often more, and still is not acknowledged, is put aside.
MAX_DELIVERIES = 20


class StreamSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One stream: what it takes, how long it keeps it, and for how long it knows a message id again."""

    name: str
    subjects: tuple[str, ...]
    max_age_s: float = 72 * 3600
    duplicate_window_s: float = 600


def partition_stream(partition: int | str) -> str:
    """The stream of one partition (`3`), or of what all of them share (`shared`)."""
    return f"UNIFIED-{partition}"


def dead_letter_subject(stream: str) -> str:
    """Where what failed for good in `stream` goes."""
    return f"dlq.{stream}"


def topology(partitions: int) -> tuple[StreamSpec, ...]:
    """Every stream of a deployment with this many partitions."""
    return (
        StreamSpec(name=RAW, subjects=("raw.>",)),
        *(StreamSpec(name=partition_stream(n), subjects=(f"unified.*.*.*.{n}",)) for n in range(partitions)),
        StreamSpec(name=SHARED, subjects=("unified.*.*.*.shared",)),
        StreamSpec(name=DEAD_LETTERS, subjects=("dlq.>",)),
    )


class Message(msgspec.Struct, frozen=True, gc=False):
    """What is published. `id` makes it once-only within the stream's deduplication window (`Nats-Msg-Id`)."""

    subject: str
    data: bytes
    id: str


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What is delivered. `attempt` counts from 1; `token` is the adapter's own handle for acknowledging."""

    subject: str
    data: bytes
    sequence: int
    attempt: int = 1
    token: str = ""


class RefusedMessageError(TapioError):
    """A message that no try can publish. `id` says which of its call's; none of them was published."""

    def __init__(self, message: Message, why: str) -> None:
        super().__init__(why)
        self.subject = message.subject
        self.id = message.id


class MessageTooLargeError(RefusedMessageError):
    """A message with more bytes than the server takes."""

    def __init__(self, message: Message, limit: int) -> None:
        self.size = len(message.data)
        self.limit = limit
        super().__init__(message, f"a message on {message.subject} has {self.size} bytes; the server takes {limit}")


class BadSubjectError(RefusedMessageError):
    """A message whose subject or id is none: empty, or with blanks, line ends, wildcards, empty tokens."""

    def __init__(self, message: Message) -> None:
        super().__init__(message, f"not a subject and an id to publish with: {message.subject!r}, {message.id!r}")


class StreamMissingError(TapioError):
    """A stream that is not there, or does not take the subject: nobody called `ensure`, or it was deleted."""


class StreamMismatchError(TapioError):
    """A stream that is there, but not as it is wanted, or not the one a reader's position belongs to."""


class Reader(Protocol):
    """One reader's place in a stream."""

    async def next(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Up to `limit` messages in stream order; empty when none came within `wait_s`."""

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """These are done: their effects are durable. They do not come again."""

    async def retry(self, deliveries: Sequence[Delivery], delay_s: float) -> None:
        """These failed for now (a store or broker is away): deliver them again after `delay_s`, and nothing before.

        The reader pauses; no delivery is counted, so an outage of any length leads nobody to the dead letters.
        """

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        """This one fails for good: the original and the error go to `dlq.<stream>`, then it does not come again.

        What goes there is a `tapio.streams.dead_letters.DeadLetter`, once, however often this is called.
        """

    async def pending(self) -> int:
        """How many messages of the stream this reader has not yet been given."""

    async def close(self) -> None:
        """Stops reading; what was not acknowledged comes again to the next reader."""


class Streams(Protocol):
    """A server of durable streams."""

    async def ensure(self, specs: Sequence[StreamSpec]) -> None:
        """Creates the streams that are not there.

        Raises:
            StreamMismatchError: one is there with other subjects or limits; nothing is changed in it.
        """

    async def publish(self, stream: str, messages: Sequence[Message]) -> None:
        """Returns when all messages are durable in `stream`, in order. A message whose id is known is not doubled.

        Transient failures are retried for ever with full-jitter back-off and the same ids.

        Raises:
            RefusedMessageError: one is larger than the server takes, or has no proper subject; none is published.
            StreamMissingError: the stream is not there, or does not take a message's subject.
        """

    async def pool(self, stream: str, durable: str) -> Reader:
        """Joins the readers that share `durable`: each message goes to one of them and is acknowledged by itself.

        A message whose reader stopped comes to another one; after `ALONE_AFTER` deliveries it comes alone, and after
        `MAX_DELIVERIES` it is dead-lettered instead.
        """

    async def follow(self, stream: str, after: int) -> Reader:
        """Reads alone, in order, everything with a sequence greater than `after`; acknowledging does nothing here,
        as the reader's own store keeps its position.

        A first sequence beyond `after + 1` says that the stream has already let go of what was between.

        Raises:
            StreamMismatchError: the stream ends before `after`, so it is not the one that position belongs to.
        """

    async def last(self, stream: str) -> int:
        """The sequence of the newest message that the stream has had; 0 before the first.

        Raises:
            StreamMissingError: the stream is not there.
            UnreachableError: no answer now.
        """

    async def settled(self, stream: str, durable: str) -> int:
        """The sequence up to which the readers that share `durable` have acknowledged or dead-lettered everything;
        0 where none has joined yet. Raises as `last` does.
        """

    async def close(self) -> None:
        """Closes the connection."""
