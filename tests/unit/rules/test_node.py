"""Node rules by example and near-miss."""

from typing import Any

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    POD,
    Scene,
    codes,
    crash_looping,
    ended,
    node,
    pod,
    running,
    when,
    with_status,
)

NODE = ObjectKey("Node", "", "node-1")
CNI = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"  # noqa: E501  the kubelet's own words
DOCKER_CNI = "runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: cni config uninitialized"  # noqa: E501


def unready(
    message: str, *, status: str = "False", reason: str = "KubeletNotReady", since: float = 5
) -> dict[str, Any]:
    obj = node()
    ready = obj["status"]["conditions"][0]
    ready |= {"status": status, "reason": reason, "message": message, "lastTransitionTime": when(since)}
    return obj


SILENT = unready("Kubelet stopped posting node status.", status="Unknown", reason="NodeStatusUnknown")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("[container runtime is down, PLEG is not healthy: pleg was last seen active 3m9s ago]", "node.runtime_down"),
        ("PLEG is not healthy: pleg was last seen active 3m9.1s ago; threshold is 3m0s", "node.runtime_down"),
        (CNI, "network.cni_failed"),
        (DOCKER_CNI, "network.cni_failed"),
    ],
)
def test_the_kubelet_says_what_it_lacks(message: str, code: str) -> None:
    (link,) = Scene().see(node(), at=0).see(unready(message), at=5).links(NODE, at=6)
    assert (link.code, link.blame) == (code, NODE)


def test_a_kubelet_that_nobody_hears_is_down_whatever_it_said_before() -> None:
    (link,) = Scene().see(node(), at=0).see(SILENT, at=5).links(NODE, at=6)
    assert link.code == "node.kubelet_down"
    assert "node.pressure_memory" in {one.code for one in link.ruled_out}


def test_a_node_that_is_not_ready_for_another_reason_is_not_explained_by_it() -> None:
    obj = unready("failed to reserve container name")
    assert codes(Scene().see(obj, at=5).links(NODE, at=6)) == []


def test_a_new_node_may_wait_for_its_network() -> None:
    obj = unready(CNI, since=0)
    obj["metadata"]["creationTimestamp"] = when(0)
    scene = Scene().see(obj, at=0.1)
    assert codes(scene.links(NODE, at=1)) == ["none.starting"]
    assert codes(scene.links(NODE, at=6)) == ["network.cni_failed"]


def test_a_pod_that_lost_its_readiness_with_its_node_leads_to_it() -> None:
    scene = Scene().see(node(), at=0).see(with_status(pod(), running(0.1), ready=True, ready_since=0.2), at=0.2)
    scene.see(SILENT, at=5).see(with_status(pod(), running(0.1), ready=False, ready_since=5.01), at=5.01)
    links = scene.links(POD, at=6)
    assert [(link.code, link.blame, link.through) for link in links if link.code == "node.kubelet_down"] == [
        ("node.kubelet_down", NODE, (NODE,))
    ]


def test_a_pod_that_crashed_before_its_node_fell_silent_has_its_own_cause() -> None:
    scene = Scene().see(node(), at=0).see(with_status(pod(), crash_looping(ended(1, started=1, at=2))), at=2.1)
    scene.see(SILENT, at=5)
    assert "node.kubelet_down" not in codes(scene.links(POD, at=6))


def test_a_pod_of_another_node_is_not_its_business() -> None:
    obj = pod(nodeName="node-2")
    scene = Scene().see(node(), at=0).see(node("node-2"), at=0).see(SILENT, at=5)
    scene.see(with_status(obj, running(0.1), ready=True, ready_since=0.2), at=0.2)
    scene.see(with_status(obj, running(0.1), ready=False, ready_since=5.1), at=5.1)
    assert "node.kubelet_down" not in codes(scene.links(POD, at=6))


def test_a_pod_that_cannot_leave_a_silent_node_leads_to_it() -> None:
    obj = with_status(pod(), running(0.1), ready=True, ready_since=0.2)
    leaving = with_status(pod(), running(0.1), ready=False, ready_since=5.1)
    leaving["metadata"]["deletionTimestamp"] = when(10.5)
    scene = Scene().see(node(), at=0).see(obj, at=0.2).see(SILENT, at=5).see(leaving, at=10)
    assert scene.symptom(POD, at=11) is not None
    assert codes(scene.links(POD, at=11)) == ["node.kubelet_down"]


def test_a_pod_that_leaves_a_healthy_node_is_retired() -> None:
    obj = with_status(pod(), running(0.1), ready=True, ready_since=0.2)
    leaving = with_status(pod(), running(0.1), ready=True, ready_since=0.2)
    leaving["metadata"]["deletionTimestamp"] = when(10.5)
    scene = Scene().see(node(), at=0).see(obj, at=0.2).see(leaving, at=10)
    assert codes(scene.links(POD, at=11)) == ["none.retired"]


def test_a_pod_whose_node_was_deleted_is_told_so() -> None:
    scene = Scene().see(node(), at=0).see(with_status(pod(), running(0.1), ready=True, ready_since=0.2), at=0.2)
    scene.see(node(), at=5, deleted=True)
    scene.see(with_status(pod(), running(0.1), ready=False, ready_since=5.1), at=5.1)
    (link,) = scene.links(POD, at=6)
    assert (link.code, link.blame) == ("node.removed", NODE)


@pytest.mark.parametrize(
    ("type_", "code"),
    [("MemoryPressure", "node.pressure_memory"), ("DiskPressure", "node.pressure_disk")],
)
def test_pressure_is_told_with_its_onset(type_: str, code: str) -> None:
    (link,) = Scene().see(node(conditions={type_: "True"}), at=0).links(NODE, at=1)
    assert (link.code, link.evidence[-1].at.isoformat()[:16]) == (code, when(0)[:16])


def test_a_cordoned_node_is_healthy() -> None:
    obj = node()
    obj["spec"]["unschedulable"] = True
    assert codes(Scene().see(obj, at=0).links(NODE, at=1)) == ["none.healthy"]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("KernelDeadlock", "node.kernel"),
        ("ReadonlyFilesystem", "node.read_only_fs"),
        ("NetworkUnavailable", "network.cni_failed"),
        ("FrequentContainerdRestart", "node.runtime_down"),
    ],
)
def test_what_watches_a_node_is_believed(condition: str, code: str) -> None:
    (link,) = Scene().see(node(conditions={condition: "True"}), at=1).links(NODE, at=2)
    assert (link.code, link.blame) == (code, NODE)
    assert codes(Scene().see(node(conditions={condition: "False"}), at=1).links(NODE, at=2)) == ["none.healthy"]


def test_a_node_that_is_shutting_down_is_not_lost() -> None:
    obj = node(conditions={"Ready": "False"})
    obj["status"]["conditions"][0] |= {"reason": "KubeletNotReady", "message": "node is shutting down"}
    (link,) = Scene().see(obj, at=1).links(NODE, at=2)
    assert link.code == "node.rebooted"
