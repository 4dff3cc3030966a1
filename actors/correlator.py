"""Hosts one correlator shard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import ray

from actors.hosting import Hosting, Observation
from actors.metrics import RayMetrics
from actors.options import HOST, actor_name
from actors.plan import Plan
from tapio.pipeline.correlate import Correlate
from tapio.pipeline.retention import retained
from tapio.stores.sqlite import SqliteStore
from tapio.streams.jetstream import connect
from tapio.telemetry import Telemetry, configure_logging


class CorrelatorHost:
    def __init__(self, plan: Plan, shard: str) -> None:
        configure_logging(plan.log_level.upper())
        self._plan = plan
        self._shard = plan.shard(int(shard))
        # One shard lets go of what is old, for all.
        self._keep = timedelta(hours=plan.retention_h if int(shard) == 0 else 0)
        self._hosting = Hosting(actor_name("correlator", shard), self._opened, (RayMetrics(),))

    async def start(self) -> None:
        """Begins, unless it has begun."""
        self._hosting.start()

    def observe(self) -> Observation:
        return self._hosting.observe()

    async def stop(self) -> None:
        await self._hosting.stop()

    @asynccontextmanager
    async def _opened(self, telemetry: Telemetry) -> AsyncIterator[Correlate]:
        streams = await connect(self._plan.nats)
        try:
            with closing(SqliteStore(Path(self._plan.graph))) as store:
                async with retained(store, self._keep, telemetry):
                    yield Correlate(self._shard, streams, store, telemetry)
        finally:
            await streams.close()


CorrelatorActor = ray.remote(**HOST)(CorrelatorHost)
