"""The data directory: one running Tapio has it at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tapio.errors import UsageError

_LOCK = "tapio.lock"


@contextmanager
def held(directory: Path) -> Iterator[Path]:
    """Makes the directory, readable by its owner alone, and holds its lock; the kernel frees it when the process ends.

    Raises:
        UsageError: another Tapio has it (the message names its pid), or it cannot be made.
    """
    with _opened(directory) as lock:
        _take(lock, directory)
        yield directory


def holder(directory: Path) -> str:
    """The pid of the Tapio that has the directory now; empty where none has."""
    try:
        with (directory / _LOCK).open(encoding="ascii") as lock:
            return _pid_of_holder(lock)
    except OSError:
        return ""


def _pid_of_holder(lock: TextIO) -> str:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return lock.read().strip() or "unknown"
    return ""


def _opened(directory: Path) -> TextIO:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (directory / _LOCK).open("a+", encoding="ascii")
    except OSError as error:
        raise UsageError(
            f"data directory {directory}: {error.strerror}", hint="--data-dir or TAPIO_DATA_DIR chooses another"
        ) from error


def _take(lock: TextIO, directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        raise UsageError(
            f"data directory {directory} is in use by another tapio, pid {lock.read().strip() or 'unknown'}",
            hint="stop that one, or choose another directory with --data-dir or TAPIO_DATA_DIR",
        ) from error
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
