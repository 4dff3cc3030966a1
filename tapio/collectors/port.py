"""What a collector is given and what it must be: one method, one callback."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from tapio.raw import RawEvent

Emit = Callable[[Sequence[RawEvent]], Awaitable[None]]
"""Takes a batch and returns when it is durable. When it raises, the collector stops and has remembered nothing."""


class SourceState(msgspec.Struct, frozen=True):
    """How a source fares: what it got over by itself, counted by a word for each, the last of it in full, and what it
    suffers from at the moment (empty: nothing).
    """

    troubles: dict[str, int] = {}
    last_trouble: str = ""
    suffers: str = ""


class Collects(Protocol):
    """A source that is followed until cancelled."""

    async def run(self, emit: Emit) -> None:
        """Runs until cancelled; raises what `emit` raises."""
