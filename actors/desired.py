"""What shall run, and what to do about what does: decided here, done by the supervisor."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from actors.hosting import Observation
from actors.options import actor_name
from actors.plan import Plan

# Unanswered health checks in a row, of 5.5 s each, before an actor counts as hung. Where a machine has thirty times the
# work that it can do, a healthy one is silent for 20 s, and its replacement would only be more work.
STRIKES = 6
# The same for a process that has not answered yet: it loads Python, Ray and its stage, on a busy machine
# for half a minute, and one that was replaced before it ever answered would never come up.
STARTING_STRIKES = 30
STALE_BEAT_S = 30.0  # a stage's event loop that has not turned for so long hangs; a big batch takes well under one


class Kind(StrEnum):
    """The kinds of actors, by the one name each has."""

    COLLECTOR = "collector"
    TRANSFORMER = "transformer"
    CORRELATOR = "correlator"


class Wanted(msgspec.Struct, frozen=True):
    """One actor that shall run."""

    kind: Kind
    shard: str

    @property
    def name(self) -> str:
        return actor_name(self.kind, self.shard)


class Answer(StrEnum):
    """What came of asking an actor how it is."""

    OBSERVED = "observed"
    SILENT = "silent"  # nothing within the time allowed
    AWAY = "away"  # its process ended, Ray is starting it again
    DEAD = "dead"  # it will not come back by itself


class Action(StrEnum):
    """What to do about one actor."""

    NOTHING = "nothing"
    START = "start"
    CREATE = "create"
    REPLACE = "replace"


class ActorState(msgspec.Struct, frozen=True, kw_only=True):
    """One actor as the supervisor last saw it. `restarts` counts the processes it has had beyond its first; `answered`
    says whether the one it has now has ever answered.
    """

    name: str
    healthy: bool = False
    answer: Answer = Answer.AWAY
    answered: bool = False
    restarts: int = 0
    strikes: int = 0
    observation: Observation | None = None


def desired(plan: Plan) -> Iterator[Wanted]:
    """Every actor of the plan, in the order data flows."""
    yield from (Wanted(Kind.COLLECTOR, source) for source in plan.collectors)
    yield from (Wanted(Kind.TRANSFORMER, str(number)) for number in range(plan.transformers))
    yield from (Wanted(Kind.CORRELATOR, str(shard)) for shard in range(plan.shards))


def seen(known: ActorState, answer: Answer, observation: Observation | None) -> ActorState:
    """The actor's state after one more look at it."""
    last = known.observation
    another = observation is not None and last is not None and observation.pid != last.pid
    strikes = known.strikes + 1 if answer is Answer.SILENT or _hangs(observation) else 0
    return ActorState(
        name=known.name,
        healthy=observation is not None and observation.running and not observation.error and not strikes,
        answer=answer,
        answered=answer is Answer.OBSERVED or (known.answered and answer is Answer.SILENT),
        restarts=known.restarts + another,
        strikes=strikes,
        observation=observation or last,
    )


def action(state: ActorState) -> Action:
    """What to do about an actor in this state."""
    if state.answer is Answer.DEAD:
        return Action.CREATE
    if state.strikes >= (STRIKES if state.answered else STARTING_STRIKES):
        return Action.REPLACE
    if state.answer is Answer.OBSERVED and state.observation is not None and not state.observation.running:
        return Action.START
    return Action.NOTHING


def _hangs(observation: Observation | None) -> bool:
    return observation is not None and observation.running and observation.beat_age_s > STALE_BEAT_S
