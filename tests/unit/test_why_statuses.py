"""Each status, what decides it, and the exit code it gives."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tapio.errors import Exit, UnknownTargetError
from tapio.graph import EdgeType, RuledOut
from tapio.stores.memory import MemoryStore
from tapio.why import Question, Status, exit_code, exit_code_of_each, explain, explain_each
from tests.unit.why_graph import World, codes, seen, t

POD = "Pod/shop/web-0"


def crash(**link: Any) -> World:
    world = World().deployment("web", "web-0").shows(POD, "CrashLoopBackOff").source("kubeapi")
    return world.says(POD, "runtime.crash_app", "Deployment/shop/web", **link)


def test_a_cause_makes_it_explained() -> None:
    answer = crash().why("pod/web-0")
    assert answer.status is Status.EXPLAINED
    assert exit_code(answer) is Exit.EXPLAINED
    assert answer.looked_at is msgspec.UNSET
    cause = answer.causes[0]
    assert (cause.rank, cause.code, cause.confidence) == (1, "runtime.crash_app", 0.9)
    assert (cause.entity.kind, cause.entity.uid, cause.entity.api_version) == ("Deployment", "uid-web", "apps/v1")
    assert answer.symptom
    assert answer.symptom.code == "CrashLoopBackOff"


def test_the_workload_is_the_topmost_owner_in_the_data() -> None:
    workload = crash().why("pod/web-0").causes[0].workload
    assert workload
    assert (workload.kind, workload.name) == ("Deployment", "web")


def test_a_pod_that_nobody_owns_has_no_workload() -> None:
    world = World().has(POD).shows(POD, "Error").says(POD, "runtime.crash_app")
    assert world.why("pod/web-0").causes[0].workload is None


def test_a_symptom_without_a_cause_is_unknown_and_says_what_was_looked_at() -> None:
    answer = World().has(POD).shows(POD, "CrashLoopBackOff").why("pod/web-0")
    assert answer.status is Status.UNKNOWN
    assert exit_code(answer) is Exit.UNKNOWN
    assert answer.causes == ()
    assert answer.looked_at
    assert "runtime.oom_killed" in [one.code for one in answer.looked_at]
    assert answer.next[0] == "kubectl -n shop describe pod/web-0"


def test_rules_that_only_ruled_out_say_what_was_looked_at() -> None:
    world = World().has(POD).shows(POD, "Pending")
    world.says(POD, "unknown.pending", ruled_out=("scheduling.host_port",))
    answer = world.why("pod/web-0")
    assert answer.status is Status.UNKNOWN
    assert answer.looked_at
    assert (answer.looked_at[0].code, answer.looked_at[0].because) == ("scheduling.host_port", "not so")


@pytest.mark.parametrize("code", ["none.healthy", "none.recovered", "none.completed", "none.retired", "none.starting"])
def test_no_symptom_is_healthy_with_exactly_one_cause(code: str) -> None:
    answer = World().has(POD).says(POD, code, confidence=0.97).why("pod/web-0")
    assert answer.status is Status.HEALTHY
    assert exit_code(answer) is Exit.DONE
    assert answer.symptom is None
    assert codes(answer) == [code]
    cause = answer.causes[0]
    assert cause.entity == answer.subject
    assert (cause.workload, cause.change, cause.confidence) == (None, None, 0.97)
    assert cause.chain


def test_without_any_link_the_last_that_was_heard_is_the_evidence() -> None:
    answer = World().has(POD).heard(POD, "Started container app", 2).why("pod/web-0")
    assert codes(answer) == ["none.healthy"]
    assert [step.text for step in answer.causes[0].chain] == ["Started container app"]


def test_an_old_life_of_the_name_does_not_count() -> None:
    world = World().has(POD, uid="old", until=3).has(POD, uid="new", since=4)
    world.shows(POD, "ImagePullBackOff", uid="old", until=3)
    world.says(POD, "startup.image_not_found", uid="old", until=3).says(POD, "none.recovered", uid="new", since=4)
    assert codes(world.why("pod/web-0")) == ["none.recovered"]


def test_what_is_gone_is_explained_as_it_last_was() -> None:
    world = World().has(POD, uid="old", until=3).has(POD, uid="new", since=4)
    world.shows(POD, "ImagePullBackOff", uid="old", until=3)
    world.says(POD, "startup.image_not_found", uid="old", until=3)
    answer = world.why("pod/web-0", uid="old")
    assert codes(answer) == ["startup.image_not_found"]
    assert answer.at == t(10)
    assert answer.subject.uid == "old"


def test_what_was_concluded_after_the_end_stands() -> None:
    world = World().has(POD, until=3).shows(POD, "NotReady", until=3).says(POD, "none.retired", since=2)
    assert codes(world.why("pod/web-0")) == ["none.retired"]


# --- Starting --------------------------------------------------------------------------------------------------------


def starting() -> World:
    return World().deployment("web", "web-0").shows(POD, "ContainerCreating", 1, expected_by=11)


@pytest.mark.parametrize("target", ["pod/web-0", "deploy/web", "", "ns/shop"])
@pytest.mark.parametrize("at", [2, 11])
def test_until_its_time_a_start_is_healthy(at: float, target: str) -> None:
    world = starting().has("Namespace//shop")
    answer = world.why(target, at=at)
    assert answer.status is Status.HEALTHY
    assert codes(answer) == ["none.starting"]
    assert answer.causes[0].chain


def test_past_its_time_a_start_without_a_cause_is_unknown() -> None:
    answer = starting().why("pod/web-0", at=11.1)
    assert answer.status is Status.UNKNOWN
    assert answer.symptom
    assert answer.symptom.code == "ContainerCreating"


def test_the_rules_own_words_for_a_start_are_used() -> None:
    world = starting().says(POD, "none.starting", confidence=0.8, summary="pulling its image", since=1)
    assert world.why("pod/web-0").causes[0].summary == "pulling its image"


def test_an_owner_that_waits_for_a_start_is_starting_too() -> None:
    world = starting().shows("Deployment/shop/web", "Unavailable")
    world.has("Service/shop/web").shows("Service/shop/web", "NoEndpoints")
    world.says("Service/shop/web", "service.no_ready_endpoints", through=[POD])
    assert world.why("deploy/web").status is Status.HEALTHY
    assert world.why("svc/web").status is Status.HEALTHY
    assert explain_each(Question(at=t(10)), world.store()) == []


def test_one_that_starts_does_not_hide_one_that_fails() -> None:
    world = starting().has("Pod/shop/web-1").owns("ReplicaSet/shop/web-rs", "Pod/shop/web-1")
    world.shows("Pod/shop/web-1", "Error").says("Pod/shop/web-1", "runtime.crash_app", "Deployment/shop/web")
    assert codes(world.why("deploy/web")) == ["runtime.crash_app"]


# --- Confidence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("least", "status"), [(0.0, "explained"), (0.9, "explained"), (0.91, "unknown")])
def test_a_weaker_answer_becomes_unknown(least: float, status: str) -> None:
    answer = crash().why("pod/web-0", min_confidence=least)
    assert answer.status == status
    if status == "unknown":
        assert answer.looked_at
        assert answer.looked_at[0].code == "runtime.crash_app"
        assert "0.90 is below 0.91" in answer.looked_at[0].because


def test_a_weaker_all_clear_becomes_unknown() -> None:
    answer = World().has(POD).says(POD, "none.healthy", confidence=0.6).why("pod/web-0", min_confidence=0.7)
    assert (answer.status, answer.symptom, answer.causes) == (Status.UNKNOWN, None, ())
    assert answer.looked_at


def test_further_causes_below_the_least_confidence_are_left_out() -> None:
    world = crash().says(POD, "performance.cpu_throttled", confidence=0.3)
    assert codes(world.why("pod/web-0", min_confidence=0.5)) == ["runtime.crash_app"]


# --- Gaps ------------------------------------------------------------------------------------------------------------

BOTH = (seen("exit 1", 1), seen("oom", 1, "systemd"))


@pytest.mark.parametrize(
    ("name", "sources", "link", "status", "confidence"),
    [
        ("no gap", [("kubeapi", ())], {}, "explained", 0.9),
        ("the only source was blind", [("kubeapi", ((2, 3),))], {}, "incomplete", 0.63),
        ("blind until now", [("kubeapi", ((2, None),))], {}, "incomplete", 0.63),
        ("blind before it all", [("kubeapi", ((-9, 0.5),))], {}, "explained", 0.9),
        ("an unneeded source was blind", [("kubeapi", ()), ("ebpf", ((2, 3),))], {}, "explained", 0.9),
        ("one of two that decide", [("kubeapi", ()), ("systemd", ((2, 3),))], {"evidence": BOTH}, "explained", 0.9),
        ("both that decide", [("kubeapi", ((1, 2),)), ("systemd", ((2, 3),))], {"evidence": BOTH}, "incomplete", 0.63),
        ("missing and blind", [("kubeapi", ()), ("ebpf", ((2, 3),))], {"missing": ("ebpf",)}, "incomplete", 0.63),
        ("missing, never installed", [("kubeapi", ())], {"missing": ("ebpf",)}, "explained", 0.9),
        ("missing, installed, no gap", [("kubeapi", ()), ("ebpf", ())], {"missing": ("ebpf",)}, "explained", 0.9),
    ],
)
def test_only_a_needed_sources_gap_makes_it_incomplete(
    name: str,
    sources: list[tuple[str, tuple[tuple[float, float | None], ...]]],
    link: dict[str, Any],
    status: str,
    confidence: float,
) -> None:
    world = World().has(POD).shows(POD, "Error").says(POD, "runtime.crash_app", **link)
    for source, gaps in sources:
        world.source(source, *gaps)
    answer = world.why("pod/web-0")
    assert (answer.status, answer.causes[0].confidence) == (status, confidence)
    assert exit_code(answer) is (Exit.EXPLAINED if status == "explained" else Exit.INCOMPLETE)


@pytest.mark.parametrize("cause", ["forbidden: Node", "not served: EndpointSlice"])
def test_a_kind_that_is_never_read_is_missed_by_what_cannot_be_told_alone(cause: str) -> None:
    told = World().has(POD).shows(POD, "Error").says(POD, "runtime.crash_app").source("kubeapi", (1, None), cause=cause)
    assert told.why("pod/web-0").status is Status.EXPLAINED
    untold = World().has(POD).shows(POD, "Error").source("kubeapi", (1, None), cause=cause)
    assert untold.why("pod/web-0").status is Status.INCOMPLETE
    well = World().has(POD).says(POD, "none.healthy").source("kubeapi", (1, None), cause=cause)
    assert well.why("pod/web-0").status is Status.HEALTHY


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        ("expired: Pod", Status.INCOMPLETE),
        ("expired: Deployment", Status.INCOMPLETE),  # which it blames
        ("unreachable", Status.INCOMPLETE),
        ("expired: ClusterRole", Status.EXPLAINED),
    ],
)
def test_a_gap_of_one_kind_counts_where_the_conclusion_is_about_that_kind(cause: str, status: Status) -> None:
    world = World().has(POD).shows(POD, "Error").source("kubeapi", (2, 3), cause=cause)
    world.says(POD, "runtime.crash_app", "Deployment/shop/web")
    assert world.why("pod/web-0").status is status


@pytest.mark.parametrize(("kind", "status"), [("Pod", Status.INCOMPLETE), ("ClusterRole", Status.HEALTHY)])
def test_all_is_well_cannot_be_said_of_pods_that_are_not_told_of(kind: str, status: Status) -> None:
    world = World().has(POD).says(POD, "none.healthy").source("kubeapi", (2, None), cause=f"unreachable: {kind}")
    assert world.why("pod/web-0").status is status


def test_another_nodes_gap_does_not_count() -> None:
    world = World().has(POD).shows(POD, "Error").says(POD, "runtime.oom_killed", missing=("ebpf",))
    world.edge(EdgeType.RUNS_ON, POD, "Node//n1").source("ebpf", (2, 3), node="n2").source("ebpf", node="n1")
    assert world.why("pod/web-0").status is Status.EXPLAINED


def test_looking_back_further_finds_older_gaps() -> None:
    world = World().has(POD).shows(POD, "Error", 5).says(POD, "runtime.crash_app", since=5).source("kubeapi", (1, 2))
    assert world.why("pod/web-0").status is Status.EXPLAINED
    assert world.why("pod/web-0", since=timedelta(minutes=9)).status is Status.INCOMPLETE


def test_a_gap_that_makes_it_too_weak_is_incomplete_and_not_unknown() -> None:
    answer = crash(missing=("ebpf",)).source("ebpf", (2, 3)).why("pod/web-0", min_confidence=0.7)
    assert (answer.status, answer.causes) == (Status.INCOMPLETE, ())


def test_unknown_with_a_blind_source_is_incomplete() -> None:
    answer = World().has(POD).shows(POD, "Error").source("kubeapi", (2, 3)).why("pod/web-0")
    assert answer.status is Status.INCOMPLETE
    assert answer.looked_at


@pytest.mark.parametrize(("gap", "status"), [((2, 3), "healthy"), ((2, None), "incomplete")])
def test_all_is_well_cannot_be_said_while_the_states_are_not_seen(gap: tuple[float, float], status: str) -> None:
    answer = World().has(POD).says(POD, "none.healthy").source("kubeapi", gap).why("pod/web-0")
    assert answer.status == status
    assert answer.symptom is None
    assert codes(answer) == ["none.healthy"]


def test_coverage_lists_every_source_and_the_gaps_that_touch_the_answer() -> None:
    world = crash().source("ebpf", (-9, -8), (2, 3), node="n1", lost=7)
    coverage = world.why("pod/web-0").coverage
    assert not coverage.complete
    assert [(one.source, one.node, one.lost) for one in coverage.sources] == [("ebpf", "n1", 7), ("kubeapi", "", 0)]
    assert [(gap.start, gap.to, gap.cause) for gap in coverage.sources[0].gaps] == [(t(2), t(3), "reconnect")]


# --- No target -------------------------------------------------------------------------------------------------------


def test_nothing_wrong_anywhere_is_said_of_the_cluster() -> None:
    world = World().deployment("web", "web-0").deployment("api", "api-0").says("Deployment/shop/web", "none.healthy")
    answer = world.has("Node//n1").why()
    assert (answer.subject.kind, answer.subject.name) == ("Component", "cluster")
    assert codes(answer) == ["none.healthy"]
    assert explain_each(Question(at=t(10)), world.store()) == []
    assert exit_code_of_each([]) is Exit.DONE


def test_a_file_about_one_thing_is_answered_about_that_thing() -> None:
    answer = World().has(POD).says(POD, "none.completed").why()
    assert (answer.subject.kind, answer.subject.name) == ("Pod", "web-0")
    assert codes(answer) == ["none.completed"]


def test_a_namespace_alone_is_answered_about_that_namespace() -> None:
    world = crash().has("Pod/pay/till").says("Pod/pay/till", "none.recovered")
    assert world.why(namespace="shop").status is Status.EXPLAINED
    calm = world.why(namespace="pay")
    assert (calm.subject.kind, calm.subject.name, codes(calm)) == ("Namespace", "pay", ["none.recovered"])


def test_an_unknown_namespace_names_those_there_are() -> None:
    with pytest.raises(UnknownTargetError) as error:
        crash().why(namespace="shpo")
    assert error.value.near == ("shop",)


def test_no_data_at_all_is_an_error() -> None:
    with pytest.raises(UnknownTargetError, match="no event has come"):
        explain(Question(), MemoryStore())


def test_without_a_moment_the_newest_event_is_the_moment() -> None:
    assert explain(Question(), crash().store()).at == t(10)


# --- What the life of an object means for its answer -----------------------------------------------------------------


def test_what_may_be_a_start_counts_once_a_rule_knows_its_cause() -> None:
    world = World().has("Service/shop/web").shows("Service/shop/web", "NoEndpoints", expected_by=11)
    assert codes(world.why("svc/web", at=5)) == ["none.starting"]
    world.says("Service/shop/web", "service.selector_mismatch")
    assert codes(world.why("svc/web", at=5)) == ["service.selector_mismatch"]
    assert codes(world.why(at=5)) == ["service.selector_mismatch"]


def test_an_owner_before_its_time_shares_its_pods_trouble() -> None:
    world = crash().shows("Deployment/shop/web", "Unavailable", expected_by=11)
    answer = world.why("deploy/web", at=5)
    assert codes(answer) == ["runtime.crash_app"]
    assert answer.symptom
    assert answer.symptom.code == "Unavailable"


@pytest.mark.parametrize(
    ("after", "code"), [("none.retired", "runtime.oom_killed"), ("none.recovered", "none.retired")]
)
def test_what_was_removed_in_trouble_is_explained_and_what_recovered_first_is_not(after: str, code: str) -> None:
    world = World().has(POD, uid="u", until=6).shows(POD, "CrashLoopBackOff", uid="u", until=4)
    world.says(POD, "runtime.oom_killed", uid="u", until=4).says(POD, after, uid="u", since=4, until=6)
    world.says(POD, "none.retired", uid="u", since=6)
    assert codes(world.why("pod/web-0")) == [code]


def test_what_was_said_of_an_older_life_is_not_said_of_this_one() -> None:
    world = World().has("Service/shop/web").edge(EdgeType.SELECTS, "Service/shop/web", POD)
    world.has(POD, uid="old", until=3).says(POD, "none.retired", uid="old", since=3)
    world.has(POD, uid="new", since=4).says(POD, "runtime.crash_app", uid="new", since=5)
    world.shows("Service/shop/web", "NoEndpoints").says("Service/shop/web", "service.no_ready_endpoints", through=[POD])
    assert codes(world.why("svc/web")) == ["runtime.crash_app"]


def test_an_object_whose_name_another_has_is_no_incident() -> None:
    """Its end was never told, but two cannot have one name."""
    world = World().has("Job/shop/j", uid="old").shows("Job/shop/j", "JobFailed", uid="old")
    world.says("Job/shop/j", "controller.job_failed", uid="old")
    world.has("Job/shop/j", uid="new", since=5).says("Job/shop/j", "none.completed", uid="new", since=5)
    assert codes(world.why("job/j")) == ["none.completed"]
    assert codes(world.why()) == ["none.completed"]


def test_what_the_rules_examined_is_what_was_looked_at() -> None:
    examined = (RuledOut(code="startup.mount_failed", because="its deciding signals are absent"),)
    answer = World().has(POD).shows(POD, "ContainerCreating", examined=examined).why("pod/web-0")
    assert answer.looked_at
    assert [(one.code, one.because) for one in answer.looked_at] == [
        ("startup.mount_failed", "its deciding signals are absent")
    ]
