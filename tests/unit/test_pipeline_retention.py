"""The graph is pruned now and then, of what is older than it is kept, and a store that is away is tried again."""

import asyncio
from datetime import datetime, timedelta

from tapio.errors import StoreUnavailableError
from tapio.pipeline.retention import keep_pruned, retained
from tapio.stores.memory import MemoryStore
from tapio.telemetry import Telemetry
from tests.contracts.store_records import at, entry, history
from tests.waiting import until

KEEP = timedelta(seconds=60)
PRUNED = "tapio_pruned_records_total"


class AwayOnce(MemoryStore):
    """A store whose first pruning fails."""

    away = True

    def prune(self, before: datetime) -> int:
        if self.away:
            self.away = False
            raise StoreUnavailableError("the disk is full")
        return super().prune(before)


async def test_what_is_older_than_it_is_kept_goes_also_after_a_failure() -> None:
    store, telemetry = AwayOnce(), Telemetry()
    store.write(history(entry("evt-old", 1), entry("evt-new", 70, uid="u2")))
    task = asyncio.create_task(keep_pruned(store, KEEP, telemetry, every_s=0.01, now=lambda: at(100)))
    await until(lambda: telemetry.totals[PRUNED] == 1)
    task.cancel()
    assert (store.event("evt-old"), bool(store.event("evt-new"))) == (None, True)
    assert not store.away


async def test_zero_keeps_everything_and_nothing_runs() -> None:
    tasks = len(asyncio.all_tasks())
    async with retained(MemoryStore(), timedelta(), Telemetry()):
        assert len(asyncio.all_tasks()) == tasks
    async with retained(MemoryStore(), KEEP, Telemetry()):
        assert len(asyncio.all_tasks()) == tasks + 1
    assert len(asyncio.all_tasks()) == tasks
