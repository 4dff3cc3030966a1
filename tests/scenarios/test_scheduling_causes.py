"""What keeps a pod from a node, made in the lab: the running Tapio and one live look both name it first."""

from typing import Any

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING, attributes_of, blamed, decoy
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab

NODE = "node-2"
HOSTNAME = "kubernetes.io/hostname"


def apart(name: str) -> dict[str, Any]:
    """Affinity that wants every pod of a workload on a node of its own."""
    term = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": {"app": name}}}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def delete_pods_on_the_node(lab: Lab, name: str, namespace: str) -> None:
    for pod in lab.list("pods", namespace, f"app={name}"):
        if pod["spec"].get("nodeName") == NODE:
            lab.kubectl("delete", "pod", pod["metadata"]["name"], f"--namespace={namespace}", "--wait=false")


@pytest.mark.alone
def test_a_cordon_and_a_workload_pinned_to_it(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(
        [
            lab_objects.deployment("spread", SERVING, replicas=2, extra=apart("spread")),
            lab_objects.deployment("pinned", SERVING, node_selector=lab_objects.on_node(NODE)),
        ],
        lab_namespace,
    )
    for name in ("spread", "pinned"):
        lab.wait_for_rollout(name, lab_namespace)
    decoy(lab, lab_namespace)
    with lab.cordoned(NODE):
        for name in ("spread", "pinned"):
            delete_pods_on_the_node(lab, name, lab_namespace)
        answer = running_tapio.expect(
            "deployment/spread", lab_namespace, "scheduling.node_cordoned", "Node", NODE, field="spec.unschedulable"
        )
        running_tapio.expect_live("deployment/spread", lab_namespace, *blamed(answer))
        answer = running_tapio.expect(
            "deployment/pinned", lab_namespace, "scheduling.node_cordoned", "Deployment", "pinned"
        )
        running_tapio.expect_live("deployment/pinned", lab_namespace, *blamed(answer))


@pytest.mark.alone
def test_a_taint_added_later_and_one_that_was_there(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    here = lab_objects.on_node(NODE)
    lab.apply(lab_objects.deployment("old", SERVING, node_selector=here), lab_namespace)
    lab.wait_for_rollout("old", lab_namespace)
    decoy(lab, lab_namespace)
    with lab.tainted(NODE, lab_namespace):
        delete_pods_on_the_node(lab, "old", lab_namespace)
        answer = running_tapio.expect(
            "deployment/old", lab_namespace, "scheduling.taint_untolerated", "Node", NODE, field="spec.taints"
        )
        running_tapio.expect_live("deployment/old", lab_namespace, *blamed(answer))
        lab.apply(lab_objects.deployment("new", SERVING, node_selector=here), lab_namespace)
        answer = running_tapio.expect(
            "deployment/new", lab_namespace, "scheduling.taint_untolerated", "Deployment", "new"
        )
        running_tapio.expect_live("deployment/new", lab_namespace, *blamed(answer))


def test_a_request_too_big_for_any_node(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("greedy", SERVING, requests={"cpu": "10m"}), lab_namespace)
    lab.wait_for_rollout("greedy", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("greedy", SERVING, requests={"cpu": "640"}), lab_namespace)
    blame = ("scheduling.insufficient_cpu", "Deployment", "greedy")
    field = "resources.requests.cpu"
    running_tapio.expect("deployment/greedy", lab_namespace, *blame, field=field, why="too_big")
    running_tapio.expect_live("deployment/greedy", lab_namespace, *blame, why="too_big")


def test_more_replicas_than_a_node_has_memory_for(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    offered = lab.get("node", NODE, "")["status"]["allocatable"]["memory"].removesuffix("Ki")
    most = {"memory": f"{int(offered) * 6 // 10}Ki"}  # room for one, and not for two
    held = lab_objects.deployment("cache", SERVING, requests=most, node_selector=lab_objects.on_node(NODE))
    lab.apply(held, lab_namespace)
    lab.wait_for_rollout("cache", lab_namespace)
    decoy(lab, lab_namespace)
    lab.kubectl("scale", "deployment/cache", "--replicas=2", f"--namespace={lab_namespace}")
    answer = running_tapio.expect(
        "deployment/cache",
        lab_namespace,
        "scheduling.insufficient_memory",
        "Deployment",
        "cache",
        field="spec.replicas",
        also=lambda answer: attributes_of(answer) == {"nodes": "0/2", "resource": "memory", "why": "full"},
    )
    running_tapio.expect_live("deployment/cache", lab_namespace, *blamed(answer))


def test_more_replicas_than_nodes_under_anti_affinity(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("lonely", SERVING, replicas=2, extra=apart("lonely")), lab_namespace)
    lab.wait_for_rollout("lonely", lab_namespace)
    decoy(lab, lab_namespace)
    lab.kubectl("scale", "deployment/lonely", "--replicas=3", f"--namespace={lab_namespace}")
    answer = running_tapio.expect(
        "deployment/lonely",
        lab_namespace,
        "scheduling.pod_anti_affinity",
        "Deployment",
        "lonely",
        field="spec.replicas",
    )
    running_tapio.expect_live("deployment/lonely", lab_namespace, *blamed(answer))


def test_a_claim_of_a_class_that_does_not_exist(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {
            "storageClassName": "fastest",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    mounts = {"/data": {"persistentVolumeClaim": {"claimName": "data"}}}
    decoy(lab, lab_namespace)
    lab.apply([claim, lab_objects.deployment("store", SERVING, mounts=mounts)], lab_namespace)
    blame = ("scheduling.volume_class_missing", "PersistentVolumeClaim", "data")
    running_tapio.expect("deployment/store", lab_namespace, *blame, storage_class="fastest")
    running_tapio.expect_live("deployment/store", lab_namespace, *blame)
    running_tapio.expect("persistentvolumeclaim/data", lab_namespace, blame[0])
