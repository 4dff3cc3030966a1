"""`tapio dlq` on a real NATS server: what was put aside is listed, shown, played again and dropped, none of it lost."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tapio.streams import RAW, Delivery, Message, Reader, topology
from tapio.streams.embedded import start
from tapio.streams.jetstream import JetStreams, connect
from tests.waiting import DEADLINE_S

TAPIO = str(Path(sys.executable).with_name("tapio"))
SUBJECT = "raw.kubeapi.pod.modify"


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A server with two letters: 1 is no JSON, 2 is an event that some rule choked on."""
    async with await start(tmp_path / "nats") as server:
        streams = await connect(server.url)
        await streams.ensure(topology(2))
        await streams.publish(RAW, [Message(SUBJECT, b"{not json", "a"), Message(SUBJECT, b'{"type": "x"}', "b")])
        reader = await streams.pool(RAW, "workers")
        for delivery in await taken(reader, 2):
            await reader.dead_letter(delivery, f"not a raw event, says the {delivery.sequence}. test")
        yield server.url
        await streams.close()


async def tapio(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"TAPIO_NATS": url, "COLUMNS": "80"}
    return await asyncio.to_thread(
        subprocess.run, [TAPIO, "dlq", *arguments], capture_output=True, text=True, env=environ, check=False
    )


async def taken(reader: Reader, count: int) -> list[Delivery]:
    """So many deliveries, which come one by one."""
    found: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += await reader.next(count - len(found), DEADLINE_S)
    return found


async def raw_of(url: str) -> list[bytes]:
    streams: JetStreams = await connect(url)
    try:
        reader = await streams.follow(RAW, 0)
        return [one.data for one in await taken(reader, await streams.last(RAW))]
    finally:
        await streams.close()


async def numbers(url: str, *flags: str) -> list[tuple[int, str | None]]:
    listed = json.loads((await tapio(url, "list", "-o", "json", *flags)).stdout)
    return [(item["number"], item["settled"]) for item in listed["items"]]


async def test_letters_are_listed_and_shown_whole(url: str) -> None:
    listed = await tapio(url)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.splitlines()[0] == f"1  RAW 1  {SUBJECT}"
    assert "says the 2. test" in listed.stdout
    assert "2 letters" in listed.stdout
    assert (await tapio(url, "-o", "name")).stdout.split() == ["1", "2"]
    assert "| 1 | RAW | 1 |" in (await tapio(url, "list", "-o", "markdown")).stdout
    shown = (await tapio(url, "show", "1")).stdout
    assert "{not json" in shown
    assert '"type": "x"' in (await tapio(url, "show", "2")).stdout


async def test_what_is_played_again_is_where_it_came_from_and_off_the_list(url: str) -> None:
    assert (await tapio(url, "replay", "2")).stdout == "1 of 1 played again\n"
    assert await raw_of(url) == [b"{not json", b'{"type": "x"}', b'{"type": "x"}']
    assert await numbers(url) == [(1, None)]
    assert await numbers(url, "--all") == [(1, None), (2, "replayed")]
    assert (await tapio(url, "drop", "--all")).stdout == "1 dropped\n"
    assert (await tapio(url)).stdout == "nothing is put aside\n"
    assert await numbers(url, "--all") == [(1, "dropped"), (2, "replayed")]


async def test_wrong_numbers_are_told(url: str) -> None:
    done = await tapio(url, "replay", "7")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no dead letter has the number 7" in done.stderr
    assert "1, 2" in done.stderr
    assert "--all" in (await tapio(url, "drop")).stderr


async def test_a_server_that_no_tapio_uses_and_one_that_is_away_exit_with_5(tmp_path: Path) -> None:
    async with await start(tmp_path / "nats") as server:
        done = await tapio(server.url)
        assert done.returncode == 5
        assert "no streams of Tapio" in done.stderr
    done = await tapio(server.url)
    assert done.returncode == 5
    assert "tapio up" in done.stderr
