"""When to try again: full jitter under a doubling cap, and never two attempts within a second."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

_FIRST_S = 0.8  # client-go's reflector: 800 ms doubling to 30 s
_LONGEST_S = 30.0
_APART_S = 1.0  # a storm of failures costs the server at most one attempt a second per kind
_MOST_DOUBLINGS = 8


class Pace:
    """The attempts of one loop. Clock, sleep and dice are arguments, so that tests never wait."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self.dice = dice
        self._sleep = sleep
        self._failures = 0
        self._not_before = float("-inf")

    async def ready(self) -> None:
        """Returns when the next attempt may begin."""
        wait_s = self._not_before - self.clock()
        if wait_s > 0:
            await self._sleep(wait_s)
        self._not_before = self.clock() + _APART_S

    def failed(self, *, at_least_s: float = 0) -> None:
        """The attempt failed; `at_least_s` is what the server asked for."""
        cap_s = min(_LONGEST_S, _FIRST_S * 2 ** min(self._failures, _MOST_DOUBLINGS))
        self._failures += 1
        self.rest(max(at_least_s, self.dice() * cap_s))

    def rest(self, seconds: float) -> None:
        """No attempt before so many seconds from now."""
        self._not_before = max(self._not_before, self.clock() + seconds)

    def succeeded(self) -> None:
        """The attempt brought something: the next failure begins with the shortest delay."""
        self._failures = 0
