"""What failed for good, put aside with its error, so that it can be looked at and played again."""

import msgspec

from tapio.streams.port import Delivery, Message, dead_letter_subject


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """The original, byte for byte (base64 on the wire), where it came from, and why it failed.

    `omitted` says that the original was too large to be carried along: it is at `sequence` of `stream` as long as
    that stream keeps it.
    """

    stream: str
    subject: str
    sequence: int
    attempt: int
    error: str
    data: bytes = b""
    omitted: bool = False


_ERROR_CHARS = 4_000  # an error is for reading; a traceback's head and a validation message fit


def dead_letter(stream: str, delivery: Delivery, error: str, limit: int) -> Message:
    """The message that goes to the dead letters; its id makes it once-only. `limit` is the server's, in bytes."""
    whole = DeadLetter(
        stream=stream,
        subject=delivery.subject,
        sequence=delivery.sequence,
        attempt=delivery.attempt,
        error=error[:_ERROR_CHARS],
        data=delivery.data,
    )
    encoded = msgspec.json.encode(whole)
    if len(encoded) > limit:
        encoded = msgspec.json.encode(msgspec.structs.replace(whole, data=b"", omitted=True))
    return Message(dead_letter_subject(stream), encoded, f"dead-{stream}-{delivery.sequence}")


def read_dead_letter(delivery: Delivery) -> DeadLetter:
    """The inverse, for whoever lists or replays.

    Raises:
        msgspec.DecodeError: the delivery is no dead letter.
    """
    return msgspec.json.decode(delivery.data, type=DeadLetter)
