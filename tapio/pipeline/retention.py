"""Beside the third stage: now and then the graph lets go of what is older than anybody asks about."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from tapio.errors import StoreUnavailableError
from tapio.stores import GraphStore
from tapio.telemetry import Paused, Pruned, Telemetry

STAGE = "retention"
_EVERY_S = 900.0  # little has come since, and a pipeline that has just started has better things to do


@asynccontextmanager
async def retained(store: GraphStore, keep: timedelta, telemetry: Telemetry) -> AsyncIterator[None]:
    """While the block lasts, `store` is pruned of what is older than `keep`; zero keeps everything."""
    if not keep:
        yield
        return
    task = asyncio.create_task(keep_pruned(store, keep, telemetry))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def keep_pruned(
    store: GraphStore,
    keep: timedelta,
    telemetry: Telemetry,
    *,
    every_s: float = _EVERY_S,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Prunes for ever; a store that is away is tried again the next time."""
    while True:
        await asyncio.sleep(every_s)
        began = time.monotonic()
        try:
            gone = await asyncio.to_thread(store.prune, now() - keep)
        except StoreUnavailableError as error:
            telemetry.tell(Paused(stage=STAGE, delay_s=every_s, error=error.message))
            continue
        if gone:
            telemetry.tell(Pruned(stage=STAGE, records=gone, took_s=time.monotonic() - began))
