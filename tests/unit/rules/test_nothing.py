"""Nothing wrong, and which nothing."""

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    NS,
    POD,
    Scene,
    codes,
    deployment,
    ended,
    node,
    pod,
    running,
    stopped,
    when,
    with_status,
)


def test_a_ready_pod_is_healthy() -> None:
    scene = Scene().see(with_status(pod(), running(0.1), ready=True, ready_since=0.2), at=0.2)
    assert codes(scene.links(POD, at=1)) == ["none.healthy"]
    assert scene.symptom(POD, at=1) is None


def test_a_pod_that_is_not_ready_yet_is_starting_until_it_is_overdue() -> None:
    scene = Scene().see(with_status(pod(), running(0.1, ready=False)), at=0.2)
    assert codes(scene.links(POD, at=1)) == ["none.starting"]
    symptom = scene.symptom(POD, at=1)
    assert symptom is not None
    assert symptom.expected_by is not None
    assert symptom.expected_by.isoformat().startswith(when(10.1)[:16])


def test_readiness_lost_is_no_start() -> None:
    obj = pod()
    scene = Scene().see(with_status(obj, running(0.1), ready=True, ready_since=0.2), at=0.2)
    scene.see(with_status(obj, running(0.1, ready=False), ready=False, ready_since=3), at=3)
    symptom = scene.symptom(POD, at=4)
    assert symptom is not None
    assert (symptom.code, symptom.expected_by) == ("NotReady", None)


def test_a_pod_that_ran_to_its_end_is_completed() -> None:
    end = ended(0, started=0, at=1, reason="Completed")
    scene = Scene().see(with_status(pod(restartPolicy="Never"), stopped(end), phase="Succeeded"), at=1)
    assert codes(scene.links(POD, at=2)) == ["none.completed"]


def test_a_pod_that_was_deleted_is_retired() -> None:
    obj = with_status(pod(), running(0.1), ready=True, ready_since=0.2)
    scene = Scene().see(obj, at=0.2).see(obj, at=3, deleted=True)
    assert codes(scene.links(POD, at=4)) == ["none.retired"]


def test_an_available_deployment_and_a_ready_node_are_healthy() -> None:
    scene = Scene().see(deployment(available=1), at=0).see(node(), at=0)
    assert codes(scene.links(ObjectKey("Deployment", NS, "web"), at=1)) == ["none.healthy"]
    assert codes(scene.links(ObjectKey("Node", "", "node-1"), at=1)) == ["none.healthy"]


def test_a_node_whose_kubelet_fell_silent_is_not() -> None:
    scene = Scene().see(node(conditions={"Ready": "Unknown"}), at=0)
    assert codes(scene.links(ObjectKey("Node", "", "node-1"), at=1)) == ["node.kubelet_down"]
