"""Which cause is found, how deep, and which of several comes first."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from tapio.graph import EdgeType
from tapio.graph.symptoms import SymptomCode
from tapio.why import Question, explain_each, incidents
from tapio.why.kinds import KINDS, WORDS
from tapio.why.ranking import _WORST_FIRST
from tests.unit.why_graph import World, codes, key, t

POD = "Pod/shop/web-0"
OTHER = "Pod/shop/web-1"
TOP = "Deployment/shop/web"
CONFIG = "ConfigMap/shop/web-cfg"


def web(*pods: str) -> World:
    return World().deployment("web", *(pods or ("web-0", "web-1")))


def failing(*pods: str) -> World:
    world = web(*pods)
    for pod in pods or ("web-0", "web-1"):
        world.shows(f"Pod/shop/{pod}", "CrashLoopBackOff")
    return world


# --- Downwards -------------------------------------------------------------------------------------------------------


def routed() -> World:
    """Ingress, Service and Deployment over one pod that cannot pull its image."""
    world = web("web-0").shows(POD, "ImagePullBackOff").says(POD, "startup.image_not_found", TOP, 0.95)
    world.has("Service/shop/web").edge(EdgeType.SELECTS, "Service/shop/web", POD)
    return world.has("Ingress/shop/web").edge(EdgeType.ROUTES_TO, "Ingress/shop/web", "Service/shop/web")


@pytest.mark.parametrize("target", ["pod/web-0", "rs/web-rs", "deploy/web", "svc/web", "ing/web", "ns/shop", ""])
def test_whatever_stands_above_finds_the_same_cause(target: str) -> None:
    answer = routed().has("Namespace//shop").why(target)
    assert codes(answer) == ["startup.image_not_found"]
    assert answer.causes[0].entity.name == "web"


def test_a_node_answers_for_itself_alone() -> None:
    world = routed().has("Node//n1").edge(EdgeType.RUNS_ON, POD, "Node//n1").says("Node//n1", "none.healthy")
    assert codes(world.why("node/n1")) == ["none.healthy"]


def test_a_pod_does_not_answer_for_its_siblings() -> None:
    world = web().shows(OTHER, "Error").says(OTHER, "runtime.crash_app", TOP).says(POD, "none.healthy")
    assert codes(world.why("pod/web-0")) == ["none.healthy"]


def test_an_old_replica_sets_pods_do_not_count() -> None:
    world = (
        web("web-0")
        .says(TOP, "none.healthy")
        .has("ReplicaSet/shop/web-old", root=TOP)
        .owns(TOP, "ReplicaSet/shop/web-old")
    )
    world.has("Pod/shop/old-0", root=TOP).owns("ReplicaSet/shop/web-old", "Pod/shop/old-0")
    world.shows("Pod/shop/old-0", "Error").says("Pod/shop/old-0", "none.retired")
    assert codes(world.why("deploy/web")) == ["none.healthy"]
    assert incidents(world.store(), t(10)) == []


def test_what_a_retired_owner_still_owns_does_not_count() -> None:
    world = web("web-0").says(TOP, "none.healthy").says("ReplicaSet/shop/web-rs", "none.retired")
    world.shows(POD, "NotReady").says(POD, "runtime.readiness_port", TOP)
    assert codes(world.why("deploy/web")) == ["none.healthy"]


def test_an_edge_that_is_over_leads_nowhere() -> None:
    world = World().has("Service/shop/web").says("Service/shop/web", "none.healthy")
    world.edge(EdgeType.SELECTS, "Service/shop/web", POD, until=5).has(POD).shows(POD, "Error")
    assert codes(world.why("svc/web")) == ["none.healthy"]


def test_many_pods_are_read_at_once() -> None:
    names = [f"web-{number:03}" for number in range(100)]
    world = web(*names)
    for name in names:
        world.shows(f"Pod/shop/{name}", "Error").says(f"Pod/shop/{name}", "runtime.crash_app", TOP)
    answer = world.why("deploy/web")
    assert answer.causes[0].summary.endswith("(100 pods)")
    assert answer.impact.pods == 100


# --- Deeper ----------------------------------------------------------------------------------------------------------


def test_a_link_leads_through_to_the_deepest_cause_and_stays_in_the_chain() -> None:
    world = routed().shows("Service/shop/web", "NoEndpoints")
    world.says("Service/shop/web", "service.no_ready_endpoints", "Service/shop/web", 0.9, through=[POD])
    answer = world.why("svc/web")
    assert codes(answer) == ["startup.image_not_found"]
    assert answer.symptom
    assert answer.symptom.code == "NoEndpoints"
    rules = [step.rule for step in answer.causes[0].chain if step.rule]
    assert "startup.image_not_found@1" in rules


def test_a_chain_is_as_sure_as_its_weakest_link() -> None:
    world = World().has("Service/shop/web").shows("Service/shop/web", "NoEndpoints").has(POD)
    world.says("Service/shop/web", "service.no_ready_endpoints", confidence=0.8, through=[POD])
    world.says(POD, "startup.image_not_found", confidence=0.95)
    answer = world.why("svc/web")
    assert [(one.code, one.confidence) for one in answer.causes] == [("startup.image_not_found", 0.8)]
    assert [step.rule for step in answer.causes[0].chain if step.rule] == [
        "service.no_ready_endpoints@1",
        "startup.image_not_found@1",
    ]


def test_where_nothing_lies_deeper_the_upper_link_is_the_cause() -> None:
    world = World().has("Service/shop/web").shows("Service/shop/web", "NoEndpoints").has(POD).shows(POD, "NotReady")
    world.says("Service/shop/web", "service.no_ready_endpoints", through=[POD])
    assert codes(world.why("svc/web")) == ["service.no_ready_endpoints"]


def test_a_stuck_rollout_is_explained_by_its_pods() -> None:
    world = routed().shows(TOP, "ProgressDeadlineExceeded").says(TOP, "controller.rollout_stuck")
    answer = world.why("deploy/web")
    assert codes(answer) == ["startup.image_not_found"]
    assert answer.symptom
    assert answer.symptom.code == "ProgressDeadlineExceeded"


def test_a_stuck_rollout_without_a_deeper_cause_is_the_cause() -> None:
    world = web().shows(TOP, "ProgressDeadlineExceeded").says(TOP, "controller.rollout_stuck")
    assert codes(world.why("deploy/web")) == ["controller.rollout_stuck"]


def test_links_in_a_circle_end() -> None:
    world = World().has("Service/shop/a").has("Service/shop/b").shows("Service/shop/a", "NoEndpoints")
    world.says("Service/shop/a", "runtime.dependency_down", through=["Service/shop/b"])
    world.says("Service/shop/b", "runtime.dependency_down", through=["Service/shop/a"])
    answer = world.why("svc/a")
    assert [one.entity.name for one in answer.causes] == ["b"]


def test_links_that_lead_into_a_circle_end() -> None:
    world = World().has("Pod/shop/web").shows("Pod/shop/web", "NotReady")
    for name, through in (("Pod/shop/web", "b"), ("Service/shop/b", "c"), ("Service/shop/c", "b")):
        world.says(name, "runtime.dependency_down", through=[f"Service/shop/{through}"])
    assert [one.entity.name for one in world.why("pod/web").causes] == ["c"]


def test_owners_in_a_circle_end() -> None:
    world = World().has("Widget/shop/a").has("Widget/shop/b").owns("Widget/shop/a", "Widget/shop/b")
    world.owns("Widget/shop/b", "Widget/shop/a").shows("Widget/shop/b", "Failed").says(
        "Widget/shop/b", "runtime.crash_app"
    )
    assert codes(world.why("widget/a")) == ["runtime.crash_app"]


def test_a_long_way_down_ends_at_a_bound() -> None:
    world = World()
    for number in range(20):
        world.has(f"Service/shop/s{number}")
        world.says(f"Service/shop/s{number}", "runtime.dependency_down", through=[f"Service/shop/s{number + 1}"])
    answer = world.shows("Service/shop/s0", "NotReady").why("svc/s0")
    assert [one.entity.name for one in answer.causes] == ["s8"]


def test_a_wide_graph_of_links_is_walked_once() -> None:
    """Each of thirty services leads to the thirty of the next layer: 30^6 paths, and one cause."""
    world = World().has("Service/shop/top").shows("Service/shop/top", "NotReady")
    layers = [["top"], *([f"l{layer}n{number}" for number in range(30)] for layer in range(6)), ["end"]]
    for upper, lower in pairwise(layers):
        for name in upper:
            through = [f"Service/shop/{below}" for below in lower]
            world.says(f"Service/shop/{name}", "runtime.dependency_down", through=through)
    world.says("Service/shop/end", "network.refused", "Pod/shop/db-0")
    assert codes(world.why("svc/top")) == ["network.refused"]


# --- Two true at once, and first among several -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shallow", "deep"),
    [
        ("startup.init_container", "startup.command_invalid"),
        ("runtime.crash_app", "startup.init_container"),
        ("runtime.crash_app", "runtime.crash_after_change"),
        ("runtime.crash_app", "runtime.oom_killed"),
        ("runtime.readiness_port", "runtime.crash_app"),
        ("service.no_ready_endpoints", "service.selector_mismatch"),
    ],
)
def test_of_two_true_ones_the_deeper_is_the_cause_and_the_other_in_its_chain(shallow: str, deep: str) -> None:
    world = World().has(POD).shows(POD, "Error").says(POD, shallow, confidence=0.99).says(POD, deep, confidence=0.7)
    answer = world.why("pod/web-0")
    assert [(one.code, one.confidence) for one in answer.causes] == [(deep, 0.7)]
    assert f"{shallow}@1" in [step.rule for step in answer.causes[0].chain]


def test_a_doubtful_deeper_one_pushes_nothing_aside() -> None:
    world = World().has(POD).shows(POD, "Error")
    world.says(POD, "runtime.crash_app", confidence=0.9).says(POD, "runtime.crash_after_change", CONFIG, confidence=0.3)
    assert codes(world.why("pod/web-0")) == ["runtime.crash_app", "runtime.crash_after_change"]


def test_unrelated_families_do_not_give_way() -> None:
    world = World().has(POD).shows(POD, "Error")
    world.says(POD, "runtime.crash_app", confidence=0.9).says(POD, "scheduling.preempted", confidence=0.8)
    assert codes(world.why("pod/web-0")) == ["runtime.crash_app", "scheduling.preempted"]


def _change(world: World) -> World:
    change = world.changed(CONFIG, "data.DB_HOST", 0.5, before="db", after="db-new")
    world.says(POD, "runtime.credentials_invalid", TOP, 0.95)
    return world.says(POD, "runtime.crash_after_change", CONFIG, 0.7, change=change)


def _workload(world: World) -> World:
    return world.says(POD, "runtime.config_stale", POD, 0.95).says(POD, "runtime.crash_after_change", TOP, 0.7)


def _many(world: World) -> World:
    world.says(POD, "runtime.liveness_port", TOP, 0.95)
    for pod in (POD, OTHER):
        world.says(pod, "runtime.crash_after_change", "Service/shop/db", 0.7)
    return world


def _persistent(world: World) -> World:
    world.has("Pod/shop/late", root=TOP).owns("ReplicaSet/shop/web-rs", "Pod/shop/late").shows(
        "Pod/shop/late", "Starting"
    )
    world.says("Pod/shop/late", "startup.mount_failed", TOP, 0.95)
    return world.says(POD, "runtime.crash_after_change", TOP, 0.7)


def _believed(world: World) -> World:
    for pod in (POD, OTHER):
        world.says(pod, "node.kernel", "Node//n1", 0.4)
    return world.says(POD, "runtime.crash_after_change", TOP, 0.7)


def _surer(world: World) -> World:
    return world.says(POD, "runtime.liveness_exec", TOP, 0.6).says(POD, "runtime.crash_after_change", TOP, 0.7)


@pytest.mark.parametrize("case", [_change, _workload, _many, _persistent, _believed, _surer])
def test_the_rules_that_hold_everywhere_decide_who_comes_first(case: Callable[[World], World]) -> None:
    answer = case(failing()).why("deploy/web")
    assert len(answer.causes) == 2
    assert codes(answer)[0] == "runtime.crash_after_change"
    assert [cause.rank for cause in answer.causes] == [1, 2]


def test_one_cause_seen_in_several_pods_is_one_entry_told_by_the_clearest() -> None:
    world = failing().says(POD, "runtime.oom_killed", TOP, 0.7, summary="unsure", since=2)
    world.says(OTHER, "runtime.oom_killed", TOP, 0.95, summary="sure")
    answer = world.why("deploy/web")
    assert [(one.code, one.confidence, one.summary) for one in answer.causes] == [
        ("runtime.oom_killed", 0.95, "sure (2 pods)")
    ]


def test_another_change_is_another_cause() -> None:
    world = failing()
    for pod, field in ((POD, "data.A"), (OTHER, "data.B")):
        world.says(pod, "runtime.crash_after_change", CONFIG, change=world.changed(CONFIG, field, 0.5))
    assert len(world.why("deploy/web").causes) == 2


# --- Incidents -------------------------------------------------------------------------------------------------------


def three() -> World:
    world = failing().shows(TOP, "Unavailable")
    for pod in (POD, OTHER):
        world.says(pod, "runtime.oom_killed", TOP)
    world.has("Pod/pay/till").shows("Pod/pay/till", "Pending").says("Pod/pay/till", "scheduling.node_selector")
    return world.deployment("api", "api-0", namespace="pay").shows("Pod/pay/api-0", "CrashLoopBackOff")


def test_incidents_are_symptoms_by_deepest_cause_worst_first() -> None:
    found = incidents(three().store(), t(10))
    assert [(one.cause.code if one.cause else None, len(one.affected)) for one in found] == [
        ("runtime.oom_killed", 3),
        (None, 1),
        ("scheduling.node_selector", 1),
    ]
    assert found[0].since == t(1)


def test_each_incident_has_its_answer_worst_first() -> None:
    answers = explain_each(Question(at=t(10)), three().store())
    assert [(one.subject.name, one.status) for one in answers] == [
        ("web-0", "explained"),
        ("api-0", "unknown"),
        ("till", "explained"),
    ]
    assert three().why() == answers[0]


def test_a_namespace_has_its_own_incidents() -> None:
    answers = explain_each(Question(at=t(10), namespace="pay"), three().store())
    assert [one.subject.name for one in answers] == ["api-0", "till"]


def test_unexplained_symptoms_of_one_workload_are_one_incident() -> None:
    world = failing().shows(TOP, "Unavailable")
    (found,) = incidents(world.store(), t(10))
    assert found.affected == {key(POD), key(OTHER), key(TOP)}
    assert found.cause is None
    assert found.case.subject.key == key(POD)


def test_a_nodes_failure_gathers_what_runs_on_it() -> None:
    world = web().has("Node//n1").shows("Node//n1", "NodeNotReady").says("Node//n1", "node.kubelet_down")
    for pod in (POD, OTHER):
        world.shows(pod, "NotReady").says(pod, "node.kubelet_down", "Node//n1", 0.9)
    (found,) = incidents(world.store(), t(10))
    assert len(found.affected) == 3
    assert found.case.subject.key == key("Node//n1")


def test_many_mild_symptoms_are_worse_than_one_bad_one() -> None:
    world = web().has("Pod/pay/till").shows("Pod/pay/till", "OOMKilled").says("Pod/pay/till", "runtime.oom_killed")
    for pod in (POD, OTHER):
        world.shows(pod, "NotReady", 5).says(pod, "runtime.readiness_port", TOP)
    causes = [one.cause for one in incidents(world.store(), t(10))]
    assert [one.code if one else "" for one in causes] == ["runtime.readiness_port", "runtime.oom_killed"]


def test_the_worse_comes_first_among_as_many() -> None:
    world = (
        World().has("Pod/shop/a").has("Pod/shop/b").shows("Pod/shop/a", "NotReady").shows("Pod/shop/b", "OOMKilled", 3)
    )
    assert [one.case.subject.key.name for one in incidents(world.store(), t(10))] == ["b", "a"]


def test_older_comes_first_among_equals() -> None:
    world = World().has("Pod/shop/a").has("Pod/shop/b").shows("Pod/shop/a", "Error", 3).shows("Pod/shop/b", "Error", 2)
    assert [one.case.subject.key.name for one in incidents(world.store(), t(10))] == ["b", "a"]


# --- Tables ----------------------------------------------------------------------------------------------------------


def test_every_symptom_has_its_severity_or_is_plainly_mild() -> None:
    mild = {"ContainerCreating", "Starting", "Terminating", "Unknown", "ScaledToZero", "NodePressure"}
    assert {str(code) for code in SymptomCode} - {str(code) for code in _WORST_FIRST} == mild


def test_no_word_means_two_kinds() -> None:
    words = [word for kind in KINDS for word in {*kind.words, kind.name.lower()}]
    assert len(words) == len(set(words))
    assert set(words) <= set(WORDS)
