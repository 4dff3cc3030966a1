"""The lab itself: what the other tests of a real cluster take for granted."""

import contextlib
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.lab.cluster import is_up, up
from tests.lab.lab import Lab
from tests.lab.manifests import deployment, on_node, pod, service
from tests.lab.service import processes

pytestmark = pytest.mark.lab


def statuses(lab: Lab, name: str, namespace: str) -> dict[str, Any]:
    status: dict[str, Any] = lab.get("pod", name, namespace)["status"]["containerStatuses"][0]
    return status


def running(lab: Lab, name: str, namespace: str) -> Callable[[], bool]:
    return lambda: "running" in statuses(lab, name, namespace)["state"]


def ended(lab: Lab, name: str, namespace: str) -> Callable[[], dict[str, Any]]:
    """Give the end of a pod's container, once it has one."""
    return lambda: statuses(lab, name, namespace)["state"]["terminated"]


def test_both_nodes_are_ready(lab: Lab) -> None:
    lab.wait(lambda: all(lab.is_ready(node.name) for node in lab.nodes), what="both are ready")
    nodes = {node["metadata"]["name"]: node["status"] for node in lab.list("nodes", "default")}
    assert nodes.keys() == {"node-1", "node-2"}
    assert {status["nodeInfo"]["kubeletVersion"] for status in nodes.values()} == {"v1.34.4"}
    assert {node["spec"]["podCIDR"] for node in lab.list("nodes", "default")} == {"10.244.1.0/24", "10.244.2.0/24"}
    assert len({status["nodeInfo"]["machineID"] for status in nodes.values()}) == len(nodes)


def test_a_pod_runs_on_each_node_and_its_log_is_read_through_the_api(lab: Lab, lab_namespace: str) -> None:
    for node in lab.nodes:
        steps = [f"log=hello from {node.name}", "hang"]
        lab.apply(pod(node.name, steps, node_selector=on_node(node.name)), lab_namespace)
    for node in lab.nodes:
        lab.wait(running(lab, node.name, lab_namespace), what=f"the pod on {node.name} runs")
        logged = lab.wait(partial(lab.logs, node.name, lab_namespace), what="the log has a line")
        assert logged == f"hello from {node.name}\n"
        inside = lab.kubectl("exec", node.name, f"--namespace={lab_namespace}", "--", "/workload", "log=inside")
        assert inside == "inside\n"


@pytest.mark.parametrize("server", ["node-1", "node-2"])
def test_a_service_is_found_by_name_and_answers_from_the_same_and_the_other_node(
    lab: Lab, lab_namespace: str, server: str
) -> None:
    lab.apply([deployment("web", ["serve=8080", "hang"], node_selector=on_node(server)), service("web")], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    for client in ("node-1", "node-2"):
        full_name = f"web.{lab_namespace}.svc.cluster.local"
        steps = ["tries=20", "resolve=web", "get=http://web/status/204", f"get=http://{full_name}/"]
        lab.apply(pod(f"on-{client}", steps, node_selector=on_node(client), restart_policy="Never"), lab_namespace)
    for client in ("node-1", "node-2"):
        end = lab.wait(ended(lab, f"on-{client}", lab_namespace), what=f"the client on {client} has ended")
        assert end["exitCode"] == 0, lab.logs(f"on-{client}", lab_namespace)


def test_what_a_node_reaches_and_what_it_does_not(lab: Lab, lab_namespace: str) -> None:
    lab.apply([deployment("web", ["serve=8080", "hang"]), service("web")], lab_namespace)
    lab.wait_until_reached("web", lab_namespace)
    for node in lab.nodes:
        assert lab.reaches(node.name, f"web.{lab_namespace}.svc.cluster.local")
        assert not lab.reaches(node.name, f"web.{lab_namespace}.svc.cluster.local", port=81)
        assert not lab.reaches(node.name, f"gone.{lab_namespace}.svc.cluster.local")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("registry.tapio.lab/workload:missing", "not found"),
        ("registry.tapio.lab/nothing:1", "not found"),
        ("registry.nowhere.invalid/x:1", "no such host"),
    ],
)
def test_an_image_that_cannot_be_pulled_says_why(lab: Lab, lab_namespace: str, image: str, words: str) -> None:
    lab.apply(pod("puller", image=image), lab_namespace)

    def reason() -> str:
        waiting = statuses(lab, "puller", lab_namespace)["state"]["waiting"]
        return waiting["message"] if waiting["reason"] in ("ErrImagePull", "ImagePullBackOff") else ""

    lab.wait(lambda: words in reason(), what="the pull fails and says why")


def test_a_container_that_allocates_past_its_limit_is_oom_killed(lab: Lab, lab_namespace: str) -> None:
    lab.apply(pod("eater", ["allocate=100Mi", "hang"], limits={"memory": "24Mi"}), lab_namespace)

    def reason() -> str:
        """Why it ended last: containerd may hear of an end before it hears of the kill, and then tells of an Error."""
        status = statuses(lab, "eater", lab_namespace)
        end = status["state"].get("terminated") or status["lastState"]["terminated"]
        assert end["exitCode"] == 128 + signal.SIGKILL
        return str(end["reason"])

    lab.wait(lambda: reason() == "OOMKilled", what="the container was killed for its memory")
    assert lab.wait(partial(lab.logs, "eater", lab_namespace), what="its log") == "allocating 100Mi\n"


@pytest.mark.parametrize(("step", "code"), [("exit=3", 3), ("signal=SEGV", 139), ("panic=boom", 2), ("dance=1", 64)])
def test_a_container_ends_with_the_code_of_its_step(lab: Lab, lab_namespace: str, step: str, code: int) -> None:
    lab.apply(pod("ender", [step], restart_policy="Never"), lab_namespace)
    end = lab.wait(ended(lab, "ender", lab_namespace), what="the container has ended")
    assert (end["reason"], end["exitCode"]) == ("Error", code)


def test_a_pod_that_is_not_ready_is_no_endpoint(lab: Lab, lab_namespace: str) -> None:
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}
    lab.apply([deployment("web", ["ready-after=1h", "serve=8080", "hang"], probe=probe), service("web")], lab_namespace)
    slices = lab.wait(
        lambda: [s for s in lab.list("endpointslices", lab_namespace) if s["endpoints"]],
        60,
        "the Service has an endpoint",
    )
    assert [endpoint["conditions"]["ready"] for endpoint in slices[0]["endpoints"]] == [False]


@pytest.mark.alone
def test_the_api_server_comes_back_with_all_it_knew(lab: Lab, lab_namespace: str) -> None:
    lab.apply(deployment("kept"), lab_namespace)
    lab.restart_apiserver()
    assert lab.get("deployment", "kept", lab_namespace)["spec"]["replicas"] == 1


def test_a_command_on_a_node_sees_the_node(lab: Lab) -> None:
    for node in lab.nodes:
        assert node.ip in lab.run_on(node.name, "ip", "-brief", "address", "show", "eth0")
        rules = partial(lab.run_on, node.name, "nft", "list", "table", "ip", "kube-proxy")
        lab.wait(lambda rules=rules: "10.96.0.1 . tcp . 443" in rules(), what="the proxy's rules")  # type: ignore[misc]


@pytest.mark.alone
@pytest.mark.parametrize("killed", [False, True])
def test_a_kubelet_ends_and_starts_and_its_pods_run_on(lab: Lab, lab_namespace: str, *, killed: bool) -> None:
    lab.apply(pod("steady", node_selector=on_node("node-1")), lab_namespace)
    lab.wait(running(lab, "steady", lab_namespace), what="the pod runs")
    before = statuses(lab, "steady", lab_namespace)["containerID"]
    with lab.without_kubelet("node-1", killed=killed):
        assert not lab.cluster.service("kubelet", "node-1").pids()
    lab.apply(pod("second", node_selector=on_node("node-1")), lab_namespace)
    lab.wait(running(lab, "second", lab_namespace), what="a pod that came later runs")
    assert statuses(lab, "steady", lab_namespace)["containerID"] == before


@pytest.mark.alone
def test_a_cordon_and_a_taint_keep_pods_off_a_node_for_as_long_as_they_last(lab: Lab, lab_namespace: str) -> None:
    for name, handle in (("cordoned", lab.cordoned("node-1")), ("tainted", lab.tainted("node-1", "lab", "NoSchedule"))):
        with handle:
            lab.apply(pod(name, node_selector=on_node("node-1")), lab_namespace)
            lab.wait(lambda name=name: _unschedulable(lab, name, lab_namespace), what="it finds no node")  # type: ignore[misc]
        lab.wait(running(lab, name, lab_namespace), what="the pod runs")


def _unschedulable(lab: Lab, name: str, namespace: str) -> bool:
    conditions = lab.get("pod", name, namespace)["status"]["conditions"]
    return any(one.get("reason") == "Unschedulable" for one in conditions)


@pytest.mark.alone
def test_without_the_clusters_dns_no_name_is_found(lab: Lab, lab_namespace: str) -> None:
    asks = ["resolve=kubernetes.default.svc.cluster.local"]
    with lab.without_dns():
        lab.apply(pod("lost", asks, restart_policy="Never"), lab_namespace)
        assert lab.wait(ended(lab, "lost", lab_namespace), what="it has ended")["exitCode"] != 0
    lab.apply(pod("found", ["tries=20", *asks], restart_policy="Never"), lab_namespace)
    assert lab.wait(ended(lab, "found", lab_namespace), what="it has ended")["exitCode"] == 0


@pytest.mark.alone
def test_what_a_killed_test_left_broken_is_put_right(lab: Lab) -> None:
    lab.cluster.service("kubelet", "node-2").stop()
    lab.kubectl("cordon", "node-1")
    lab.kubectl("taint", "node", "node-2", "left=behind:NoExecute")
    lab.kubectl("scale", "deployment/coredns", "--namespace=kube-system", "--replicas=0")
    up(lab.cluster.lab)
    assert is_up(lab.cluster.lab)
    nodes = {node["metadata"]["name"]: node["spec"] for node in lab.list("nodes", "")}
    assert not any(spec.get("unschedulable") for spec in nodes.values())
    assert "left" not in {taint["key"] for spec in nodes.values() for taint in spec.get("taints", ())}
    assert lab.get("deployment", "coredns", "kube-system")["spec"]["replicas"] == 1
    lab.wait_for_names()


@pytest.mark.alone
@pytest.mark.long  # not among the others: it takes the cluster away from whoever uses it
def test_the_lab_comes_up_after_a_kill_of_all_its_processes(lab: Lab) -> None:
    for pid in processes():
        with contextlib.suppress(ProcessLookupError):  # one may end because another did
            os.kill(pid, signal.SIGKILL)
    assert not is_up(lab.cluster.lab)
    up(lab.cluster.lab)
    assert is_up(lab.cluster.lab)
