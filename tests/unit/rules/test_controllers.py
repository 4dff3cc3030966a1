"""Controller rules by example and near-miss."""

from typing import Any

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    DEPLOYMENT,
    NS,
    SERVICE,
    Json,
    Scene,
    codes,
    deployment,
    pod,
    running,
    service,
    waiting,
    when,
    with_status,
)

JOB = ObjectKey("Job", NS, "report")
TO_ZERO = {"field": "spec.replicas", "before": 3, "after": 0}


def job(*conditions: tuple[str, str], failed: int = 0, active: int = 0, **spec: Any) -> dict[str, Any]:
    return {
        "kind": "Job",
        "metadata": {"name": "report", "namespace": NS, "uid": "job-report", "creationTimestamp": when(0)},
        "spec": {"backoffLimit": 1, "template": {}, **spec},
        "status": {
            "failed": failed,
            "active": active,
            "conditions": [
                {"type": type_, "status": "True", "reason": reason, "lastTransitionTime": when(2)}
                for type_, reason in conditions
            ],
        },
    }


def test_a_workload_scaled_to_zero_is_to_blame_with_who_did_it() -> None:
    scene = Scene().see(deployment(replicas=3, available=3), at=0)
    scene.see(deployment(replicas=0), at=1, changes=[TO_ZERO])
    (link,) = scene.links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == ("controller.scaled_to_zero", DEPLOYMENT)
    assert link.change is not None
    assert (link.change.before, link.change.actor) == (3, "kubectl")
    assert link.next == ("kubectl -n shop scale deployment/web --replicas=3",)


def test_a_service_without_endpoints_blames_the_workload_that_is_at_zero() -> None:
    scene = Scene().see(service(), at=-60).see(deployment(replicas=3, available=3), at=0)
    scene.see(deployment(replicas=0), at=1, changes=[TO_ZERO])
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.blame) == ("controller.scaled_to_zero", DEPLOYMENT)
    (own,) = scene.links(DEPLOYMENT, at=2)
    assert link.change is not None
    assert own.change is not None
    assert link.change.id == own.change.id


def test_one_look_tells_it_from_the_controllers_event() -> None:
    obj = deployment(replicas=0)
    scene = Scene().see(obj, at=1).say(obj, "ScalingReplicaSet", "Scaled down replica set web-7f9c from 1 to 0", at=1)
    assert codes(scene.links(DEPLOYMENT, at=2)) == ["controller.scaled_to_zero"]


def test_a_service_that_has_nobody_else_makes_it_trouble() -> None:
    scene = Scene().see(service(), at=0).see(deployment(replicas=0), at=0)
    assert codes(scene.links(DEPLOYMENT, at=2)) == ["controller.scaled_to_zero"]


def test_a_workload_that_is_at_zero_by_design_is_healthy() -> None:
    scene = Scene().see(service("other"), at=0).see(deployment(replicas=0), at=0)
    assert codes(scene.links(DEPLOYMENT, at=2)) == ["none.healthy"]


def test_what_was_scaled_to_zero_long_ago_and_nobody_misses_is_meant_so() -> None:
    scene = Scene().see(deployment(replicas=3, available=3), at=0)
    scene.see(deployment(replicas=0), at=1, changes=[TO_ZERO])
    assert codes(scene.links(DEPLOYMENT, at=2 + 24 * 60)) == ["none.recovered"]


def test_a_service_with_another_workload_that_wants_pods_is_not_told_so() -> None:
    canary = deployment("canary", replicas=1, labels={"app": "web"})
    scene = Scene().see(service(), at=-60).see(deployment(replicas=0), at=0).see(canary, at=0)
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.through) == ("service.no_ready_endpoints", (ObjectKey("Deployment", NS, "canary"),))


def test_a_scale_down_that_leaves_pods_is_none() -> None:
    change = {"field": "spec.replicas", "before": 3, "after": 1}
    scene = Scene().see(deployment(replicas=3, available=3), at=0)
    scene.see(deployment(replicas=1, available=1), at=1, changes=[change])
    assert codes(scene.links(DEPLOYMENT, at=2)) == ["none.healthy"]


def test_a_rollout_past_its_deadline_names_the_change_that_began_it() -> None:
    stuck = deployment(available=0)
    stuck["status"]["conditions"] = [
        {
            "type": "Progressing",
            "status": "False",
            "reason": "ProgressDeadlineExceeded",
            "message": 'ReplicaSet "web-7f9c" has timed out progressing.',
            "lastTransitionTime": when(11),
        }
    ]
    change = {"field": "spec.template.spec.containers[app].image", "before": "a:1", "after": "a:2"}
    scene = Scene().see(deployment(available=1), at=0).see(stuck, at=11, changes=[change])
    (link,) = scene.links(DEPLOYMENT, at=12)
    assert link.code == "controller.rollout_stuck"
    assert link.change is not None
    assert link.change.field.endswith("image")


def test_a_job_that_gave_up_says_why() -> None:
    scene = Scene().see(job(("Failed", "BackoffLimitExceeded"), failed=2), at=2)
    (link,) = scene.links(JOB, at=3)
    assert (link.code, link.attributes["reason"]) == ("controller.job_failed", "BackoffLimitExceeded")


def test_a_job_past_its_deadline_is_another_failure() -> None:
    scene = Scene().see(job(("Failed", "DeadlineExceeded"), activeDeadlineSeconds=5), at=2)
    (link,) = scene.links(JOB, at=3)
    assert link.attributes["reason"] == "DeadlineExceeded"
    assert "longer than its 5 s" in link.summary


def test_a_job_that_still_tries_has_not_failed() -> None:
    scene = Scene().see(job(failed=1, active=1), at=2)
    assert "controller.job_failed" not in codes(scene.links(JOB, at=3))


# --- Why the pods of a Job failed that has put them away -------------------------------------------------------------

NO_IMAGE = 'Back-off pulling image "registry.test/web:1": ErrImagePull: registry.test/web:1: not found'


def pod_of_job(status: Json) -> Json:
    obj = pod("report-1", owner="", restartPolicy="Never")
    obj["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "report", "controller": True}]
    return with_status(obj, status, phase="Pending")


def overdue(status: Json, *, gone_first: bool) -> Scene:
    """A Job that is ended at its deadline, and its one pod, which is deleted just before that is said or just after."""
    made = job(active=1, activeDeadlineSeconds=60)
    scene = Scene().see(made, at=0).say(made, "SuccessfulCreate", "Created pod: report-1", at=0)
    scene.see(pod_of_job(status), at=0.2)
    leaving = pod_of_job(status)
    leaving["metadata"]["deletionTimestamp"] = when(1.5)
    scene.see(leaving, at=1).see(leaving, at=1.1 if gone_first else 1.3, deleted=True)
    return scene.see(job(("Failed", "DeadlineExceeded"), failed=1, activeDeadlineSeconds=60), at=1.2)


@pytest.mark.parametrize("gone_first", [True, False])
def test_a_job_killed_at_its_deadline_keeps_its_pods_cause(gone_first: bool) -> None:  # noqa: FBT001  pytest passes it
    (cause,) = overdue(waiting("ImagePullBackOff", NO_IMAGE), gone_first=gone_first).answer("job/report", at=5).causes
    assert cause.code == "startup.image_not_found"
    assert "controller.job_failed@1" in [step.rule for step in cause.chain]


def test_a_job_whose_pods_only_took_too_long_has_no_deeper_cause() -> None:
    (cause,) = overdue(running(0.1), gone_first=True).answer("job/report", at=5).causes
    assert (cause.code, cause.attributes["reason"]) == ("controller.job_failed", "DeadlineExceeded")
