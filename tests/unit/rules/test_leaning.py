"""Somebody who is well and leans on a Service that leads nowhere, by example and near-miss."""

from datetime import timedelta
from typing import Any

import pytest

from tapio.graph import EdgeType
from tapio.unified import ObjectKey
from tapio.why.explain import explain
from tapio.why.question import Question
from tests.unit.rules.scene import (
    NS,
    T0,
    Json,
    Scene,
    configmap,
    deployment,
    endpoints,
    pod,
    running,
    service,
    when,
    with_status,
)

SCALED = {"field": "spec.replicas", "before": 1, "after": 0}


def named(setting: str, value: str) -> Json:
    return {"containers": [{"name": "app", "env": [{"name": setting, "value": value}]}]}


def serving(scene: Scene, name: str, **spec: Any) -> Scene:
    """A Deployment with its young Service and one ready pod."""
    young = service(name)
    young["metadata"]["creationTimestamp"] = when(-0.5)
    scene.see(young, at=-10).see(deployment(name, available=1), at=-10)
    well = with_status(pod(f"{name}-1", owner=name, created=-10, **spec), running(-9), ready=True, ready_since=-9)
    return scene.see(well, at=-9).see(endpoints(name, ready=1), at=-9)


def emptied(scene: Scene, name: str) -> Scene:
    scene.see(deployment(name, replicas=0), at=1, changes=[SCALED])
    gone = pod(f"{name}-1", owner=name, created=-10)
    return scene.see(gone, at=1.1, deleted=True).see(endpoints(name), at=1.1)


def shop() -> Scene:
    scene = serving(Scene(), "web", **named("API_URL", "http://api:80/v1"))
    serving(scene, "api", **named("DB_HOST", "db"))
    return serving(scene, "db")


@pytest.mark.parametrize(("target", "confidence"), [("deployment/api", 0.75), ("service/api", 0.75)])
def test_a_ready_program_is_told_why_what_its_settings_name_is_down(target: str, confidence: float) -> None:
    answer = emptied(shop(), "db").answer(target, at=2)
    assert (answer.status, answer.symptom.code if answer.symptom else "") == ("explained", "DependencyDown")
    (cause,) = answer.causes
    assert (cause.code, cause.entity.name, cause.confidence) == ("controller.scaled_to_zero", "db", confidence)
    assert cause.change is not None
    assert cause.change.field == "spec.replicas"
    assert any("api-1 is ready, and its settings name Service db" in step.text for step in cause.chain)


def test_so_is_one_two_steps_away_less_surely() -> None:
    (cause,) = emptied(shop(), "db").answer("service/web", at=2).causes
    assert (cause.code, cause.entity.name, cause.confidence) == ("controller.scaled_to_zero", "db", 0.6)
    assert [step.entity.name for step in cause.chain if "settings name" in step.text] == ["web-1", "api-1"]


def test_a_service_that_was_deleted_is_missed_by_those_whose_settings_name_it() -> None:
    answer = shop().see(service("db"), at=1, deleted=True).answer("deployment/api", at=2)
    assert (answer.status, answer.symptom.message if answer.symptom else "") == (
        "explained",
        "svc/shop/db: Service db was deleted",
    )
    (cause,) = answer.causes
    assert (cause.code, cause.entity.name, cause.confidence) == ("service.missing", "db", 0.75)
    assert cause.change is not None
    assert cause.change.field == "metadata.deletionTimestamp"
    again = service("db")
    again["metadata"] |= {"uid": "svc-db-2", "creationTimestamp": when(1.5)}
    scene = shop().see(service("db"), at=1, deleted=True).see(again, at=1.5)
    assert scene.answer("deployment/api", at=2).status == "healthy"


def test_so_is_the_namespace_where_nothing_else_is_wrong() -> None:
    scene = shop().see(service("db"), at=1, deleted=True)
    question = Question(target="", namespace=NS, at=T0 + timedelta(minutes=2))
    assert [cause.code for cause in explain(question, scene.graph()).causes] == ["service.missing"]


def test_a_service_that_leads_nowhere_for_an_unknown_cause_is_named_itself() -> None:
    scene = shop().see(with_status(pod("db-1", owner="other", created=-10), running(-9), ready=True), at=0.5)
    scene.see(pod("db-1", owner="db", created=-10), at=1, deleted=True).see(endpoints("db"), at=1)
    (cause,) = scene.answer("deployment/api", at=60).causes
    assert (cause.entity.kind, cause.entity.name) == ("Service", "db")


def test_who_leans_on_what_is_well_is_well() -> None:
    assert shop().answer("service/web", at=2).status == "healthy"
    assert emptied(shop(), "web").answer("deployment/db", at=2).status == "healthy"


def test_a_pod_of_the_callee_that_fails_beside_one_that_serves_is_no_trouble_of_the_caller() -> None:
    scene = shop().see(with_status(pod("db-2", owner="db", created=0), running(0, ready=False)), at=0.5)
    scene.see(endpoints("db", ready=1, unready=1), at=0.5)
    assert scene.answer("deployment/api", at=30).status == "healthy"


@pytest.mark.parametrize(
    ("setting", "value", "service_named"),
    [
        ("DB_HOST", "db", "db"),
        ("MYSQL_ADDRESS", "db:3306", "db"),
        ("DATABASE_URL", "postgres://shop:pw@db/shop", "db"),
        ("BROKERS", "kafka-0.kafka.shop.svc.cluster.local:9092", "kafka"),
        ("X", "carts.shop.svc.cluster.local", "carts"),
        ("MODE", "db", ""),
        ("DB_HOST", "localhost", ""),
        ("DB_HOST", "10.0.0.1:80", ""),
        ("DOCS_URL", "https://www.example.com/a", ""),
        ("STARTED", "2026-01-01T10:15:00", ""),
        ("IMAGE", "registry.example.com/x:12", ""),
    ],
)
def test_what_a_setting_names(setting: str, value: str, service_named: str) -> None:
    scene = Scene().see(pod(**named(setting, value)), at=0)
    edges = scene.graph().edges(ObjectKey("Pod", NS, "web-1"), _at(scene))
    called = [edge.target for edge in edges if edge.type is EdgeType.TALKS_TO]
    assert called == ([ObjectKey("Service", NS, service_named)] if service_named else [])


def _at(scene: Scene) -> Any:
    newest = scene.graph().newest()
    assert newest is not None
    return newest


def test_a_setting_in_a_config_map_counts_in_whatever_order_the_two_are_seen() -> None:
    settings = {"envFrom": [{"configMapRef": {"name": "cfg"}}]}
    containers = {"containers": [{"name": "app", **settings}]}
    for first in (-11, -8):
        scene = serving(serving(Scene(), "db"), "web", **containers)
        scene.see(configmap("cfg", {"DB_HOST": "db"}), at=first)
        assert emptied(scene, "db").answer("deployment/web", at=2).status == "explained"


def test_another_address_in_a_config_map_is_another_callee_from_then_on() -> None:
    containers = {"containers": [{"name": "app", "envFrom": [{"configMapRef": {"name": "cfg"}}]}]}
    scene = serving(serving(Scene(), "db"), "web", **containers).see(configmap("cfg", {"DB_HOST": "db"}), at=-8)
    scene.see(configmap("cfg", {"DB_HOST": "db-new"}), at=-5)
    assert emptied(scene, "db").answer("deployment/web", at=2).status == "healthy"
