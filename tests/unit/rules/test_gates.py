"""Readiness gates, by example and near-miss."""

from tests.unit.rules.scene import DEPLOYMENT, POD, Json, Scene, deployment, pod, running, when, with_status

GATE = "load-balancer.test/registered"


def gated(*, reason: str = "ReadinessGatesNotReady", value: str | None = None, since: float = 1) -> Json:
    obj = with_status(pod(readinessGates=[{"conditionType": GATE}]), running(1), ready_since=since)
    obj["status"]["conditions"][1] |= {"reason": reason, "message": f'the status of gate "{GATE}" is not "True"'}
    if value:
        obj["status"]["conditions"].append({"type": GATE, "status": value, "lastTransitionTime": when(since)})
    return obj


def told(obj: Json, at: float) -> list[list[str]]:
    links = Scene().see(deployment(), at=0).see(obj, at=1.1).links(POD, at)
    found = [one for one in links if one.code == "runtime.readiness_gate"]
    assert all(one.blame == DEPLOYMENT for one in found)
    return [one.attributes["gates"] for one in found]


def test_a_gate_that_nobody_opens_keeps_the_pod_from_being_ready() -> None:
    assert told(gated(), at=30) == [[GATE]]
    assert told(gated(value="False"), at=30) == [[GATE]]


def test_a_gate_takes_its_time_at_the_start() -> None:
    assert told(gated(), at=1.5) == []


def test_a_gate_that_was_closed_again_is_told_at_once() -> None:
    assert told(gated(value="False", since=1.09), at=1.5) == [[GATE]]


def test_containers_that_are_not_ready_are_another_matter() -> None:
    assert told(gated(reason="ContainersNotReady"), at=30) == []
