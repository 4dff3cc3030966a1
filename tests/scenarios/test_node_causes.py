"""What goes wrong with a node. These stop a part of the shared lab, so each restores it before it ends (`alone`)."""

from collections.abc import Iterator

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING
from tests.scenarios.conftest import Tapio

pytestmark = [pytest.mark.lab, pytest.mark.alone]

NODE = "node-2"


@pytest.fixture
def silent_node(lab: Lab, lab_namespace: str) -> Iterator[str]:
    """A node whose kubelet was stopped while a workload ran there, and one on the other node; started again after."""
    here, there = lab_objects.on_node(NODE), lab_objects.on_node("node-1")
    lab.apply(
        [
            lab_objects.deployment("here", SERVING, node_selector=here),
            lab_objects.deployment("there", SERVING, node_selector=there),
            lab_objects.service("here"),
        ],
        lab_namespace,
    )
    lab.wait_for_rollout("here", lab_namespace)
    lab.wait_for_rollout("there", lab_namespace)
    with lab.without_kubelet(NODE):
        yield NODE


def test_a_node_whose_kubelet_fell_silent_and_what_runs_there(
    lab: Lab, lab_namespace: str, running_tapio: Tapio, silent_node: str
) -> None:
    lab.apply(lab_objects.configmap("decoy", {"COLOUR": "red"}), lab_namespace)
    lab.wait(lambda: not lab.is_ready(silent_node), what="the node is not ready")
    expected = ("node.kubelet_down", "Node", silent_node)
    running_tapio.expect(f"node/{silent_node}", "", *expected)
    for target in ("deployment/here", "service/here"):
        running_tapio.expect(target, lab_namespace, *expected)
        running_tapio.expect_live(target, lab_namespace, *expected)
    running_tapio.expect_status("deployment/there", lab_namespace, "healthy")
