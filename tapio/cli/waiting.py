"""Waiting for work that other processes do: as long as it gets on, with a word to the person now and then."""

import asyncio
from collections.abc import Awaitable, Callable

from tapio.cli import terminal
from tapio.errors import TapioError, UnreachableError

_LOOK_S = 0.2
_TELL_S = 5.0
# An actor that was killed is back within seconds, on a busy machine within half a minute; all those of a Tapio that has
# just been started, within two. Who waits is told meanwhile, and may end it.
_PATIENCE_S = 180.0

Look = Callable[[], Awaitable[int]]


class Waiting:
    """What is left, look by look. Moments are seconds of one clock."""

    def __init__(self, now: float) -> None:
        self._left: int | None = None
        self._moved = self._told = now

    def saw(self, left: int, now: float) -> None:
        if self._left is None or left < self._left:
            self._moved = now
        self._left = left

    def is_stuck(self, now: float) -> bool:
        """Whether nothing became less for so long that nothing will."""
        return now - self._moved > _PATIENCE_S

    def news(self, now: float) -> str:
        """What to tell the person who waits; empty when something was told just now."""
        if now - self._told < _TELL_S:
            return ""
        self._told = now
        return f"messages left: {self._left:,}" if self._left else "waiting for an answer"


async def until_none_left(look: Look) -> None:
    """Looks until nothing is left. Who does not answer may just be started again.

    Raises:
        UnreachableError: whoever is looked at stays away.
        TapioError: nothing moves any more.
    """
    clock = asyncio.get_running_loop().time
    waiting = Waiting(clock())
    while True:
        away: UnreachableError | None = None
        try:
            if not (left := await look()):
                return
            waiting.saw(left, clock())
        except UnreachableError as error:
            away = error
        if waiting.is_stuck(clock()):
            raise away or _stuck()
        if news := waiting.news(clock()):
            terminal.note(f"  {news}")
        await asyncio.sleep(_LOOK_S)


def _stuck() -> TapioError:
    return TapioError(f"nothing moved for {_PATIENCE_S:.0f} s", hint="`tapio status` says how each actor is")
