"""What all hosts do alike: run one stage, begin again after an error, say how it is."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

import msgspec

from tapio.pipeline.progress import Progress, delays
from tapio.telemetry import Sink, StageFailed, StageStarted, StageStopped, Telemetry

_BEAT_S = 0.5
_CANCELLED_WITHIN_S = 5.0


class Stage(Protocol):
    """A stage of the pipeline."""

    async def run(self) -> None:
        """Works until it is cancelled, or its source ends."""

    async def progress(self) -> Progress:
        """How far it is."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What an actor says of itself.

    `running` is false before `start` and after `stop`; `failures` counts the errors its stage ended with in this
    process, `error` is the last one while it lasts. `beat_age_s` is how long ago the stage's event loop last turned.
    """

    name: str
    pid: int
    running: bool
    failures: int = 0
    error: str = ""
    beat_age_s: float = 0.0
    progress: Progress | None = None
    totals: dict[str, float] = {}


Opened = Callable[[Telemetry], AbstractAsyncContextManager[Stage]]


class Hosting:
    """One stage's life in an actor. `opened` connects what the stage needs, and closes it."""

    def __init__(self, name: str, opened: Opened, sinks: tuple[Sink, ...] = ()) -> None:
        self._name = name
        self._opened = opened
        self._telemetry = Telemetry(sinks)
        self._task: asyncio.Task[None] | None = None
        self._progress: Progress | None = None
        self._failures = 0
        self._error = ""
        self._beat = time.monotonic()

    def start(self) -> None:
        """Begins, unless it has begun. Needs a running event loop."""
        if self._task is None:
            self._beat = time.monotonic()
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Ends the stage and waits until what it had open is closed."""
        task, self._task = self._task, None
        if task is None:
            return
        while not task.done():  # `wait_for` of Python 3.11, inside nats-py, may swallow a cancellation
            task.cancel()
            await asyncio.wait([task], timeout=_CANCELLED_WITHIN_S)
        self._telemetry.tell(StageStopped(stage=self._name))

    def observe(self) -> Observation:
        """Reads what is known; never waits, so any thread may call it."""
        return Observation(
            name=self._name,
            pid=os.getpid(),
            running=self._task is not None,
            failures=self._failures,
            error=self._error,
            beat_age_s=time.monotonic() - self._beat,
            progress=self._progress,
            totals=self._telemetry.totals.as_dict(),
        )

    async def _keep(self) -> None:
        pace = delays()
        while True:
            before = self._progress
            try:
                await self._once()
            except Exception as error:  # noqa: BLE001  whatever ended the stage, the host says so and begins again
                self._failed(error)
            else:
                return
            if self._progress != before:  # it got somewhere: the next trouble is a new one
                pace = delays()
            await asyncio.sleep(next(pace))

    async def _once(self) -> None:
        async with self._opened(self._telemetry) as stage:
            self._telemetry.tell(StageStarted(stage=self._name))
            self._error = ""
            beating = asyncio.create_task(self._beats(stage))
            try:
                await stage.run()
            finally:
                beating.cancel()

    async def _beats(self, stage: Stage) -> None:
        while True:
            with suppress(Exception):  # a server that is away is the stage's business; the loop turns all the same
                self._progress = await stage.progress()
            self._beat = time.monotonic()
            await asyncio.sleep(_BEAT_S)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._error = _sentence(error)
        self._telemetry.tell(StageFailed(stage=self._name, error=self._error))


def _sentence(error: BaseException) -> str:
    """The first real error in a group of them, with its type."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
