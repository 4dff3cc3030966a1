"""A host begins its stage once, begins it again after an error, and stops it cleanly: all without Ray."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from actors.hosting import Hosting, Stage
from tapio.errors import UnreachableError
from tapio.pipeline.progress import Progress
from tapio.telemetry import Telemetry
from tests.waiting import until


class Recorded:
    """A stage that fails as often as it is told, then runs until it is cancelled."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.opened = 0
        self.closed = 0

    async def run(self) -> None:
        if self.opened <= self.failures:
            raise UnreachableError("NATS is away")
        await asyncio.Event().wait()

    async def progress(self) -> Progress:
        return Progress(stage="recorded", events=self.opened)

    @asynccontextmanager
    async def open(self, _telemetry: Telemetry) -> AsyncIterator[Stage]:
        self.opened += 1
        try:
            yield self
        finally:
            self.closed += 1


async def test_starting_twice_begins_once() -> None:
    stage = Recorded()
    hosting = Hosting("recorded", stage.open)
    hosting.start()
    hosting.start()
    await until(lambda: hosting.observe().progress is not None)
    await hosting.stop()
    assert (stage.opened, stage.closed) == (1, 1)


async def test_a_stage_that_ends_by_an_error_begins_again_with_everything_opened_anew() -> None:
    stage = Recorded(failures=2)
    hosting = Hosting("recorded", stage.open)
    hosting.start()
    await until(lambda: stage.opened == 3)
    await until(lambda: not hosting.observe().error)
    assert hosting.observe().failures == 2
    await hosting.stop()
    assert stage.closed == 3


async def test_the_last_error_shows_while_the_stage_cannot_run() -> None:
    stage = Recorded(failures=1000)
    hosting = Hosting("recorded", stage.open)
    hosting.start()
    await until(lambda: hosting.observe().failures > 0)
    assert hosting.observe().error == "UnreachableError: NATS is away"
    await hosting.stop()


async def test_before_start_and_after_stop_it_does_not_run() -> None:
    hosting = Hosting("recorded", Recorded().open)
    assert not hosting.observe().running
    hosting.start()
    assert hosting.observe().running
    await hosting.stop()
    assert not hosting.observe().running
    await hosting.stop()
