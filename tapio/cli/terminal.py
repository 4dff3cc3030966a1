"""What goes to the terminal beside the result: notes, progress and errors, on stderr, plain where it is no terminal.

Colour follows the terminal and `NO_COLOR` (no-color.org); plain ANSI codes, as importing rich costs more than `why -f`
may take.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import TextIO

_RED, _DIM, _RESET = "\x1b[31m", "\x1b[2m", "\x1b[0m"


def coloured(stream: TextIO) -> bool:
    """Whether this stream may carry colour: a terminal, and nobody said NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def zone() -> tzinfo:
    """The reader's time zone: this machine's."""
    here = datetime.now().astimezone().tzinfo
    assert here is not None  # noqa: S101  astimezone always sets one
    return here


def note(text: str) -> None:
    """One line for the person, on stderr."""
    print(_painted(text, _DIM), file=sys.stderr, flush=True)


def fail(text: str, hint: str = "") -> None:
    """What went wrong and what to do, on stderr."""
    print(f"{_painted('error:', _RED)} {text}", file=sys.stderr, flush=True)
    for line in hint.splitlines():
        print(f"  {line}", file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says what begins, and, when it is done, how long it took."""
    note(f"{what} ...")
    began = time.monotonic()
    yield
    note(f"{what}: {time.monotonic() - began:.1f} s")


def _painted(text: str, colour: str) -> str:
    return f"{colour}{text}{_RESET}" if coloured(sys.stderr) else text
