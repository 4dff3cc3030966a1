"""Keeps every actor of the plan running: looks, compares, acts, over and over. Killed, it finds them all again."""

import asyncio
import logging
import os
import time
from contextlib import suppress
from typing import Any

import msgspec
import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, GetTimeoutError, RayError

from actors.correlator import CorrelatorActor
from actors.desired import Action, ActorState, Answer, Kind, Wanted, action, desired, seen
from actors.hosting import Observation
from actors.kubeapi_collector import KubeapiCollectorActor
from actors.options import HEALTH, HOST, named
from actors.plan import Plan
from actors.transformer import TransformerActor
from tapio.telemetry import configure_logging

log = logging.getLogger(__name__)

_PERIOD_S = 0.5
_ANSWER_S = 5.0  # a healthy actor answers in milliseconds, one whose process is just starting in two seconds
_STOP_S = 15.0

_ACTORS: dict[Kind, Any] = {
    Kind.COLLECTOR: KubeapiCollectorActor,
    Kind.TRANSFORMER: TransformerActor,
    Kind.CORRELATOR: CorrelatorActor,
}


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """All actors as last seen. `covered` of `wanted` are healthy; `loop_s` is how long one look at all of them took."""

    actors: tuple[ActorState, ...]
    loop_s: float = 0.0

    @property
    def wanted(self) -> int:
        return len(self.actors)

    @property
    def covered(self) -> int:
        return sum(actor.healthy for actor in self.actors)

    @property
    def ready(self) -> bool:
        return bool(self.actors) and self.covered == self.wanted


class SupervisorHost:
    """`autostart` makes a process that Ray has started again begin by itself: nobody supervises the supervisor."""

    def __init__(self, plan: Plan, *, autostart: bool = False) -> None:
        configure_logging(plan.log_level.upper())
        self._plan = plan
        self._wanted = tuple(desired(plan))
        self._states = {wanted.name: ActorState(name=wanted.name) for wanted in self._wanted}
        self._handles: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._loop_s = 0.0
        if autostart:
            self._begin()

    async def start(self) -> None:
        """Begins, unless it has begun."""
        self._begin()

    def observe(self) -> Overview:
        """Reads what is known; any thread may call it."""
        return Overview(actors=tuple(self._states.values()), loop_s=self._loop_s)

    def pid(self) -> int:
        """The process it runs in."""
        return os.getpid()

    async def stop(self) -> None:
        """Stops every actor, from the source to the graph, and removes it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for wanted in self._wanted:
            await self._remove(wanted)

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._reconcile())

    async def _reconcile(self) -> None:
        while True:
            started = time.monotonic()
            await asyncio.gather(*(self._look_after(wanted) for wanted in self._wanted))
            self._loop_s = time.monotonic() - started
            await asyncio.sleep(_PERIOD_S)

    async def _look_after(self, wanted: Wanted) -> None:
        """One actor's turn; whatever goes wrong with it does not touch the others."""
        try:
            answer, observation = await self._ask(self._handle(wanted))
            state = self._states[wanted.name] = seen(self._states[wanted.name], answer, observation)
            await self._act(wanted, action(state))
        except RayError as error:
            log.warning("%s: %s", wanted.name, error)

    def _handle(self, wanted: Wanted) -> Any:  # noqa: ANN401  Ray's handles have no type of their own
        """The one actor of this name, created where there is none."""
        if wanted.name not in self._handles:
            actor = _ACTORS[wanted.kind].options(**named(wanted.kind, wanted.shard))
            self._handles[wanted.name] = actor.remote(self._plan, wanted.shard)
        return self._handles[wanted.name]

    async def _ask(self, handle: Any) -> tuple[Answer, Observation | None]:  # noqa: ANN401  as `_handle`
        try:
            async with asyncio.timeout(_ANSWER_S):
                return Answer.OBSERVED, await handle.observe.options(concurrency_group=HEALTH).remote()
        except (TimeoutError, GetTimeoutError):
            return Answer.SILENT, None
        except ActorUnavailableError:
            return Answer.AWAY, None
        except ActorDiedError:
            return Answer.DEAD, None

    async def _act(self, wanted: Wanted, what: Action) -> None:
        if what is Action.START:
            await self._handle(wanted).start.remote()
        elif what is Action.CREATE:
            self._forget(wanted)
        elif what is Action.REPLACE:
            ray.kill(self._handle(wanted))  # Ray starts it again: it is the process that hangs, not the actor
            self._forget(wanted)

    def _forget(self, wanted: Wanted) -> None:
        """The next look creates it, or finds it under its name."""
        self._handles.pop(wanted.name, None)
        self._states[wanted.name] = msgspec.structs.replace(self._states[wanted.name], strikes=0, answered=False)

    async def _remove(self, wanted: Wanted) -> None:
        handle = self._handles.pop(wanted.name, None)
        if handle is None:
            return
        with suppress(RayError, TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await handle.stop.remote()
        ray.kill(handle, no_restart=True)


SupervisorActor = ray.remote(**HOST)(SupervisorHost)
