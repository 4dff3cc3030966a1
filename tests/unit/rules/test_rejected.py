"""Pods that the kubelet ended or refused as a whole, by example and near-miss."""

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    DEPLOYMENT,
    POD,
    Json,
    Scene,
    codes,
    crash_looping,
    deployment,
    ended,
    node,
    pod,
    running,
    stopped,
    with_status,
)

NODE = ObjectKey("Node", "", "node-1")
LOW = "The node was low on resource: {}. Threshold quantity: 100Mi, available: 50Mi. "
GREEDY = "Container app was using 500Mi, request is 0, has larger consumption of memory. "


def failed(reason: str, message: str, *statuses: Json, **spec: object) -> Scene:
    """A pod whose status says why the kubelet does not run it, on a known node."""
    obj = with_status(pod(**spec), *statuses, phase="Failed")  # type: ignore[arg-type]  # fields are any JSON
    obj["status"] |= {"reason": reason, "message": message}
    return Scene().see(node(), at=-10).see(obj, at=2)


@pytest.mark.parametrize(
    ("message", "resource"),
    [
        (LOW.format("memory") + GREEDY, "memory"),
        (LOW.format("ephemeral-storage"), "ephemeral storage"),
        (LOW.format("inodes"), "inodes"),
        (LOW.format("pids"), "pid"),
        ("The node had condition: [DiskPressure]. ", "disk"),
    ],
)
def test_a_node_that_ran_short_is_to_blame_for_an_eviction(message: str, resource: str) -> None:
    (link,) = failed("Evicted", message).links(POD, at=3)
    assert (link.code, link.blame, link.attributes["resource"]) == ("runtime.evicted", NODE, resource)


@pytest.mark.parametrize(
    "message",
    [
        "Pod ephemeral local storage usage exceeds the total limit of containers 100Mi. ",
        'Usage of EmptyDir volume "cache" exceeds the limit "10Mi". ',
        'Container app exceeded its local ephemeral storage limit "1Mi". ',
    ],
)
def test_a_pod_over_its_own_limit_is_to_blame_itself(message: str) -> None:
    (link,) = failed("Evicted", message).links(POD, at=3)
    assert (link.code, link.blame, link.attributes["resource"]) == ("runtime.evicted", DEPLOYMENT, "ephemeral storage")


def test_how_the_containers_of_an_evicted_pod_ended_says_nothing() -> None:
    lost = ended(137, started=1, at=2, reason="ContainerStatusUnknown")
    assert codes(failed("Evicted", LOW.format("memory"), stopped(lost)).links(POD, at=3)) == ["runtime.evicted"]


@pytest.mark.parametrize(
    ("reason", "message", "code"),
    [
        ("OutOfcpu", "Node didn't have enough resource: cpu, requested: 4000", "scheduling.insufficient_cpu"),
        ("OutOfpods", "Node didn't have enough resource: pods", "scheduling.insufficient_pods"),
        ("NodeAffinity", "Predicate NodeAffinity failed", "scheduling.node_affinity"),
        ("SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted', "startup.security_context"),
        ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline", "controller.job_failed"),
    ],
)
def test_what_a_kubelet_refuses_is_the_workloads_ask(reason: str, message: str, code: str) -> None:
    (link,) = failed(reason, message).links(POD, at=3)
    assert (link.code, link.blame) == (code, DEPLOYMENT)


def test_a_selector_that_the_node_no_longer_meets_is_told_from_an_affinity() -> None:
    (link,) = failed("NodeAffinity", "Predicate NodeAffinity failed", nodeSelector={"disk": "ssd"}).links(POD, at=3)
    assert link.code == "scheduling.node_selector"


def test_devices_that_a_node_does_not_have_are_the_nodes() -> None:
    message = "Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 1"
    (link,) = failed("UnexpectedAdmissionError", message).links(POD, at=3)
    assert (link.code, link.blame) == ("scheduling.insufficient_gpu", NODE)


def test_a_node_that_was_shut_down_is_to_blame() -> None:
    message = "Pod was terminated in response to imminent node shutdown."
    (link,) = failed("Terminated", message).links(POD, at=3)
    assert (link.code, link.blame) == ("node.rebooted", NODE)


def test_a_reason_that_nobody_knows_blames_nobody() -> None:
    assert codes(failed("Whatever", "for no reason").links(POD, at=3)) == []


def lost() -> Json:
    return ended(255, started=1, at=2, reason="Unknown")


def test_a_container_that_was_lost_with_its_node_is_not_the_programs_crash() -> None:
    scene = Scene().see(node(), at=-10).see(with_status(pod(), running(2.2, last=lost(), restarts=1)), at=2.3)
    (link,) = scene.links(POD, at=2.4)
    assert (link.code, link.blame) == ("node.rebooted", NODE)
    assert link.confidence < 0.7
    scene.say(node(), "Rebooted", "Node node-1 has been rebooted, boot id: 1", at=2.1)
    assert scene.links(POD, at=2.4)[0].confidence >= 0.9


def test_exit_255_that_the_runtime_saw_is_the_programs_own() -> None:
    end = ended(255, started=1, at=2)
    assert codes(Scene().see(with_status(pod(), crash_looping(end)), at=2.1).links(POD, at=3)) == ["runtime.crash_app"]


def test_an_evicted_program_that_ended_well_is_told_by_the_kubelets_event_alone() -> None:
    done = with_status(pod(), stopped(ended(0, started=1, at=2, reason="Completed")), phase="Succeeded")
    scene = Scene().see(node(), at=-10).see(done, at=2.1)
    assert codes(scene.links(POD, at=3)) == ["none.completed"]
    scene.say(done, "Evicted", 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ', at=2)
    (link,) = scene.links(POD, at=3)
    assert (link.code, link.blame) == ("runtime.evicted", DEPLOYMENT)


def replaced(*, available: int) -> Scene:
    """An evicted pod beside its successor, and how many pods its Deployment has then."""
    scene = failed("Evicted", LOW.format("memory")).see(deployment(available=1), at=0)
    after = with_status(pod("web-2", created=2), running(2.5), ready=True, ready_since=2.5)
    return scene.see(after, at=2.6).see(deployment(available=available), at=2.7)


def test_an_eviction_that_was_made_up_for_is_told_to_who_asks_for_the_pod_alone() -> None:
    assert replaced(available=0).answer("deployment/web", 3).causes[0].code == "runtime.evicted"
    well = replaced(available=1)
    assert well.answer("deployment/web", 3).symptom is None
    assert well.answer("", 3).symptom is None
    assert well.answer("pod/web-1", 3).causes[0].code == "runtime.evicted"
