"""Every actor killed with SIGKILL in the middle of the work: the graph is that of an undisturbed run."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import ray

from actors.cluster import LocalCluster, started
from actors.options import HEALTH, named
from actors.plan import Plan
from actors.supervisor import Overview, SupervisorActor
from benchmarks.workloads import Cluster
from tapio.pipeline.collect import Collect, to_message
from tapio.pipeline.local import correlate_events
from tapio.pipeline.transform import DURABLE
from tapio.raw import RawEvent
from tapio.stores.sqlite import SqliteStore
from tapio.streams import DEAD_LETTERS, RAW, Message, topology
from tapio.streams.embedded import EmbeddedServer, start
from tapio.streams.jetstream import JetStreams, connect
from tapio.telemetry import Telemetry
from tests.waiting import until

STARTS_S = 180  # a machine that is busy with all that starts at once
BAD = Message("raw.kubeapi.pod.modify", b"[]", "bad")


class Pipeline:
    """A supervised pipeline in Ray, fed by this process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.supervisor: Any = SupervisorActor.options(**named("supervisor", "0")).remote(plan, autostart=True)

    async def overview(self) -> Overview:
        seen: Overview = await self.supervisor.observe.options(concurrency_group=HEALTH).remote()
        return seen

    async def ready(self) -> bool:
        try:
            return (await self.overview()).ready
        except ray.exceptions.RayError:
            return False  # its process is just being started again

    async def kill(self, name: str) -> None:
        """Ends the process of the actor `name`, and waits until another one has taken its place."""
        killed = await self._pid(name)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await until(lambda: self._another(name, killed), every_s=0.1, within_s=STARTS_S)

    async def _another(self, name: str, killed: int) -> bool:
        try:
            return await self.ready() and await self._pid(name) not in {killed, None}
        except ray.exceptions.RayError:
            return False

    async def _pid(self, name: str) -> int | None:
        """None where the actor has not been seen, by a supervisor that has just begun again."""
        if name == "supervisor":
            pid: int = await self.supervisor.pid.options(concurrency_group=HEALTH).remote()
            return pid
        by_name = {actor.name: actor.observation for actor in (await self.overview()).actors}
        observation = by_name[name]
        return observation.pid if observation else None

    async def feed(self, events: Sequence[RawEvent], *more: Message) -> None:
        streams = await connect(self.plan.nats)
        try:
            await streams.publish(RAW, more)
            for place in range(0, len(events), 20):
                await Collect("kubeapi", Nothing(), streams, Telemetry()).emit(events[place : place + 20])
        finally:
            await streams.close()

    async def letters(self) -> int:
        """How many messages were put aside, of all that was fed."""
        streams = await connect(self.plan.nats)
        try:
            await until(lambda: _settled(streams), every_s=0.1)
            return await streams.last(DEAD_LETTERS)
        finally:
            await streams.close()

    def dumped(self) -> list[str]:
        with closing(SqliteStore(Path(self.plan.graph), read_only=True)) as store:
            return list(store.dump())


async def _settled(streams: JetStreams) -> bool:
    return await streams.settled(RAW, DURABLE) == await streams.last(RAW)


class Nothing:
    async def run(self, emit: Any) -> None:
        """Says nothing: the test emits."""


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    server = asyncio.run(start(tmp_path_factory.mktemp("nats")))
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with started(LocalCluster(directory=tmp_path_factory.mktemp("ray"))):
        yield


@pytest.fixture
async def pipeline(nats: EmbeddedServer, cluster: None, tmp_path: Path) -> Any:
    plan = Plan(
        nats=nats.url,
        graph=str(tmp_path / "graph.sqlite"),
        state_dir=str(tmp_path),
        collectors=(),  # this process collects
        transformers=2,
        shards=2,
    )
    streams = await connect(plan.nats)
    await streams.ensure(topology(plan.partitions))
    await streams.close()
    pipeline = Pipeline(plan)
    await until(pipeline.ready, every_s=0.1, within_s=STARTS_S)
    yield pipeline
    await pipeline.supervisor.stop.remote()
    ray.kill(pipeline.supervisor)


async def test_the_graph_is_that_of_an_undisturbed_run(pipeline: Pipeline) -> None:
    cluster = Cluster(60)
    events = [*cluster.appears(), *cluster.updates(1200)]
    names = [actor.name for actor in (await pipeline.overview()).actors] + ["supervisor"]
    assert len(names) == 5
    share = len(events) // len(names) + 1
    for turn, name in enumerate(names):
        await pipeline.feed(events[turn * share : (turn + 1) * share], BAD)
        await pipeline.kill(name)  # what was just published is on its way
    expected = list(correlate_events(events).dump())
    await until(lambda: pipeline.dumped() == expected, every_s=0.3, within_s=STARTS_S)
    assert await pipeline.letters() == 1
    assert len({to_message(event).id for event in events}) == len(events)
