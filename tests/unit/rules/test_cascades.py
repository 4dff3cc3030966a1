"""What follows from what somebody took away, by example and near-miss."""

from typing import Any

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    DEPLOYMENT,
    NS,
    POD,
    SERVICE,
    Json,
    Scene,
    codes,
    configmap,
    deployment,
    endpoints,
    node,
    pod,
    running,
    service,
    unscheduled,
    with_status,
)


def backed() -> Scene:
    scene = Scene().see(service(), at=-60).see(deployment(available=1), at=0)
    return scene.see(with_status(pod(), running(0.1), ready=True), at=0.2).see(endpoints("web", ready=1), at=0.2)


def test_a_workload_that_was_deleted_under_its_service_is_to_blame() -> None:
    scene = backed().see(deployment("other"), at=0).see(deployment("other"), at=0.9, deleted=True)
    scene.see(deployment(), at=1, deleted=True).see(pod(), at=1.1, deleted=True).see(endpoints("web"), at=1.1)
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.blame) == ("controller.owner_deleted", DEPLOYMENT)
    assert link.change is not None
    assert link.change.field == "metadata.deletionTimestamp"


def test_a_workload_that_took_the_place_of_a_deleted_one_is_not() -> None:
    scene = backed().see(deployment(), at=1, deleted=True).see(pod(), at=1.1, deleted=True)
    again = deployment("web-2", labels={"app": "web"})
    scene.see(again, at=1.2).see(endpoints("web"), at=1.2)
    assert "controller.owner_deleted" not in codes(scene.links(SERVICE, at=2))


# --- A drain ---------------------------------------------------------------------------------------------------------

NO_ROOM = "0/1 nodes are available: 1 node(s) were unschedulable. preemption: not helpful."
CORDON = {"field": "spec.unschedulable", "before": None, "after": True}


def cordoned() -> Scene:
    scene = Scene().see(deployment(available=1), at=-10).see(node(), at=-10)
    scene.see(with_status(pod(), running(-9), ready=True, ready_since=-9), at=-9)
    return scene.see(node() | {"spec": {"unschedulable": True}}, at=1, changes=[CORDON])


def evicted(reason: str) -> Json:
    obj = with_status(pod(), running(-9))
    obj["status"]["conditions"].append({"type": "DisruptionTarget", "status": "True", "reason": reason})
    return obj


def successor() -> Json:
    return unscheduled(pod("web-2", created=2), NO_ROOM, since=2)


def test_a_drain_that_leaves_no_other_place_is_told_from_a_mere_cordon() -> None:
    scene = cordoned().see(evicted("EvictionByEvictionAPI"), at=1.9).see(successor(), at=2)
    answer = scene.answer("pod/web-2", at=3)
    assert [cause.code for cause in answer.causes] == ["node.drained"]
    assert answer.causes[0].change is not None
    assert (answer.causes[0].entity.name, answer.causes[0].change.field) == ("node-1", "spec.unschedulable")


def test_a_pod_that_was_deleted_from_a_cordoned_node_was_not_drained() -> None:
    scene = cordoned().see(pod(), at=1.9, deleted=True).see(successor(), at=2)
    assert codes(scene.links(ObjectKey("Pod", NS, "web-2"), at=3)) == ["scheduling.node_cordoned"]
    other = cordoned().see(evicted("PreemptionByScheduler"), at=1.9).see(successor(), at=2)
    assert "node.drained" not in codes(other.links(ObjectKey("Pod", NS, "web-2"), at=3))


# --- A stale setting -------------------------------------------------------------------------------------------------


def running_on(log: str, *, changed_at: float = 1, **spec: Any) -> Scene:
    """A container that read DB_HOST when it started, is ready, and then is not."""
    reads: list[Json] = [{"name": "app", "envFrom": [{"configMapRef": {"name": "web-config"}}]}]
    obj = pod(containers=reads, **spec)
    change = {"field": "data.DB_HOST", "before": "db-old", "after": "db-new"}
    scene = Scene().see(deployment(), at=-10).see(configmap("web-config", {"DB_HOST": "db-old"}), at=-60)
    scene.see(with_status(obj, running(0.1), ready=True, ready_since=0.2), at=0.2)
    scene.see(configmap("web-config", {"DB_HOST": "db-new"}), at=changed_at, changes=[change])
    scene.see(with_status(obj, running(0.1, ready=False), ready_since=2), at=2)
    return scene.log(obj, log, at=2.1)


def test_a_program_that_still_asks_for_what_was_changed_has_not_read_the_change() -> None:
    (link,) = running_on("connect db-old:5432: no route to host").links(POD, at=3)
    assert (link.code, link.blame) == ("runtime.config_stale", ObjectKey("ConfigMap", NS, "web-config"))
    assert link.next == ("kubectl -n shop rollout restart deployment/web",)


def test_a_change_that_the_program_does_not_speak_of_did_it_no_harm() -> None:
    assert codes(running_on("out of ideas").links(POD, at=3)) == []


def test_a_change_after_the_trouble_began_is_not_its_cause() -> None:
    assert codes(running_on("connect db-old:5432: no route to host", changed_at=2.5).links(POD, at=3)) == []
