"""Hosts the collector of the Kubernetes API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import ray

from actors.hosting import Hosting, Observation
from actors.metrics import RayMetrics
from actors.options import HOST, actor_name
from actors.plan import Plan
from tapio.collectors.kubeapi import KubeApiCollector
from tapio.kube import KINDS, KubeClient, config
from tapio.pipeline.collect import Collect
from tapio.streams.jetstream import connect
from tapio.telemetry import Telemetry, configure_logging


class KubeapiCollectorHost:
    def __init__(self, plan: Plan, source: str) -> None:
        configure_logging(plan.log_level.upper())
        self._plan = plan
        self._source = source
        self._hosting = Hosting(actor_name("collector", source), self._opened, (RayMetrics(),))

    async def start(self) -> None:
        """Begins, unless it has begun."""
        self._hosting.start()

    def observe(self) -> Observation:
        return self._hosting.observe()

    async def stop(self) -> None:
        await self._hosting.stop()

    @asynccontextmanager
    async def _opened(self, telemetry: Telemetry) -> AsyncIterator[Collect]:
        plan = self._plan
        cluster = config.load(Path(plan.kubeconfig) if plan.kubeconfig else None, plan.context or None)
        streams = await connect(plan.nats)
        try:
            async with KubeClient(cluster) as client:
                collector = KubeApiCollector(
                    client,
                    tuple(KINDS.values()),
                    Path(plan.state_dir),
                    configmap_values=plan.redaction.configmap_values,
                    log_lines=plan.log_lines,
                )
                yield Collect(self._source, collector, streams, telemetry, collector.state)
        finally:
            await streams.close()


KubeapiCollectorActor = ray.remote(**HOST)(KubeapiCollectorHost)
