"""Who may use the lab now: many runs at a time, or one that needs the cluster for itself.

A test of the lab holds the lock together with others, one that is marked `alone` holds it against all. Whoever waits
stands at the door, so that one who needs the cluster alone gets it when those before are done. The kernel frees what
a killed run held.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.lab.progress import say

_DOOR = Path("/run/tapio-lab.door.lock")
_ROOM = Path("/run/tapio-lab.tests.lock")


@contextmanager
def turn(*, alone: bool = False) -> Iterator[None]:
    """Wait for a place in the lab and hold it. Not twice at a time: who waits at the door would wait for itself."""
    with _ROOM.open("w") as room:
        with _DOOR.open("w") as door:
            _take(door, fcntl.LOCK_EX)
            _take(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def _take(lock: IO[str], how: int) -> None:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another run's tests")
        fcntl.flock(lock, how)
