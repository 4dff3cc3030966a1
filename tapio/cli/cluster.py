"""The kubeconfig's cluster, looked at once or watched for a while, by the kubeapi collector itself."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from tapio.cli import terminal
from tapio.collectors.kubeapi import KubeApiCollector, Snapshot, snapshot
from tapio.errors import ForbiddenError
from tapio.kube import KINDS, KubeClient, load
from tapio.raw import RawEvent
from tapio.settings import Settings


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look saw, and when."""

    events: list[RawEvent]
    at: datetime


async def look(settings: Settings, namespace: str) -> Look:
    """Lists every kind once, in `namespace` where one is named.

    Where the account may not read the whole cluster, its context's namespace is looked at instead, and said.

    Raises:
        UsageError: there is no kubeconfig to use.
        ForbiddenError, UnreachableError: the server refuses, or does not answer.
    """
    cluster = load(settings.kubeconfig_path, settings.context or None)
    async with KubeClient(cluster) as client:
        try:
            seen = await _snapshot(client, settings, namespace or None)
        except ForbiddenError:
            if namespace:
                raise
            terminal.note(f"the whole cluster may not be read; looking at namespace {cluster.namespace} alone")
            seen = await _snapshot(client, settings, cluster.namespace)
    for lacking in seen.lacking:
        terminal.note(f"not seen: {lacking.kind} ({lacking.cause})")
    return Look(events=seen.events, at=seen.at)


async def watch(
    settings: Settings, namespace: str, for_s: float | None, emit: Callable[[Sequence[RawEvent]], Awaitable[None]]
) -> None:
    """Watches for `for_s` seconds (None: until cancelled): what is there first, then every change with its before."""
    cluster = load(settings.kubeconfig_path, settings.context or None)
    with tempfile.TemporaryDirectory(prefix="tapio-capture-") as directory:
        async with KubeClient(cluster) as client:
            collector = KubeApiCollector(
                client,
                tuple(KINDS.values()),
                Path(directory),
                namespace=namespace or None,
                configmap_values=settings.redaction.configmap_values,
                log_lines=settings.log_lines,
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(for_s):
                    await collector.run(emit)


async def _snapshot(client: KubeClient, settings: Settings, namespace: str | None) -> Snapshot:
    kinds = tuple(KINDS.values())
    return await snapshot(
        client, kinds, namespace, configmap_values=settings.redaction.configmap_values, log_lines=settings.log_lines
    )
