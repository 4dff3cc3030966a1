"""Nothing wrong, and which nothing."""

from typing import Any

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
    unscheduled,
    waiting,
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


def test_a_pod_that_waited_for_a_node_and_is_ready_has_recovered() -> None:
    obj = pod()
    scene = Scene().see(unscheduled(obj, "0/1 nodes are available: 1 Insufficient cpu."), at=0)
    scene.say(obj, "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.", at=0.1)
    scene.see(with_status(obj, running(2), ready=True, ready_since=2.1), at=2.1)
    assert codes(scene.links(POD, at=3)) == ["none.recovered"]


def test_an_image_that_could_be_pulled_at_last_is_over() -> None:
    obj = pod()
    scene = Scene().see(with_status(obj, waiting("ImagePullBackOff", "i/o timeout"), phase="Pending"), at=0.2)
    scene.see(with_status(obj, running(2), ready=True, ready_since=2.1), at=2.1)
    assert codes(scene.links(POD, at=3)) == ["none.recovered"]


def test_one_restart_and_a_long_life_since_is_over() -> None:
    end = ended(1, started=0, at=0.1)
    scene = Scene().see(with_status(pod(), running(0.2, last=end, restarts=1), ready=True, ready_since=0.3), at=0.3)
    assert codes(scene.links(POD, at=20)) == ["none.recovered"]


def failed_probe_at(at: float) -> Scene:
    obj = with_status(pod(), running(1), ready=True, ready_since=at + 0.1)
    scene = Scene().see(obj, at=1)
    refused = "Readiness probe failed: dial tcp 10.0.0.1:80: connect: connection refused"
    return scene.say(obj, "Unhealthy", refused, at=at, container="app")


def test_a_probe_that_fails_while_its_container_comes_up_is_no_trouble() -> None:
    assert codes(failed_probe_at(1.2).links(POD, at=3)) == ["none.healthy"]


def test_a_probe_that_fails_long_after_the_start_was_trouble() -> None:
    assert codes(failed_probe_at(2).links(POD, at=3)) == ["none.recovered"]


def test_an_old_revision_is_retired_and_the_present_one_is_healthy() -> None:
    old, new = replica_set("web-old", replicas=0), replica_set("web-new", replicas=1)
    scene = Scene().see(deployment(available=1), at=0).see(old, at=1).see(new, at=1)
    assert codes(scene.links(ObjectKey("ReplicaSet", NS, "web-old"), at=2)) == ["none.retired"]
    assert codes(scene.links(ObjectKey("ReplicaSet", NS, "web-new"), at=2)) == ["none.healthy"]


def replica_set(name: str, *, replicas: int) -> dict[str, Any]:
    obj = deployment(name, replicas=replicas, available=replicas)
    obj["metadata"] |= {"uid": f"rs-{name}", "ownerReferences": [{"kind": "Deployment", "name": "web"}]}
    return {**obj, "kind": "ReplicaSet", "status": {**obj["status"], "readyReplicas": replicas}}


def test_a_pod_whose_container_was_stopped_for_good_is_retired_before_its_deletion_is_seen() -> None:
    obj = with_status(pod(), running(0.1), ready=True, ready_since=0.2)
    scene = Scene().see(obj, at=0.2).say(obj, "Killing", "Stopping container app", at=3, container="app")
    assert codes(scene.links(POD, at=4)) == ["none.retired"]


def test_a_container_that_is_killed_to_be_started_again_is_not_retired() -> None:
    obj = with_status(pod(), running(0.1), ready=True, ready_since=0.2)
    words = "Container app failed liveness probe, will be restarted"
    scene = Scene().see(obj, at=0.2).say(obj, "Killing", words, at=3, container="app")
    assert "none.retired" not in codes(scene.links(POD, at=4))


def test_events_alone_tell_of_a_pod_in_trouble_until_they_fall_silent() -> None:
    scene = Scene().say(pod(), "BackOff", "Back-off restarting failed container", at=1, container="app")
    symptom = scene.symptom(POD, at=2)
    assert symptom is not None
    assert (symptom.code, symptom.by_hearsay) == ("CrashLoopBackOff", True)
    assert codes(scene.links(POD, at=12)) == ["none.retired"]


def test_a_state_outranks_what_events_alone_tell() -> None:
    obj = with_status(pod(), running(2), ready=True, ready_since=2.1)
    scene = Scene().say(pod(), "BackOff", "Back-off restarting failed container", at=1, container="app")
    scene.see(obj, at=2.1)
    assert codes(scene.links(POD, at=3)) == ["none.recovered"]
