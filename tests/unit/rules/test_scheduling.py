"""Scheduling rules by example and near-miss."""

from typing import Any

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import DEPLOYMENT, POD, Scene, codes, deployment, node, pod, unscheduled

_SELECTOR = (
    "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. "
    "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
)


def pending(message: str, *, created: float = 0.5, **spec: Any) -> Scene:
    obj = pod(created=created, **spec)
    return Scene().see(node(labels={"disk": "hdd"}), at=-5).see(unscheduled(obj, message, since=created), at=1)


def test_a_selector_no_node_matches_blames_the_workload() -> None:
    scene = pending(_SELECTOR, nodeSelector={"disk": "ssd"})
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame) == ("scheduling.node_selector", DEPLOYMENT)
    assert link.attributes["node_selector"] == {"disk": "ssd"}
    assert any("node-1 has no label disk=ssd" in fact.text for fact in link.evidence)


def test_the_change_that_set_the_selector_is_named() -> None:
    scene = pending(_SELECTOR, nodeSelector={"disk": "ssd"})
    change = {"field": "spec.template.spec.nodeSelector", "before": None, "after": {"disk": "ssd"}}
    scene.see(deployment(), at=0).see(deployment(), at=0.4, changes=[change])
    (link,) = scene.links(POD, at=2)
    assert link.change is not None
    assert link.change.after == {"disk": "ssd"}


def test_a_label_taken_from_the_node_is_to_blame() -> None:
    scene = pending(_SELECTOR, nodeSelector={"disk": "ssd"})
    relabelled = {"field": "metadata.labels.disk", "before": "ssd", "after": "hdd"}
    scene.see(node(labels={"disk": "hdd"}), at=0, changes=[relabelled])
    (link,) = scene.links(POD, at=2)
    assert link.blame == ObjectKey("Node", "", "node-1")
    assert "kubectl label node node-1 disk=ssd" in link.next[0]


def test_affinity_without_a_selector_has_its_own_code() -> None:
    assert codes(pending(_SELECTOR, affinity={"nodeAffinity": {}}).links(POD, at=2)) == ["scheduling.node_affinity"]


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("0/2 nodes are available: 2 Insufficient cpu.", "scheduling.insufficient_cpu"),
        ("0/2 nodes are available: 1 node(s) were unschedulable, 1 Insufficient memory.", None),
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient memory.",
            "scheduling.insufficient_memory",
        ),
        ("0/2 nodes are available: 2 node(s) had untolerated taint {team: red}.", "scheduling.taint_untolerated"),
        ("0/2 nodes are available: 2 node(s) were unschedulable.", "scheduling.node_cordoned"),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", "scheduling.insufficient_gpu"),
        ("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.", "scheduling.pod_anti_affinity"),
    ],
)
def test_the_predicate_that_refused_most_nodes_decides(verdict: str, code: str | None) -> None:
    (found,) = codes(pending(verdict).links(POD, at=2))
    assert code is None or found == code


def test_a_pod_that_was_placed_after_all_has_no_scheduling_cause() -> None:
    scene = pending(_SELECTOR)
    scene.see(pod(created=0.5), at=3)
    assert codes(scene.links(POD, at=4)) == ["none.starting"]
