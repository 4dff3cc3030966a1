"""Scheduling rules by example and near-miss."""

from typing import Any

import pytest

from tapio.correlators.quantities import amount
from tapio.correlators.rules.clues.scheduler_text import refusals_of
from tapio.unified import ObjectKey
from tests.unit.rules.scene import DEPLOYMENT, NS, POD, Json, Scene, codes, deployment, node, pod, unscheduled

_SELECTOR = (
    "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. "
    "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
)
_CORDONED = "0/2 nodes are available: 2 node(s) were unschedulable. preemption: 0/2 nodes are available: 2 Preemption."
_TAINTED = "0/2 nodes are available: 2 node(s) had untolerated taint {team: red}. preemption: 0/2 nodes are available."
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
NODE_1 = ObjectKey("Node", "", "node-1")


def pending(message: str, *, created: float = 0.5, **spec: Any) -> Scene:
    obj = pod(created=created, **spec)
    return Scene().see(node(labels={"disk": "hdd"}), at=-5).see(unscheduled(obj, message, since=created), at=1)


def closed(name: str, *, taints: list[Json] | None = None, cordoned: bool = False, **kwargs: Any) -> Json:
    """A node with taints or a cordon; `offer` is what it can give to pods."""
    offer = kwargs.pop("offer", {"cpu": "4", "memory": "8Gi", "pods": "110"})
    obj = node(name, **kwargs)
    obj["spec"] = {"taints": taints or [], "unschedulable": cordoned}
    obj["status"]["allocatable"] = offer
    return obj


def refused(message: str, *nodes: Json, created: float = 2, owner: Json | None = None, **spec: Any) -> Scene:
    """A Deployment made at minute 0 whose newest pod, made at `created`, is refused a minute later."""
    scene = Scene().see(owner or deployment(), at=0)
    for one in nodes:
        scene.see(one, at=-5)
    return scene.see(unscheduled(pod(created=created, **spec), message, since=created), at=created + 1)


def asking(**requests: str) -> list[Json]:
    return [{"name": "app", "image": "web", "resources": {"requests": requests}}]


RED = {"key": "team", "value": "red", "effect": "NoSchedule"}
CONTROL_PLANE = {"key": _CONTROL_PLANE, "effect": "NoSchedule"}


# --- Selector and affinity -------------------------------------------------------------------------------------------


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
    assert link.blame == NODE_1
    assert "kubectl label node node-1 disk=ssd" in link.next[0]


def test_affinity_without_a_selector_has_its_own_code() -> None:
    assert codes(pending(_SELECTOR, affinity={"nodeAffinity": {}}).links(POD, at=2)) == ["scheduling.node_affinity"]


def test_a_label_that_affinity_asks_for_and_the_node_lost_is_to_blame() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd", "nvme"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    scene = pending(_SELECTOR, affinity={"nodeAffinity": required})
    lost = {"field": "metadata.labels.disk", "before": "nvme", "after": None}
    scene.see(node(), at=0, changes=[lost])
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame) == ("scheduling.node_affinity", NODE_1)


# --- The scheduler's words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("0/2 nodes are available: 2 Insufficient cpu.", "scheduling.insufficient_cpu"),
        (
            "0/2 nodes are available: 1 node(s) were unschedulable, 1 Insufficient memory.",
            "scheduling.insufficient_memory",
        ),
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient memory.",
            "scheduling.insufficient_memory",
        ),
        (
            (
                "0/3 nodes are available: 2 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't "
                "tolerate, 1 Insufficient cpu."
            ),
            "scheduling.insufficient_cpu",
        ),
        ("0/2 nodes are available: 2 node(s) had untolerated taint {team: red}.", "scheduling.taint_untolerated"),
        ("0/2 nodes are available: 2 node(s) had untolerated taint(s).", "scheduling.taint_untolerated"),
        (
            (
                "0/2 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
                "1 node(s) were unschedulable."
            ),
            "scheduling.node_cordoned",
        ),
        ("0/2 nodes are available: 2 node(s) were unschedulable.", "scheduling.node_cordoned"),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", "scheduling.insufficient_gpu"),
        ("0/1 nodes are available: 1 Too many pods.", "scheduling.insufficient_pods"),
        ("0/1 nodes are available: 1 Insufficient ephemeral-storage.", "scheduling.insufficient_ephemeral_storage"),
        ("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.", "scheduling.pod_anti_affinity"),
        (
            "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.",
            "scheduling.pod_anti_affinity",
        ),
        ("0/2 nodes are available: 2 node(s) didn't match pod affinity rules.", "scheduling.pod_affinity"),
        (
            (
                "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints (no label). "
                "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful."
            ),
            "scheduling.topology_spread",
        ),
        (
            "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
            "scheduling.host_port",
        ),
    ],
)
def test_what_the_scheduler_says_decides_the_code(verdict: str, code: str) -> None:
    assert codes(pending(verdict).links(POD, at=2)) == [code]


def test_a_spread_over_a_label_that_no_node_bears_is_not_for_want_of_nodes() -> None:
    told = "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints (missing required label)."
    (link,) = pending(told).links(POD, at=2)
    assert link.code == "scheduling.topology_spread"
    assert "none bears the label" in link.summary
    assert not any("scale" in step for step in link.next)


def test_refusals_are_read_with_their_numbers_and_without_what_preemption_would_do() -> None:
    message = (
        "0/6 nodes are available: 1 node(s) had untolerated taint {team: red}, 2 Insufficient cpu, 3 Insufficient "
        "memory. no new claims to deallocate, preemption: 0/6 nodes are available: 6 Insufficient ephemeral-storage."
    )
    told = [(one.code.partition(".")[2], one.nodes, one.resource or one.taint[0]) for one in refusals_of(message)]
    assert told == [
        ("taint_untolerated", 1, "team"),
        ("insufficient_cpu", 2, "cpu"),
        ("insufficient_memory", 3, "memory"),
    ]


def test_a_pod_that_was_placed_after_all_has_no_scheduling_cause() -> None:
    scene = pending(_SELECTOR)
    scene.see(pod(created=0.5), at=3)
    assert codes(scene.links(POD, at=4)) == ["none.starting"]


# --- Cordons ---------------------------------------------------------------------------------------------------------


def cordoning(name: str, **kwargs: Any) -> tuple[Json, list[Json]]:
    change = {"field": "spec.unschedulable", "before": None, "after": True}
    return closed(name, cordoned=True, **kwargs), [change]


def test_the_cordon_is_to_blame_when_the_pod_could_run_there_but_for_it() -> None:
    scene = refused(_CORDONED, closed("node-1"), closed("node-2", cordoned=True))
    obj, changes = cordoning("node-1")
    (link,) = scene.see(obj, at=1, changes=changes).links(POD, at=4)
    assert (link.code, link.blame, link.workload) == ("scheduling.node_cordoned", NODE_1, DEPLOYMENT)
    assert link.change is not None
    assert (link.change.field, link.change.after) == ("spec.unschedulable", True)
    assert link.next == ("kubectl uncordon node-1",)


def test_a_workload_pinned_to_the_cordoned_node_is_to_blame() -> None:
    message = (
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable."
    )
    scene = refused(message, closed("node-1", labels={"disk": "ssd"}), closed("node-2"), nodeSelector={"disk": "ssd"})
    obj, changes = cordoning("node-1", labels={"disk": "ssd"})
    (link,) = scene.see(obj, at=1, changes=changes).links(POD, at=4)
    assert (link.code, link.blame) == ("scheduling.node_cordoned", DEPLOYMENT)
    assert link.attributes["pinned"] is True


def test_a_cordon_is_not_to_blame_while_the_open_nodes_refuse_what_the_pod_asks() -> None:
    message = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable."
    scene = refused(message, closed("node-1"), closed("node-2"), containers=asking(memory="64Gi"))
    obj, changes = cordoning("node-1")
    (link,) = scene.see(obj, at=1, changes=changes).links(POD, at=4)
    assert (link.code, link.blame) == ("scheduling.insufficient_memory", DEPLOYMENT)
    assert link.attributes["why"] == "too_big"


def test_a_cordon_that_left_too_little_room_is_to_blame() -> None:
    message = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable."
    scene = refused(message, closed("node-1"), closed("node-2"), containers=asking(memory="4Gi"))
    obj, changes = cordoning("node-1")
    assert codes(scene.see(obj, at=1, changes=changes).links(POD, at=4)) == ["scheduling.node_cordoned"]


def test_a_cordon_after_the_pod_was_refused_is_not_to_blame() -> None:
    message = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable."
    scene = refused(message, closed("node-1"), closed("node-2"), containers=asking(memory="4Gi"))
    obj, changes = cordoning("node-1")
    assert codes(scene.see(obj, at=2.5, changes=changes).links(POD, at=4)) == ["scheduling.insufficient_memory"]


# --- Taints ----------------------------------------------------------------------------------------------------------


def test_a_taint_that_was_there_before_the_workload_blames_the_workload() -> None:
    scene = refused(_TAINTED, closed("node-1", taints=[RED]))
    (link,) = scene.links(POD, at=4)
    assert (link.code, link.blame, link.change) == ("scheduling.taint_untolerated", DEPLOYMENT, None)
    assert link.attributes["taint"] == "team=red"


def test_a_taint_added_later_blames_the_node_with_the_change() -> None:
    scene = refused(_TAINTED, closed("node-1"))
    change = {"field": "spec.taints", "before": None, "after": [RED]}
    scene.see(closed("node-1", taints=[RED]), at=1, changes=[change])
    (link,) = scene.links(POD, at=4)
    assert link.blame == NODE_1
    assert link.change is not None
    assert link.change.field == "spec.taints"
    assert link.next == ("kubectl taint node node-1 team:NoSchedule-",)


def test_pods_of_the_workload_behind_the_taint_tell_that_it_came_later() -> None:
    scene = refused(_TAINTED, closed("node-1", taints=[RED]))
    (link,) = scene.see(pod("web-0"), at=1).links(POD, at=4)
    assert link.blame == NODE_1


def test_a_taint_added_before_the_toleration_was_taken_away_blames_the_workload() -> None:
    scene = refused(_TAINTED, closed("node-1"))
    change = {"field": "spec.taints", "before": None, "after": [RED]}
    scene.see(closed("node-1", taints=[RED]), at=0.5, changes=[change])
    dropped = {"field": "spec.template.spec.tolerations", "before": [{"operator": "Exists"}], "after": None}
    scene.see(deployment(), at=1.5, changes=[dropped])
    (link,) = scene.links(POD, at=4)
    assert link.blame == DEPLOYMENT
    assert link.change is not None
    assert link.change.field.endswith("tolerations")


def test_the_control_planes_taint_is_the_clusters_ordinary_shape() -> None:
    message = (
        f"0/3 nodes are available: 1 node(s) had untolerated taint {{{_CONTROL_PLANE}: }}, 2 Insufficient memory. "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims."
    )
    scene = refused(message, closed("cp", taints=[CONTROL_PLANE]), closed("node-1"), containers=asking(memory="4Gi"))
    (link,) = scene.links(POD, at=4)
    assert (link.code, link.attributes["why"]) == ("scheduling.insufficient_memory", "full")


def test_of_a_control_plane_and_a_cordon_the_cordon_is_to_blame() -> None:
    told = ["0/2 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"]
    message = ", ".join([*told, "1 node(s) were unschedulable."])
    scene = refused(message, closed("a-cp", taints=[CONTROL_PLANE]), closed("node-1", cordoned=True))
    (link,) = scene.links(POD, at=4)
    assert (link.code, link.blame) == ("scheduling.node_cordoned", NODE_1)


def test_a_taint_of_a_node_in_trouble_leads_to_the_node() -> None:
    unreachable = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
    message = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }."
    (link,) = refused(message, closed("node-1", taints=[unreachable])).links(POD, at=4)
    assert (link.code, link.blame, link.through) == ("scheduling.taint_untolerated", NODE_1, (NODE_1,))


# --- Sizes -----------------------------------------------------------------------------------------------------------

_NO_MEMORY = "0/2 nodes are available: 2 Insufficient memory."


def test_one_pod_too_big_for_any_node_is_told_from_a_full_cluster() -> None:
    for memory, why in (("64Gi", "too_big"), ("4Gi", "full")):
        scene = refused(_NO_MEMORY, closed("node-1"), closed("node-2"), containers=asking(memory=memory))
        (link,) = scene.links(POD, at=4)
        assert (link.blame, link.attributes["why"]) == (DEPLOYMENT, why)


def test_only_the_nodes_it_may_run_on_are_measured() -> None:
    large = closed("node-2", offer={"memory": "256Gi"})
    scene = refused(
        "0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector.",
        closed("node-1", labels={"disk": "ssd"}), large,
        containers=asking(memory="64Gi"), nodeSelector={"disk": "ssd"},
    )  # fmt: skip
    (link,) = scene.links(POD, at=4)
    assert (link.code, link.attributes["why"]) == ("scheduling.insufficient_memory", "too_big")


def test_the_raised_request_is_the_change() -> None:
    scene = refused(_NO_MEMORY, closed("node-1"), containers=asking(memory="64Gi"))
    field = "spec.template.spec.containers[app].resources.requests.memory"
    raised = [
        {"field": field, "before": "1Gi", "after": "64Gi"},
        {"field": field.replace("memory", "cpu"), "before": "1", "after": "2"},
    ]
    (link,) = scene.see(deployment(), at=1.9, changes=raised).links(POD, at=4)
    assert link.change is not None
    assert link.change.field == field


def test_more_replicas_than_the_cluster_holds_are_the_change() -> None:
    scene = refused(_NO_MEMORY, closed("node-1"), containers=asking(memory="4Gi"))
    grown = {"field": "spec.replicas", "before": 1, "after": 5}
    (link,) = scene.see(deployment(replicas=5), at=1.9, changes=[grown]).links(POD, at=4)
    assert link.change is not None
    assert (link.change.field, link.attributes["why"]) == ("spec.replicas", "full")


def test_a_change_of_long_ago_is_not_named() -> None:
    scene = refused(_NO_MEMORY, closed("node-1"), created=90, containers=asking(memory="4Gi"))
    grown = {"field": "spec.replicas", "before": 1, "after": 5}
    (link,) = scene.see(deployment(replicas=5), at=1.9, changes=[grown]).links(POD, at=92)
    assert link.change is None


def test_of_two_resources_the_one_that_no_node_could_give_decides() -> None:
    message = "0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory."
    scene = refused(message, closed("node-1"), containers=asking(cpu="16", memory="1Gi"))
    assert codes(scene.links(POD, at=4)) == ["scheduling.insufficient_cpu"]


# --- Neighbours ------------------------------------------------------------------------------------------------------

_APART = "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules."


def test_more_replicas_than_nodes_under_anti_affinity() -> None:
    scene = refused(_APART, closed("node-1"), closed("node-2"), owner=deployment(replicas=2))
    grown = {"field": "spec.replicas", "before": 2, "after": 3}
    (link,) = scene.see(deployment(replicas=3), at=1.9, changes=[grown]).links(POD, at=4)
    assert (link.code, link.blame) == ("scheduling.pod_anti_affinity", DEPLOYMENT)
    assert link.change is not None
    assert "3 replicas, 2 nodes" in link.summary
    assert link.next == (f"kubectl -n {NS} scale deployment/web --replicas=2",)


def test_a_cordon_that_took_the_last_node_from_anti_affinity_is_to_blame() -> None:
    message = "0/2 nodes are available: 1 node(s) didn't match pod anti-affinity rules, 1 node(s) were unschedulable."
    scene = refused(message, closed("node-1"), closed("node-2"), owner=deployment(replicas=2))
    obj, changes = cordoning("node-1")
    (link,) = scene.see(obj, at=1, changes=changes).links(POD, at=4)
    assert (link.code, link.blame) == ("scheduling.node_cordoned", NODE_1)


# --- Nobody placed it ------------------------------------------------------------------------------------------------


def unseen(**spec: Any) -> Json:
    obj = pod(created=0.5, **spec)
    obj["spec"].pop("nodeName", None)
    obj["status"] = {"phase": "Pending"}
    return obj


def test_a_pod_nobody_looks_at_tells_that_the_scheduler_is_down() -> None:
    scene = Scene().see(unseen(), at=0.5).say(deployment(), "SuccessfulCreate", "Created pod: web-1", at=0.5)
    assert codes(scene.links(POD, at=1)) == ["none.starting"]
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame.name) == ("scheduling.scheduler_down", "kube-scheduler")


def test_a_scheduler_that_nobody_runs_is_the_workloads_wish() -> None:
    (link,) = Scene().see(unseen(schedulerName="volcano"), at=0.5).links(POD, at=2)
    assert (link.code, link.blame) == ("scheduling.scheduler_down", DEPLOYMENT)


def test_a_pod_the_scheduler_spoke_of_is_not_forgotten() -> None:
    scene = Scene().see(unseen(), at=0.5).say(unseen(), "Scheduled", "assigned shop/web-1 to node-1", at=0.6)
    assert codes(scene.links(POD, at=2)) == ["none.starting"]


def test_a_node_that_never_was_blames_the_workload() -> None:
    obj = pod(created=0.5, nodeName="node-99")
    obj["status"] = {"phase": "Pending"}
    (link,) = Scene().see(node(), at=-5).see(obj, at=1).links(POD, at=2)
    assert (link.code, link.blame) == ("scheduling.node_name_unknown", DEPLOYMENT)


def test_a_node_that_nobody_may_see_is_not_unknown() -> None:
    obj = pod(created=0.5, nodeName="node-99")
    obj["status"] = {"phase": "Pending"}
    assert codes(Scene().see(obj, at=1).links(POD, at=2)) == ["none.starting"]


def test_a_successor_of_a_preempted_pod_blames_who_took_its_place() -> None:
    scene = refused(_NO_MEMORY, closed("node-1"), containers=asking(memory="4Gi"))
    victim, winner = pod("web-0"), pod("big-1", owner="big")
    scene.see(victim, at=0.5).see(winner, at=1.4)
    scene.say(victim, "Preempted", "Preempted by pod pod-big-1 on node node-1", at=1.5)
    scene.see(victim, at=1.6, deleted=True)
    (link,) = scene.links(POD, at=4)
    assert (link.code, link.blame) == ("scheduling.preempted", ObjectKey("Deployment", NS, "big"))


def test_a_preemption_in_another_workload_is_not_its_own() -> None:
    scene = refused(_NO_MEMORY, closed("node-1"), containers=asking(memory="4Gi"))
    victim = pod("mail-0", owner="mail")
    scene.see(victim, at=0.5).say(victim, "Preempted", "Preempted by pod pod-big-1 on node node-1", at=1.5)
    assert codes(scene.links(POD, at=4)) == ["scheduling.insufficient_memory"]


# --- Quantities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "size"),
    [("24581684Ki", 24581684 * 1024.0), ("1.5Gi", 1.5 * 2**30), ("500m", 0.5), ("1e3", 1000.0), ("2", 2.0), (3, 3.0)],
)
def test_quantities_are_read_in_every_unit_that_nodes_report(quantity: str | int, size: float) -> None:
    assert amount(quantity) == size


def test_what_is_no_quantity_has_no_size() -> None:
    assert (amount("much"), amount(None)) == (None, None)


def test_a_pod_that_a_gate_keeps_from_the_scheduler_says_so_after_a_while() -> None:
    obj = unscheduled(pod(), "Scheduling is blocked due to non-empty scheduling gates")
    obj["status"]["conditions"][0]["reason"] = "SchedulingGated"
    scene = Scene().see(obj, at=0.1)
    assert codes(scene.links(POD, at=0.5)) == ["none.starting"]
    assert codes(scene.links(POD, at=2)) == ["scheduling.gated"]
