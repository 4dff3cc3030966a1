"""What a collector is given and what it must be: one method, one callback."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from tapio.raw import RawEvent

Emit = Callable[[Sequence[RawEvent]], Awaitable[None]]
"""Takes a batch and returns when it is durable. When it raises, the collector stops and has remembered nothing."""


class Collects(Protocol):
    """A source that is followed until cancelled."""

    async def run(self, emit: Emit) -> None:
        """Runs until cancelled; raises what `emit` raises."""
