"""A real `tapio up` for tests: started as a person starts it, on ports of its own, and ended as Ctrl-C ends it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tapio.cli.ports import free_port

TAPIO = str(Path(sys.executable).with_name("tapio"))
PATIENT = {"TAPIO_SERVER_TIMEOUT_S": "120"}  # for a client whose server has a slow machine
_STOPPED_S = 180


class Running(NamedTuple):
    """Where it is. `said` is what it printed: a line for each part, its name first."""

    pid: int
    data: Path
    said: dict[str, str]

    @property
    def url(self) -> str:
        return self.said["API"].split()[0]

    @property
    def nats(self) -> str:
        return self.said["NATS"]


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Running]:
    """`tapio up` with its data in `folder`, once its API answers; the actors may still be coming up."""
    ports = ("--http-port", str(free_port()), "--nats-port", "0", "--dashboard-port", "0")
    command = [TAPIO, "up", "--data-dir", str(folder / "data"), *ports, *options]
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield Running(process.pid, folder / "data", _said(process, folder / "up.log"))
    finally:
        process.send_signal(signal.SIGINT)
        _end(process)


def play(up: Running, file: Path | str, *options: str) -> subprocess.CompletedProcess[str]:
    """`tapio replay` of the file into it."""
    command = [TAPIO, "replay", str(file), "--server", up.url, *options]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=os.environ | PATIENT
    )


def why(*options: str) -> str:
    """What `tapio why -o json` prints."""
    command = [TAPIO, "why", *options, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | PATIENT)
    assert done.stderr == "", done.stderr
    return done.stdout


def _said(process: subprocess.Popen[str], log: Path) -> dict[str, str]:
    assert process.stdout
    lines: Sequence[str] = [process.stdout.readline() for _ in range(5)]
    if not all(lines):
        pytest.fail(f"tapio up does not come up:\n{log.read_text()}")
    return {line.split()[0]: line.partition(" ")[2].strip() for line in lines}


def _end(process: subprocess.Popen[str]) -> None:
    with process:
        try:
            process.wait(_STOPPED_S)
        except subprocess.TimeoutExpired:
            process.kill()
