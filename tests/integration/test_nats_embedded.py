"""The embedded server: where it listens, what it leaves behind, and what ends it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tapio.cli.ports import free_port
from tapio.errors import UnreachableError, UsageError
from tapio.streams import RAW, Message, StreamSpec, embedded
from tapio.testing.nats import jetstreams
from tests.waiting import DEADLINE_S, until


async def test_it_listens_on_loopback_alone_and_syncs_every_write(tmp_path: Path) -> None:
    async with await embedded.start(tmp_path) as server:
        assert server.url == f"nats://127.0.0.1:{server.port}"
        assert "sync_interval: always" in (tmp_path / "nats-server.conf").read_text()
        assert server.running
    assert not server.running


async def test_its_data_is_there_when_it_comes_again(tmp_path: Path) -> None:
    spec = StreamSpec(name=RAW, subjects=("raw.>",))
    async with await embedded.start(tmp_path, port=free_port()) as server, jetstreams(server.url) as streams:
        await streams.ensure([spec])
        await streams.publish(RAW, [Message("raw.a", b"kept", "1")])
    async with await embedded.start(tmp_path, port=server.port) as again, jetstreams(again.url) as streams:
        [delivery] = await (await streams.follow(RAW, 0)).next(1, 10)
    assert delivery.data == b"kept"
    assert again.port == server.port


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} .* is taken"):
            await embedded.start(tmp_path, port=port)


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="Parse error"):
        await embedded.start(tmp_path, extra="nonsense: {")


async def test_two_on_one_directory_is_an_error(tmp_path: Path) -> None:
    async with await embedded.start(tmp_path):
        with pytest.raises(UsageError, match=str(tmp_path)):
            await embedded.start(tmp_path)
    async with await embedded.start(tmp_path) as server:
        assert server.running


async def test_what_a_killed_run_left_is_ended(tmp_path: Path) -> None:
    async with await embedded.start(tmp_path) as server:
        command = command_line(server.pid).split("\0")[:-1]
    left = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220  does not wait
    (tmp_path / "nats-server.pid").write_text(str(left.pid))
    await until(lambda: alive(left.pid), every_s=0.01)  # a process that has just begun has no name yet
    async with await embedded.start(tmp_path) as server, asyncio.timeout(DEADLINE_S):
        assert await asyncio.to_thread(left.wait) is not None
        assert server.running


async def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220  does not wait
    (tmp_path / "nats-server.pid").write_text(str(bystander.pid))
    async with await embedded.start(tmp_path):
        assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


STARTS_IN_A_THREAD_THAT_ENDS = """
import asyncio, sys, threading
from pathlib import Path
from tapio.streams import embedded

def start():
    server = asyncio.run(embedded.start(Path(sys.argv[1])))
    print(server.pid, flush=True)
    kept.append(server)

kept = []
thread = threading.Thread(target=start)
thread.start()
thread.join()
sys.stdin.read()
"""


async def test_it_dies_with_its_process_and_not_with_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    owner = subprocess.Popen(  # noqa: ASYNC220  does not wait
        [sys.executable, "-c", STARTS_IN_A_THREAD_THAT_ENDS, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdin
    assert owner.stdout
    with owner.stdin, owner.stdout:
        pid = int(await asyncio.to_thread(owner.stdout.readline))
        assert alive(pid)
        os.kill(owner.pid, signal.SIGKILL)
        await asyncio.to_thread(owner.wait)
        await until(lambda: not alive(pid), every_s=0.01)


def alive(pid: int) -> bool:
    return "nats-server" in command_line(pid)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
