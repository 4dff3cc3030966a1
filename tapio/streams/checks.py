"""What every adapter decides in the same way: what it refuses to publish, and what it gives out alone."""

import re
from collections.abc import Iterable
from itertools import islice

from tapio.streams.port import ALONE_AFTER, BadSubjectError, Delivery, Message, MessageTooLargeError
from tapio.streams.subjects import is_subject

_ID = re.compile(r"\S+")


def check_messages(messages: Iterable[Message], limit: int) -> None:
    """Every message can be published; `limit` is of its content and its id together, in bytes.

    Raises:
        MessageTooLargeError, BadSubjectError: for the first that cannot.
    """
    for message in messages:
        if len(message.data) + len(message.id) > limit:
            raise MessageTooLargeError(message, limit - len(message.id))
        if not is_subject(message.subject) or not _ID.fullmatch(message.id):
            raise BadSubjectError(message)


def together(deliveries: Iterable[Delivery], limit: int) -> int:
    """How many of the first `limit` deliveries may be given out at once: one that came too often goes alone."""
    for place, delivery in enumerate(islice(deliveries, limit)):
        if delivery.attempt > ALONE_AFTER:
            return max(place, 1)
    return limit
