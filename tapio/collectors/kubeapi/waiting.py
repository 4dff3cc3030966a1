"""How the collector waits: for a listing, for the next thing said, for whatever ends its tasks."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from tapio.kube import Reflector

T = TypeVar("T")

_TIER_S = 20.0  # how long the kinds of one tier may take to list before the next begins anyway


async def settled(reflectors: Sequence[Reflector]) -> None:
    """Returns when the first attempt of each is over, or after a while."""
    waiting = [asyncio.ensure_future(reflector.settled.wait()) for reflector in reflectors]
    try:
        await asyncio.wait(waiting, timeout=_TIER_S)
    finally:
        for wait in waiting:
            wait.cancel()


async def within(said: asyncio.Queue[T], left_s: float) -> T | None:
    """What is said within a time, at once where it has been said already."""
    if not said.empty():
        return said.get_nowait()
    if left_s <= 0:
        return None
    try:
        async with asyncio.timeout(left_s):  # wait_for swallows a cancellation that comes with the item (before 3.12)
            return await said.get()
    except TimeoutError:
        return None


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in it that is no group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
