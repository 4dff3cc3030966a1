"""Who is hit: by what is wrong with the target, and by whatever leans on it."""

from tapio.graph import EdgeType
from tapio.why.lists import ImpactReport, impact
from tapio.why.question import Question
from tests.unit.test_why_document import incident
from tests.unit.why_graph import World, t


def hit(world: World, target: str = "") -> ImpactReport:
    return impact(Question(target=target, at=t(10)), world.store())


def pods(report: ImpactReport) -> dict[str, str | None]:
    return {one.pod.name: one.symptom for one in report.pods}


def test_the_worst_incident_hits_all_that_have_its_cause() -> None:
    report = hit(incident())
    assert (report.code, report.entity and report.entity.name) == ("runtime.crash_after_change", "checkout-cfg")
    assert set(pods(report)) == {"checkout-0", "checkout-1", "checkout-2"}
    assert [(one.name, one.ready, one.total) for one in report.services] == [("checkout", 0, 3)]
    assert [one.name for one in (*report.workloads, *report.ingresses, *report.callers)] == [
        "checkout",
        "shop",
        "cart-0",
    ]


def test_what_leans_on_a_healthy_thing_is_named_those_in_trouble_first() -> None:
    world = incident().has("Pod/shop/a-first").has("Pod/shop/gone").says("Pod/shop/gone", "none.retired")
    world.edge(EdgeType.MOUNTS, "Pod/shop/gone", "ConfigMap/shop/checkout-cfg")
    world.edge(EdgeType.MOUNTS, "Pod/shop/a-first", "ConfigMap/shop/checkout-cfg")
    report = hit(world, "cm/checkout-cfg")
    assert report.code is None
    assert list(pods(report).items())[-1] == ("a-first", None)
    assert len(report.pods) == 4


def test_a_node_is_leant_on_by_what_runs_there_and_a_namespace_by_its_pods() -> None:
    assert set(pods(hit(incident().has("Node//n1"), "node/n1"))) == {"checkout-0", "checkout-1", "checkout-2"}
    assert set(pods(hit(incident(), "ns/pay"))) == {"cart-0"}


def test_what_nothing_leans_on_hits_nobody() -> None:
    report = hit(World().has("ConfigMap/shop/alone"), "cm/alone")
    assert (report.pods, report.services, report.workloads, report.ingresses, report.callers) == ((), (), (), (), ())
