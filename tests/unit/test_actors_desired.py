"""What the supervisor wants, and what it does about what it sees."""

import pytest

from actors.desired import STALE_BEAT_S, STARTING_STRIKES, STRIKES, Action, ActorState, Answer, action, desired, seen
from actors.hosting import Observation
from actors.plan import Plan

PLAN = Plan(nats="nats://127.0.0.1:4222", graph="graph.sqlite", state_dir="state", transformers=2)
NEW = ActorState(name="tapio/correlator/0")


def observed(pid: int = 1, *, running: bool = True, error: str = "", beat_age_s: float = 0.0) -> Observation:
    return Observation(name=NEW.name, pid=pid, running=running, error=error, beat_age_s=beat_age_s)


def after(*looks: tuple[Answer, Observation | None]) -> ActorState:
    state = NEW
    for answer, observation in looks:
        state = seen(state, answer, observation)
    return state


def test_the_plan_names_every_actor() -> None:
    assert [wanted.name for wanted in desired(PLAN)] == [
        "tapio/collector/kubeapi",
        "tapio/transformer/0",
        "tapio/transformer/1",
        "tapio/correlator/0",
        "tapio/correlator/1",
    ]


def test_an_actor_that_runs_is_healthy_and_left_alone() -> None:
    state = after((Answer.OBSERVED, observed()))
    assert (state.healthy, state.restarts, action(state)) == (True, 0, Action.NOTHING)


def test_an_actor_that_has_not_begun_is_started() -> None:
    assert action(after((Answer.OBSERVED, observed(running=False)))) is Action.START


def test_another_process_under_the_same_name_is_a_restart() -> None:
    state = after(
        (Answer.OBSERVED, observed(pid=1)),
        (Answer.AWAY, None),
        (Answer.OBSERVED, observed(pid=2, running=False)),
    )
    assert (state.restarts, state.healthy, action(state)) == (1, False, Action.START)


def test_an_actor_that_ray_is_restarting_is_waited_for() -> None:
    state = after((Answer.OBSERVED, observed()), (Answer.AWAY, None))
    assert (state.healthy, action(state)) == (False, Action.NOTHING)


def test_an_actor_that_is_dead_is_created_again() -> None:
    assert action(after((Answer.DEAD, None))) is Action.CREATE


@pytest.mark.parametrize(
    "look",
    [
        pytest.param((Answer.SILENT, None), id="does not answer"),
        pytest.param((Answer.OBSERVED, observed(beat_age_s=STALE_BEAT_S + 1)), id="answers, but its stage hangs"),
    ],
)
def test_an_actor_that_hangs_is_replaced_after_three_strikes(look: tuple[Answer, Observation | None]) -> None:
    well = (Answer.OBSERVED, observed())
    assert action(after(well, *[look] * (STRIKES - 1))) is Action.NOTHING
    assert action(after(well, *[look] * STRIKES)) is Action.REPLACE


@pytest.mark.parametrize("before", [(), ((Answer.OBSERVED, observed()), (Answer.AWAY, None))])
def test_a_process_that_has_not_answered_yet_is_given_time_to_load(
    before: tuple[tuple[Answer, Observation | None], ...],
) -> None:
    silent = (Answer.SILENT, None)
    assert action(after(*before, *[silent] * (STARTING_STRIKES - 1))) is Action.NOTHING
    assert action(after(*before, *[silent] * STARTING_STRIKES)) is Action.REPLACE


def test_one_answer_clears_the_strikes() -> None:
    silent = (Answer.SILENT, None)
    assert action(after(silent, silent, (Answer.OBSERVED, observed()), silent)) is Action.NOTHING


def test_a_stage_that_keeps_failing_is_not_healthy_but_begins_again_by_itself() -> None:
    state = after((Answer.OBSERVED, observed(error="UnreachableError: NATS is away")))
    assert (state.healthy, action(state)) == (False, Action.NOTHING)
