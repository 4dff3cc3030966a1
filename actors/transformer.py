"""Hosts one reader of the pool that transforms."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ray

from actors.hosting import Hosting, Observation
from actors.metrics import RayMetrics
from actors.options import HOST, actor_name
from actors.plan import Plan
from tapio.pipeline.transform import Transform
from tapio.streams.jetstream import connect
from tapio.telemetry import Telemetry, configure_logging


class TransformerHost:
    def __init__(self, plan: Plan, shard: str) -> None:
        configure_logging(plan.log_level.upper())
        self._plan = plan
        self._shard = shard
        self._hosting = Hosting(actor_name("transformer", shard), self._opened, (RayMetrics(),))

    async def start(self) -> None:
        """Begins, unless it has begun."""
        self._hosting.start()

    def observe(self) -> Observation:
        return self._hosting.observe()

    async def stop(self) -> None:
        await self._hosting.stop()

    @asynccontextmanager
    async def _opened(self, telemetry: Telemetry) -> AsyncIterator[Transform]:
        streams = await connect(self._plan.nats)
        try:
            yield Transform(self._shard, streams, self._plan.partitions, telemetry)
        finally:
            await streams.close()


TransformerActor = ray.remote(**HOST)(TransformerHost)
