"""The document: every field as the contract has it, and the same bytes for the same question of the same graph."""

import json
from datetime import timedelta, timezone
from typing import Any

import pytest

from tapio.graph import EdgeType
from tapio.why import Question, decode, encode, explain, schema
from tests.unit.why_graph import World, key, seen, t

POD = "Pod/shop/checkout-0"
CONFIG = "ConfigMap/shop/checkout-cfg"


def incident() -> World:
    """A ConfigMap change that crashes three pods behind a Service and an Ingress; an HPA changed near in time."""
    pods = [f"checkout-{number}" for number in range(3)]
    world = World().deployment("checkout", *pods).has(CONFIG).has("Service/shop/checkout").has("Ingress/shop/shop")
    change = world.changed(CONFIG, "data.DB_HOST", 1, before="db", after="db-new", actor="argocd-controller")
    world.changed("HorizontalPodAutoscaler/shop/checkout", "spec.maxReplicas", 0.5, before=3, after=9, actor="kubectl")
    world.changed("ConfigMap/pay/other", "data.X", 0.5, before="a", after="b")
    world.changed("Node//n1", "spec.unschedulable", 0.8, after=True)
    world.changed("Node//n9", "spec.unschedulable", 0.8, after=True)
    for number, pod in enumerate(pods):
        name = f"Pod/shop/{pod}"
        world.shows(name, "CrashLoopBackOff", 2 + number / 10, message="back-off 5m0s")
        world.says(
            name,
            "runtime.crash_after_change",
            CONFIG,
            0.93 - number / 100,
            version=3,
            change=change,
            workload=key("Deployment/shop/checkout"),
            summary="checkout exits 1 since DB_HOST changed",
            evidence=(
                seen("ConfigMap changed", 1, of=CONFIG, event=change.event_id),
                seen("exit 1, restart x6", 2.5, of=name),
            ),
            ruled_out=("node.pressure_memory", "startup.image_not_found"),
            next=("kubectl -n shop rollout restart deploy/checkout",),
        )
        world.edge(EdgeType.SELECTS, "Service/shop/checkout", name).edge(EdgeType.RUNS_ON, name, "Node//n1")
        world.edge(EdgeType.MOUNTS, name, CONFIG)
    world.edge(EdgeType.ROUTES_TO, "Ingress/shop/shop", "Service/shop/checkout")
    world.has("Pod/pay/cart-0").edge(EdgeType.TALKS_TO, "Pod/pay/cart-0", "Service/shop/checkout")
    return world.source("kubeapi").source("ebpf", (2, 2.5), node="n7", lost=4)


def document(target: str = "pod/checkout-0", **question: Any) -> Any:
    return json.loads(encode(incident().why(target, **question)))


def test_the_fields_are_those_of_the_contract() -> None:
    found = document()
    assert list(found) == [
        "apiVersion", "kind", "id", "at", "question", "subject", "status", "symptom", "causes", "ruled_out",
        "coincident", "impact", "coverage", "next",
    ]  # fmt: skip
    assert (found["apiVersion"], found["kind"]) == ("tapio.dev/v1", "Explanation")
    assert found["at"] == "2024-01-10T12:10:00Z"
    assert found["question"] == "why pod/shop/checkout-0 at 2024-01-10T12:10:00Z"
    assert found["status"] == "explained"
    assert found["symptom"] == {
        "code": "CrashLoopBackOff", "since": "2024-01-10T12:02:00Z", "message": "back-off 5m0s"
    }  # fmt: skip


def test_entities_carry_uid_and_api_version_where_known() -> None:
    found = document()
    assert found["subject"] == {
        "kind": "Pod", "namespace": "shop", "name": "checkout-0", "uid": "uid-checkout-0", "apiVersion": "v1"
    }  # fmt: skip
    registry = World().has(POD).shows(POD, "Error").says(POD, "startup.registry_unreachable", "Registry//r.example")
    part = json.loads(encode(registry.why("pod/checkout-0")))["causes"][0]["entity"]
    assert part == {"kind": "Registry", "namespace": "", "name": "r.example"}


def test_a_cause_says_what_changed_and_what_it_rests_on() -> None:
    (cause,) = document()["causes"]
    chain = cause.pop("chain")
    entity, workload = cause.pop("entity"), cause.pop("workload")
    assert (entity["kind"], entity["name"]) == ("ConfigMap", "checkout-cfg")
    assert (workload["kind"], workload["name"], workload["apiVersion"]) == ("Deployment", "checkout", "apps/v1")
    assert cause == {
        "rank": 1,
        "code": "runtime.crash_after_change",
        "confidence": 0.93,
        "attributes": {},
        "change": {
            "field": "data.DB_HOST",
            "before": "db",
            "after": "db-new",
            "actor": "argocd-controller",
            "at": "2024-01-10T12:01:00Z",
        },
        "summary": "checkout exits 1 since DB_HOST changed",
    }
    assert [(step["at"][14:19], step["text"], step["rule"]) for step in chain] == [
        ("01:00", "ConfigMap changed", None),
        ("02:30", "exit 1, restart x6", None),
        ("02:30", "checkout exits 1 since DB_HOST changed", "runtime.crash_after_change@3"),
    ]
    assert set(chain[0]) == {"at", "event_id", "source", "entity", "text", "rule"}


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ({"before": "a", "after": None}, {"before": "a", "after": None}),
        ({"after": 3}, {"after": 3}),
        ({}, {}),
        ({"before": {"redacted": "d1"}, "after": [1]}, {"before": {"redacted": "d1"}, "after": [1]}),
    ],
)
def test_a_value_that_is_not_known_is_left_out_and_an_absent_one_is_null(
    values: dict[str, Any], written: dict[str, Any]
) -> None:
    world = World().has(POD).shows(POD, "Error")
    world.says(POD, "runtime.crash_after_change", CONFIG, change=world.changed(CONFIG, "data.X", 0.5, **values))
    change = json.loads(encode(world.why("pod/checkout-0")))["causes"][0]["change"]
    assert {name: change[name] for name in ("before", "after") if name in change} == written
    assert change["actor"] is None


def test_the_whole_deployment_counts_its_pods() -> None:
    assert document("deploy/checkout")["causes"][0]["summary"].endswith("(3 pods)")


def test_ruled_out_names_each_code_once() -> None:
    found = document("deploy/checkout")["ruled_out"]
    assert found == [
        {"code": "node.pressure_memory", "because": "not so"},
        {"code": "startup.image_not_found", "because": "not so"},
    ]


def test_the_impact_is_that_of_the_cause_whoever_was_asked_about() -> None:
    impact = document()["impact"]
    assert impact["pods"] == 3
    assert impact["services"] == [{"namespace": "shop", "name": "checkout", "ready": 0, "total": 3}]
    assert [one["name"] for one in impact["ingresses"]] == ["shop"]
    assert [one["name"] for one in impact["callers"]] == ["cart-0"]


def test_coincident_are_the_near_changes_that_nothing_links() -> None:
    found = document()["coincident"]
    assert [(one["entity"]["name"], one["text"]) for one in found] == [
        ("checkout", "spec.maxReplicas 3 -> 9 by kubectl"),
        ("n1", "spec.unschedulable is true"),
    ]
    assert set(found[0]) == {"at", "entity", "text"}


def test_fields_changed_in_one_go_are_one_coincidence() -> None:
    world = incident()
    for field in ("spec.a", "spec.b", "spec.c"):
        world.changed("Service/shop/checkout", field, 3, before=None, after="x", event_id="evt-one")
    texts = [one.text for one in world.why("pod/checkout-0").coincident]
    assert 'spec.a added "x" and 2 more' in texts


def test_changes_long_before_are_not_coincident() -> None:
    world = World().has(POD).shows(POD, "Error", 60).says(POD, "runtime.crash_app", since=60)
    world.changed("Service/shop/a", "spec.x", 29.9, before=1, after=2)
    world.changed("Service/shop/b", "spec.x", 30, before=1, after=2)
    assert [one.entity.name for one in world.why("pod/checkout-0", at=70).coincident] == ["b"]
    asked = world.why("pod/checkout-0", at=70, since=timedelta(hours=1))
    assert [one.entity.name for one in asked.coincident] == ["a", "b"]


def test_coverage_is_listed_with_its_gaps() -> None:
    assert document()["coverage"] == {
        "complete": False,
        "sources": [
            {
                "source": "ebpf",
                "node": "n7",
                "gaps": [{"from": "2024-01-10T12:02:00Z", "to": "2024-01-10T12:02:30Z", "cause": "reconnect"}],
                "lost": 4,
            },
            {"source": "kubeapi", "node": "", "gaps": [], "lost": 0},
        ],
    }


def test_unknown_has_no_causes_and_says_what_was_looked_at() -> None:
    found = document(min_confidence=0.99)
    assert (found["status"], found["causes"]) == ("unknown", [])
    assert found["looked_at"][0]["code"] == "runtime.crash_after_change"
    assert found["question"].endswith(", at least 0.99 sure")


def test_healthy_has_a_null_symptom() -> None:
    found = json.loads(encode(World().has(POD).says(POD, "none.healthy").why("pod/checkout-0")))
    assert found["symptom"] is None
    assert found["causes"][0]["workload"] is None
    assert found["causes"][0]["change"] is None
    assert found["impact"] == {"pods": 0, "services": [], "ingresses": [], "callers": []}


@pytest.mark.parametrize("target", ["", "pod/checkout-1", "deploy/checkout", "svc/checkout", "ns/shop"])
def test_the_order_in_which_records_came_changes_no_byte(target: str) -> None:
    question = Question(target=target)
    first = encode(explain(question, incident().has("Namespace//shop").store()))
    for seed in range(8):
        assert encode(explain(question, incident().has("Namespace//shop").store(shuffle=seed))) == first


def test_another_spelling_of_the_question_is_the_same_answer() -> None:
    spellings = [("pod/checkout-0", ""), ("po/checkout-0", "shop"), ("Pods/shop/checkout-0", "")]
    store = incident().store()
    assert len({encode(explain(Question(target=a, namespace=b), store)) for a, b in spellings}) == 1


def test_the_id_names_the_question_and_the_answer() -> None:
    ids = [
        document()["id"],
        document(at=9)["id"],
        document("pod/checkout-1")["id"],
        document(min_confidence=0.99)["id"],
    ]
    assert len(set(ids)) == 4
    assert document()["id"] == ids[0]


def test_the_document_comes_back_as_it_went() -> None:
    answer = incident().why("deploy/checkout")
    assert decode(encode(answer)) == answer


def test_times_are_utc_whatever_zone_was_asked_in() -> None:
    answer = explain(
        Question(
            target="pod/checkout-0",
            at=t(10).astimezone(timezone(timedelta(hours=2))),
        ),
        incident().store(),
    )
    assert json.loads(encode(answer))["at"] == "2024-01-10T12:10:00Z"


def test_the_schema_closes_every_list() -> None:
    found = schema(["b.two", "a.one"])
    parts = found["$defs"]
    assert parts["Status"]["enum"] == ["explained", "healthy", "incomplete", "unknown"]
    assert "CrashLoopBackOff" in parts["SymptomCode"]["enum"]
    assert parts["Cause"]["properties"]["code"] == {"enum": ["a.one", "b.two"]}
    assert parts["Explanation"]["properties"]["apiVersion"] == {"enum": ["tapio.dev/v1"], "default": "tapio.dev/v1"}
    assert parts["GapPart"]["required"] == ["from", "to", "cause"]
