"""A rule that fails stops nothing but its own verdict."""

from collections.abc import Iterator

import pytest

from tapio.correlators import Failure
from tapio.correlators.rules import RULES, Finding, rule
from tapio.correlators.views import PodView
from tapio.pipeline.local import correlate_events
from tests.unit.rules.scene import NS, POD, T0, Scene, pod, running, service, with_status


@pytest.fixture
def _broken_rule() -> Iterator[None]:
    @rule("test.broken", version=1)
    def broken(judged: PodView) -> Iterator[Finding]:
        """Fails on every pod."""
        raise ZeroDivisionError(judged.key.name)

    yield
    RULES.pop()


@pytest.mark.usefixtures("_broken_rule")
def test_a_failing_rule_is_told_and_the_others_go_on() -> None:
    scene = Scene().see(service(), at=0).see(with_status(pod(), running(0.1, ready=False)), at=1)
    told: list[Failure] = []
    graph = correlate_events(scene.events, on_failure=told.append)
    assert {(one.subject, one.error.partition(":")[0]) for one in told} == {(POD, "ZeroDivisionError")}
    assert [one.key.kind for one in graph.entities(T0.replace(hour=13), namespace=NS)].count("Service") == 1
    assert graph.symptoms(T0.replace(hour=13))


@pytest.mark.usefixtures("_broken_rule")
def test_a_failing_rule_that_nobody_hears_of_is_an_error() -> None:
    scene = Scene().see(with_status(pod(), running(0.1, ready=False)), at=1)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        correlate_events(scene.events)
