"""Pods that a webhook made other than their template, by example and near-miss."""

from typing import Any

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    NS,
    POD,
    Json,
    Scene,
    crash_looping,
    deployment,
    ended,
    pod,
    running,
    waiting,
    when,
    with_status,
)

PLAIN: Json = {"name": "app", "image": "registry.test/web:1"}
INJECTOR = ObjectKey("MutatingWebhookConfiguration", "", "injector")


def replicas(**container: Any) -> Json:
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    meta = {
        "name": "web-7d",
        "namespace": NS,
        "uid": "rs-web",
        "creationTimestamp": when(-60),
        "ownerReferences": [owner],
    }
    return {
        "kind": "ReplicaSet",
        "metadata": meta,
        "spec": {"template": {"spec": {"containers": [{**PLAIN, **container}]}}},
    }


def webhook(
    name: str = "injector", *, resources: tuple[str, ...] = ("pods",), created: float = -60, **more: Any
) -> Json:
    meta = {"name": name, "uid": f"hook-{name}", "creationTimestamp": when(created)}
    rules = [{"operations": ["CREATE"], "resources": list(resources)}]
    return {
        "kind": "MutatingWebhookConfiguration",
        "metadata": meta,
        "webhooks": [{"name": "a.b.c", "rules": rules, **more}],
    }


def scene(*containers: Json, hook: Json | None = None, **status: Json) -> Scene:
    obj = pod(created=0.5, containers=list(containers))
    obj["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web-7d", "controller": True}]
    states = [{**status.get(one["name"], running(1)), "name": one["name"]} for one in containers]
    begun = Scene().see(deployment(), at=-60).see(replicas(), at=-60).see(hook or webhook(), at=-50)
    return begun.see(with_status(obj, *states), at=2.1)


CRASH = crash_looping(ended(1, started=1.9, at=2, message="boom"))
NO_IMAGE = waiting("ErrImagePull", "proxy:1: not found")


def mutated(found: Scene) -> list[Any]:
    return [one for one in found.links(POD, at=3) if one.code == "admission.webhook_mutated"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"image": "mirror.test/web:1"}, NO_IMAGE),
        ({"args": ["--trace"]}, CRASH),
        ({"env": [{"name": "JAVA_TOOL_OPTIONS", "value": "-javaagent:/x.jar"}]}, CRASH),
        ({"resources": {"limits": {"memory": "8Mi"}}}, crash_looping(ended(137, started=1, at=2, reason="OOMKilled"))),
    ],
)
def test_what_a_webhook_put_in_and_what_fails_by_it_is_the_webhooks(changed: Json, status: Json) -> None:
    (link,) = mutated(scene({**PLAIN, **changed}, app=status))
    assert link.blame == INJECTOR
    assert link.attributes["fields"] == list(changed)


def test_a_container_that_the_template_does_not_have_is_the_webhooks() -> None:
    found = scene(PLAIN, {"name": "proxy", "image": "proxy:1"}, proxy=NO_IMAGE)
    assert [one.blame for one in mutated(found)] == [INJECTOR]
    assert found.answer("pod/web-1", at=3).causes[0].code == "admission.webhook_mutated"


def test_a_pod_that_is_as_its_template_fails_by_itself() -> None:
    assert not mutated(scene(PLAIN, app=CRASH))


def test_a_difference_that_does_not_fail_is_not_the_cause() -> None:
    assert not mutated(scene({**PLAIN, "args": ["--trace"]}, app=NO_IMAGE))
    assert not mutated(scene(PLAIN, {"name": "proxy"}, app=CRASH))


@pytest.mark.parametrize("hook", [webhook(resources=("deployments",)), webhook(rules=[])])
def test_a_webhook_that_is_not_asked_about_pods_did_not_do_it(hook: Json) -> None:
    assert not mutated(scene({**PLAIN, "args": ["--trace"]}, app=CRASH, hook=hook))


def test_a_webhook_of_other_namespaces_did_not_do_it() -> None:
    hook = webhook(namespaceSelector={"matchLabels": {"inject": "yes"}})
    home = {"kind": "Namespace", "metadata": {"name": NS, "uid": "ns", "labels": {"inject": "no"}}}
    assert not mutated(scene({**PLAIN, "args": ["--trace"]}, app=CRASH, hook=hook).see(home, at=-50))


def test_a_webhook_that_was_made_just_before_is_the_change() -> None:
    (link,) = mutated(scene({**PLAIN, "args": ["--trace"]}, app=CRASH, hook=webhook(created=0.2)))
    assert link.change is not None
    assert link.change.field == "metadata.creationTimestamp"


def test_a_limit_may_be_a_limit_ranges() -> None:
    end = crash_looping(ended(137, started=1, at=2, reason="OOMKilled"))
    found = scene({**PLAIN, "resources": {"limits": {"memory": "8Mi"}}}, app=end)
    ranges = {
        "kind": "LimitRange",
        "metadata": {"name": "defaults", "namespace": NS, "uid": "lr"},
        "spec": {"limits": []},
    }
    assert not mutated(found.see(ranges, at=-50))
