"""A replay disturbed in every way at once: shuffled, doubled, every actor killed on the way. The answer is the same."""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import groupby
from pathlib import Path

import pytest

from tapio.cli.demo import incidents as recorded
from tapio.collectors.file import load, write_capture
from tapio.pipeline.transform import DURABLE
from tapio.raw import RawEvent
from tapio.streams import RAW, Streams
from tapio.streams.jetstream import connect
from tests.running import TAPIO, Running, running, why
from tests.scenarios.test_kills import actors_of
from tests.waiting import until

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: nobody, user: {}}]
"""
BUNDLES = Path(__file__).parents[2].parent / "shared" / "recorded" / "troubleshoot"
OTHERS = [pytest.param(path, marks=pytest.mark.long) for path in BUNDLES.glob("k3s-bundle-2025-09-11.jsonl")]
CAPTURES = [recorded()["crash-after-change"], *OTHERS]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    """One whose cluster does not answer, so that it has a collector, and no events but the capture's."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    with running(tmp_path, "--kubeconfig", str(tmp_path / "kubeconfig")) as started:
        yield started


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: Path(path).name)
async def test_a_disturbed_replay_gives_the_answer_of_the_file(capture: Path, up: Running, tmp_path: Path) -> None:
    alone = why("-f", str(capture))
    disturbed = tmp_path / "disturbed.jsonl.gz"
    write_capture(disturbed, disordered(load(capture).events))
    assert why("-f", str(disturbed)) == alone
    await until(lambda: len(actors_of(up.pid)) == 5, every_s=0.2)
    before = actors_of(up.pid)
    command = [TAPIO, "replay", str(disturbed), "--server", up.url, "-o", "json"]
    async with streams_of(up) as streams:
        signal_all(up, signal.SIGSTOP, "TransformerHost", "CorrelatorHost")
        replay = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        await until(lambda: all_published(streams, len(load(capture).events)), every_s=0.1)
        signal_all(up, signal.SIGKILL, "SupervisorHost", "KubeapiCollectorHost", "TransformerHost")
        await until(lambda: all_transformed(streams), every_s=0.1)
        signal_all(up, signal.SIGKILL, "CorrelatorHost")
        said, told = await replay.communicate()
    assert (replay.returncode, said.decode()) == (0, alone), told.decode()
    assert not set(before) & set(actors_of(up.pid))
    newest = max(event.timestamp for event in load(capture).events).isoformat()
    assert why("--server", up.url, "--each", "--at", newest) == why("-f", str(capture), "--each")


def disordered(events: tuple[RawEvent, ...]) -> list[RawEvent]:
    """Every event twice, those of one second in any order."""
    dice = random.Random(4)
    shuffled: list[RawEvent] = []
    for _, second in groupby(sorted(events, key=second_of), key=second_of):
        twice = [*second] * 2
        dice.shuffle(twice)
        shuffled += twice
    return shuffled


def second_of(event: RawEvent) -> int:
    return int(event.timestamp.timestamp())


@asynccontextmanager
async def streams_of(up: Running) -> AsyncIterator[Streams]:
    streams = await connect(up.nats)
    try:
        yield streams
    finally:
        await streams.close()


def signal_all(up: Running, what: signal.Signals, *names: str) -> None:
    for pid, name in actors_of(up.pid):
        if name in names:
            with suppress(ProcessLookupError):  # the supervisor replaces one that is stopped for long
                os.kill(pid, what)


async def all_published(streams: Streams, count: int) -> bool:
    return await streams.last(RAW) >= count


async def all_transformed(streams: Streams) -> bool:
    return await streams.settled(RAW, DURABLE) >= await streams.last(RAW)
