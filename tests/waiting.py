"""Waiting in tests: for a condition, with a generous deadline, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE_S = 180.0


async def until(
    condition: Callable[[], bool | Awaitable[bool]], *, every_s: float = 0.0, within_s: float = DEADLINE_S
) -> None:
    """Returns when `condition` holds.

    Raises:
        TimeoutError: it did not hold within the deadline.
    """
    async with asyncio.timeout(within_s):
        while not await _holds(condition):  # noqa: ASYNC110  what is waited for may be in another process
            await asyncio.sleep(every_s)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return answer if isinstance(answer, bool) else await answer
