"""Durable streams: the one way events travel between stages.

In and out: messages of bytes with a subject and an id. Promised: when `publish` returns, the messages are durable,
each once within the deduplication window; a message is delivered until it is acknowledged or dead-lettered.
Never: a look inside a message.
"""

from tapio.streams.port import (
    ALONE_AFTER,
    DEAD_LETTERS,
    MAX_DELIVERIES,
    RAW,
    SHARED,
    BadSubjectError,
    Delivery,
    Message,
    MessageTooLargeError,
    Reader,
    RefusedMessageError,
    StreamMismatchError,
    StreamMissingError,
    Streams,
    StreamSpec,
    dead_letter_subject,
    partition_stream,
    topology,
)

__all__ = [
    "ALONE_AFTER",
    "DEAD_LETTERS",
    "MAX_DELIVERIES",
    "RAW",
    "SHARED",
    "BadSubjectError",
    "Delivery",
    "Message",
    "MessageTooLargeError",
    "Reader",
    "RefusedMessageError",
    "StreamMismatchError",
    "StreamMissingError",
    "StreamSpec",
    "Streams",
    "dead_letter_subject",
    "partition_stream",
    "topology",
]
