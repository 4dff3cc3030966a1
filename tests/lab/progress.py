"""What the lab says while it works: one line per step, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.lab.command import LabError

PATIENCE_S = 180
"""How long to wait for what comes within seconds on an idle machine: only a failure waits that long."""


def say(line: str) -> None:
    """Print one line of progress."""
    print(f"lab: {line}", file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    say(f"{what} ...")
    begin = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - begin:.1f} s")


def wait_until(holds: Callable[[], object], *, what: str, timeout_s: float = PATIENCE_S, every_s: float = 0.2) -> None:
    """Ask until it holds; what is still missing at the deadline is the error's text."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not so after {timeout_s:.0f} s")
        time.sleep(every_s)
