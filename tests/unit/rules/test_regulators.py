"""Autoscalers, budgets, schedules, routes and what cannot leave, by example and near-miss."""

from typing import Any

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    DEPLOYMENT,
    NS,
    POD,
    Json,
    Scene,
    codes,
    deployment,
    node,
    pod,
    running,
    service,
    when,
    with_status,
)

HPA = ObjectKey("HorizontalPodAutoscaler", NS, "web")
PDB = ObjectKey("PodDisruptionBudget", NS, "web")
CRON = ObjectKey("CronJob", NS, "nightly")
INGRESS = ObjectKey("Ingress", NS, "front")
NO_API = "unable to fetch metrics from resource metrics API: the server could not find the requested resource"


def named(kind: str, name: str, **rest: Any) -> Json:
    meta = {"name": name, "namespace": NS, "uid": f"{kind}-{name}", "creationTimestamp": when(0)}
    return {"kind": kind, "metadata": meta, **rest}


def autoscaler(*conditions: tuple[str, str, str, str], most: int = 3) -> Json:
    """Conditions as (type, status, reason, message), since minute 1."""
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": most}
    keys = ("type", "status", "reason", "message")
    told = [dict(zip(keys, one, strict=True)) | {"lastTransitionTime": when(1)} for one in conditions]
    return named(HPA.kind, HPA.name, spec=spec, status={"currentReplicas": most, "conditions": told})


def inactive(message: str) -> Json:
    return autoscaler(("ScalingActive", "False", "FailedGetResourceMetric", message))


def test_an_autoscaler_without_an_api_for_metrics_says_so() -> None:
    (link,) = Scene().see(inactive(NO_API), at=1).links(HPA, at=1.1)
    assert (link.code, link.blame, link.workload) == ("controller.hpa_no_metrics", HPA, DEPLOYMENT)


def test_a_workload_without_a_request_cannot_be_measured_against_it() -> None:
    scene = Scene().see(inactive("failed to get cpu utilization: missing request for cpu in container app"), at=1)
    (link,) = scene.links(HPA, at=1.1)
    assert (link.code, link.blame, link.attributes["resource"]) == ("controller.hpa_no_metrics", DEPLOYMENT, "cpu")


def test_metrics_that_are_only_late_are_no_trouble_yet() -> None:
    scene = Scene().see(inactive("did not receive metrics for targeted pods (pods might be unready)"), at=1)
    symptom = scene.symptom(HPA, at=1.5)
    assert symptom is not None
    assert symptom.expected_by is not None
    assert codes(scene.links(HPA, at=4)) == ["controller.hpa_no_metrics"]


def test_an_autoscaler_that_is_held_by_its_own_bound_names_who_set_that() -> None:
    limited = ("ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum")
    change = {"field": "spec.maxReplicas", "before": 10, "after": 3}
    scene = Scene().see(autoscaler(most=10), at=0).see(autoscaler(limited), at=1, changes=[change])
    (link,) = scene.links(HPA, at=2)
    assert (link.code, link.blame) == ("controller.hpa_bounds", HPA)
    assert link.change is not None
    assert link.change.before == 10


@pytest.mark.parametrize(
    "condition",
    [
        ("ScalingLimited", "True", "TooFewReplicas", "the desired replica count is less than the minimum"),
        ("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range"),
        ("ScalingActive", "False", "ScalingDisabled", "scaling is disabled since the replica count is zero"),
    ],
)
def test_an_autoscaler_that_does_as_it_is_told_is_well(condition: tuple[str, str, str, str]) -> None:
    assert codes(Scene().see(autoscaler(condition), at=1).links(HPA, at=5)) == ["none.healthy"]


def test_a_target_that_is_not_there_cannot_be_scaled() -> None:
    able = ("AbleToScale", "False", "FailedGetScale", 'deployments.apps "web" not found')
    (link,) = Scene().see(autoscaler(able), at=1).links(HPA, at=2)
    assert link.code == "controller.hpa_target_missing"


# --- Budgets ---------------------------------------------------------------------------------------------------------

CORDON = {"field": "spec.unschedulable", "before": None, "after": True}


def budget(*, allowed: int = 0) -> Json:
    spec = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 1}
    status = {"disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    return named(PDB.kind, PDB.name, spec=spec, status=status)


def draining(**budget_is: int) -> Scene:
    cordoned = node() | {"spec": {"unschedulable": True}}
    scene = Scene().see(node(), at=-10).see(budget(**budget_is), at=0)
    scene.see(with_status(pod(), running(0), ready=True), at=0.1)
    return scene.see(cordoned, at=1, changes=[CORDON])


def test_a_budget_that_lets_no_pod_go_blocks_a_drain() -> None:
    (link,) = draining().links(PDB, at=2)
    assert (link.code, link.blame, link.attributes["node"]) == ("controller.pdb_blocks", PDB, "node-1")


def test_a_budget_with_room_or_without_a_drain_is_well() -> None:
    assert codes(draining(allowed=1).links(PDB, at=2)) == ["none.healthy"]
    still = Scene().see(node(), at=-10).see(budget(), at=0).see(with_status(pod(), running(0), ready=True), at=0.1)
    assert codes(still.links(PDB, at=2)) == ["none.healthy"]


# --- Schedules -------------------------------------------------------------------------------------------------------


def schedule(last: float | None = None, **spec: Any) -> Json:
    status = {} if last is None else {"lastScheduleTime": when(last)}
    return named(CRON.kind, CRON.name, spec={"schedule": "* * * * *", **spec}, status=status)


@pytest.mark.parametrize("reason", ["MissSchedule", "JobAlreadyActive", "FailedNeedsStart"])
def test_a_schedule_that_was_missed_is_told_by_its_controller(reason: str) -> None:
    obj = schedule(last=1)
    scene = Scene().see(obj, at=1).say(obj, reason, "for this or that reason", at=3)
    (link,) = scene.links(CRON, at=4)
    assert (link.code, link.blame) == ("controller.cron_missed", CRON)


def test_a_schedule_that_has_been_met_since_is_well() -> None:
    obj = schedule(last=1)
    scene = Scene().see(obj, at=1).say(obj, "MissSchedule", "too late", at=3).see(schedule(last=4), at=4)
    assert codes(scene.links(CRON, at=5)) == ["none.recovered"]


def test_a_schedule_that_somebody_suspended_names_the_change() -> None:
    change = {"field": "spec.suspend", "before": False, "after": True}
    scene = Scene().see(schedule(), at=0).see(schedule(suspend=True), at=1, changes=[change])
    (link,) = scene.links(CRON, at=2)
    assert link.change is not None
    assert (link.code, link.change.after) == ("controller.cron_missed", True)
    assert codes(scene.links(CRON, at=26 * 60)) == ["none.recovered"]


def test_a_schedule_that_is_suspended_by_design_is_well() -> None:
    assert codes(Scene().see(schedule(suspend=True), at=1).links(CRON, at=2)) == ["none.healthy"]


# --- Routes ----------------------------------------------------------------------------------------------------------


def ingress(backend: str = "web", port: int = 80) -> Json:
    to = {"service": {"name": backend, "port": {"number": port}}}
    rules = [{"host": "shop.test", "http": {"paths": [{"path": "/", "backend": to}]}}]
    return named(INGRESS.kind, INGRESS.name, spec={"rules": rules})


def test_an_ingress_to_a_service_that_never_was_is_to_blame() -> None:
    (link,) = Scene().see(service(), at=-60).see(ingress("webb"), at=0).links(INGRESS, at=1)
    assert (link.code, link.blame) == ("network.ingress_misroute", INGRESS)


def test_an_ingress_to_a_port_that_the_service_does_not_have_is_to_blame() -> None:
    (link,) = Scene().see(service(), at=-60).see(ingress(port=81), at=0).links(INGRESS, at=1)
    assert (link.code, link.attributes["port"]) == ("network.ingress_misroute", 81)


def test_a_service_that_was_deleted_behind_an_ingress_is_to_blame_itself() -> None:
    scene = Scene().see(service(), at=-60).see(ingress(), at=0).see(service(), at=1, deleted=True)
    (link,) = scene.links(INGRESS, at=2)
    assert (link.code, link.blame) == ("service.missing", ObjectKey("Service", NS, "web"))


def test_an_ingress_that_leads_somewhere_is_well() -> None:
    assert codes(Scene().see(service(), at=-60).see(ingress(), at=0).links(INGRESS, at=1)) == ["none.healthy"]


def test_where_no_service_is_known_nothing_is_said_of_where_an_ingress_leads() -> None:
    assert codes(Scene().see(ingress(), at=0).links(INGRESS, at=1)) == ["none.healthy"]


# --- What cannot leave -----------------------------------------------------------------------------------------------


def leaving(*finalizers: str) -> Scene:
    obj = pod()
    obj["metadata"] |= {"deletionTimestamp": when(1), "finalizers": list(finalizers)}
    return Scene().see(node(), at=-10).see(with_status(obj, running(0), ready=True), at=1)


def test_a_finalizer_that_nobody_takes_away_keeps_what_was_deleted() -> None:
    scene = leaving("example.test/hold")
    assert codes(scene.links(POD, at=1.5)) == ["none.retired"]
    (link,) = scene.links(POD, at=3)
    assert (link.code, link.blame) == ("admission.stuck_deleting", POD)
    assert link.attributes["finalizers"] == ["example.test/hold"]


def test_what_leaves_without_a_finalizer_is_only_slow() -> None:
    assert codes(leaving().links(POD, at=3)) == ["none.retired"]


def told_of_a_namespace(*told: tuple[str, str]) -> Any:
    """The link of a namespace that is stuck; `told` are types and messages of its conditions."""
    conditions = [
        {"type": type_, "status": "True", "reason": "Told", "message": message, "lastTransitionTime": when(1)}
        for type_, message in told
    ]
    meta = {"name": NS, "uid": "ns-shop", "creationTimestamp": when(-60), "deletionTimestamp": when(1)}
    obj = {"kind": "Namespace", "metadata": meta, "status": {"phase": "Terminating", "conditions": conditions}}
    (link,) = Scene().see(obj, at=1).see(deployment(available=1), at=1).links(ObjectKey("Namespace", "", NS), at=3)
    assert link.code == "admission.stuck_deleting"
    return link


REMAIN = ("NamespaceContentRemaining", "Some resources are remaining: widgets.example.test has 1 resource instances")
HELD = (
    "NamespaceFinalizersRemaining",
    "Some content in the namespace has finalizers remaining: example.test/hold in 1 resource instances",
)


def test_a_namespace_says_what_is_left_in_it() -> None:
    assert "widgets" in told_of_a_namespace(REMAIN).summary


def test_whose_finalizer_holds_a_namespace_comes_before_what_it_holds() -> None:
    link = told_of_a_namespace(REMAIN, HELD)
    assert link.attributes["finalizers"] == ["example.test/hold"]
    assert link.summary.index("example.test/hold") < link.summary.index("widgets")


def test_an_api_that_nobody_serves_keeps_a_namespace() -> None:
    link = told_of_a_namespace(("NamespaceDeletionDiscoveryFailure", "Discovery failed: metrics.k8s.io/v1beta1"))
    assert link.next[0].startswith("kubectl get apiservices")
