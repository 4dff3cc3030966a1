"""What a stage says of itself when asked, and how it waits when something is away."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count

import msgspec

from tapio.streams.backoff import full_jitter


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stage is. `positions` is the sequence it has reached by stream, `pending` what it has yet to read,
    `newest` the time of the newest event it handled. `suffers` is what it is well without, in words: a source that is
    away is no failure of its collector.
    """

    stage: str
    events: int = 0
    pending: int = 0
    positions: dict[str, int] = {}
    newest: datetime | None = None
    suffers: str = ""


def newer(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two times, either of which may be unknown."""
    known = [at for at in (one, other) if at is not None]
    return max(known, default=None)


_FIRST_S = 0.1
_LONGEST_S = 15.0  # a server that comes back is found within this


def delays() -> Iterator[float]:
    """Seconds to wait before each further try: exponential, full jitter, for ever."""
    return (full_jitter(failures, _FIRST_S, _LONGEST_S) for failures in count())
