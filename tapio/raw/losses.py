"""What a source says of a time in which it did not see: the record of a `loss`."""

from datetime import datetime

import msgspec

from tapio.errors import BadEventError
from tapio.raw.event import RawEvent


class Loss(msgspec.Struct, rename={"since": "from", "until": "to"}):
    """Why, from when to when, and of which kind of objects; `count` says how many events, where that is known."""

    cause: str = "unknown"
    count: int = 0
    since: datetime | None = None
    until: datetime | None = None
    kind: str = ""


_decoder = msgspec.json.Decoder(Loss)


def read_loss(event: RawEvent) -> Loss:
    """The record of a `loss`.

    Raises:
        BadEventError: it is none.
    """
    try:
        return _decoder.decode(event.record)
    except msgspec.DecodeError as error:
        raise BadEventError(f"not a loss record: {error}") from error
