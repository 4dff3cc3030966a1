"""Child processes that end when this process ends, however it ends.

Linux can signal a child when its parent dies (PR_SET_PDEATHSIG), but the parent it means is the *thread* that
started the child. So one thread that lives as long as the process starts them all.
"""

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork

_Job = tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]


class _Launcher(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="launcher", daemon=True)
        self.jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()

    def run(self) -> None:
        while True:
            start, started = self.jobs.get()
            try:
                started.set_result(start())
            except OSError as error:
                started.set_exception(error)


_lock = threading.Lock()
_launchers: dict[int, _Launcher] = {}  # by process: a forked child has no threads of its parent's


def _launcher() -> _Launcher:
    with _lock:
        if os.getpid() not in _launchers:
            _launchers[os.getpid()] = _Launcher()
            _launchers[os.getpid()].start()
        return _launchers[os.getpid()]


def start_child(command: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
    """Starts a command in a process group of its own, so that Ctrl-C is for us, and we stop it.

    It gets no input; what it says is added to `output`.

    Raises:
        OSError: the command cannot be run.
    """
    parent = os.getpid()

    def start() -> subprocess.Popen[bytes]:
        with output.open("ab") as said:
            return subprocess.Popen(  # noqa: S603  the caller's own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                process_group=0,
                preexec_fn=lambda: _end_with(parent),  # noqa: PLW1509  two system calls, no lock, no import
            )

    started: Future[subprocess.Popen[bytes]] = Future()
    _launcher().jobs.put((start, started))
    return started.result()


def _end_with(parent: int) -> None:
    """Runs in the child, before the command."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)
