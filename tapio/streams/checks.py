"""What every adapter refuses before it publishes anything."""

import re
from collections.abc import Iterable

from tapio.streams.port import BadSubjectError, Message, MessageTooLargeError
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
