"""How the running system is: every actor, as its supervisor last saw it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from tapio.streams.addresses import public

Overview = Callable[[], Any]  # the supervisor's states of its actors, as plain values


class StageProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stage is: events handled by this process, events it has yet to read, the newest one's time.

    `suffers` is what the stage is well without, in words. `positions` is of a correlator: stream -> the sequence up to
    which all that follows is stored.
    """

    stage: str
    events: int = 0
    pending: int = 0
    positions: dict[str, int] = {}
    newest: datetime | None = None
    suffers: str = ""


class ActorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One actor. `restarts` counts its processes beyond the first, `failures` how often its stage began again."""

    name: str
    healthy: bool
    answer: str
    restarts: int
    pid: int | None
    failures: int
    error: str
    progress: StageProgress | None
    totals: dict[str, float]


class SystemStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All actors; `ready` when every one that is wanted is healthy. `nats` is where the streams are."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["SystemStatus"] = "SystemStatus"
    ready: bool
    nats: str = ""
    actors: tuple[ActorStatus, ...]


class _Observation(msgspec.Struct):
    pid: int
    failures: int = 0
    error: str = ""
    progress: StageProgress | None = None
    totals: dict[str, float] = {}


class _State(msgspec.Struct):
    name: str
    healthy: bool
    answer: str
    restarts: int
    observation: _Observation | None


def status_of(states: Any, nats: str = "") -> SystemStatus:  # noqa: ANN401  plain values, as they came from another process
    """The document about the supervisor's states of its actors; `nats` is told without user and password."""
    actors = tuple(map(_actor, msgspec.convert(states, list[_State])))
    ready = bool(actors) and all(actor.healthy for actor in actors)
    return SystemStatus(ready=ready, nats=public(nats) if nats else "", actors=actors)


def _actor(state: _State) -> ActorStatus:
    seen = state.observation
    return ActorStatus(
        name=state.name,
        healthy=state.healthy,
        answer=state.answer,
        restarts=state.restarts,
        pid=seen.pid if seen else None,
        failures=seen.failures if seen else 0,
        error=seen.error if seen else "",
        progress=seen.progress if seen else None,
        totals=seen.totals if seen else {},
    )
