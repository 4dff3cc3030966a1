"""Which change of what a container asks for counts: the newest rollout's, near before the trouble."""

import pytest

from tapio.graph import Link
from tests.unit.rules.scene import (
    POD,
    Json,
    Scene,
    crash_looping,
    deployment,
    ended,
    pod,
    waiting,
    when,
    with_status,
)

OURS: Json = {
    "field": "spec.template.spec.containers[app].securityContext.runAsNonRoot", "before": None, "after": True,
}  # fmt: skip
LATER: Json = {"field": "spec.template.spec.containers[app].env[COLOUR].value", "before": "red", "after": "blue"}
MOUNTED = [{"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]
REFUSED = waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")
DENIED = crash_looping(ended(1, started=100.4, at=100.5, message="open /data/x: permission denied"))

BOTH_RULES = pytest.mark.parametrize(
    ("status", "code"),
    [(REFUSED, "startup.security_context"), (DENIED, "startup.volume_permission")],
    ids=["refused", "denied"],
)


def verdict(status: Json, code: str, *rollouts: tuple[float, Json]) -> Link:
    """The verdict on a pod of minute 100, after these rollouts."""
    scene = Scene().see(deployment(), at=0)
    for minute, change in rollouts:
        scene.see(deployment(), at=minute, changes=[change])
    obj = pod(created=100, containers=MOUNTED, volumes=[{"name": "data", "emptyDir": {}}])
    scene.see(with_status(obj, status, ready_since=100), at=100.6)
    return next(link for link in scene.links(POD, at=101) if link.code == code)


@BOTH_RULES
def test_the_rollout_that_made_the_pod_is_to_blame(status: Json, code: str) -> None:
    link = verdict(status, code, (99, OURS))
    assert link.change is not None
    assert link.change.field == OURS["field"]


@BOTH_RULES
def test_a_rollout_of_long_ago_is_not(status: Json, code: str) -> None:
    assert verdict(status, code, (10, OURS)).change is None


@BOTH_RULES
def test_a_rollout_that_another_one_followed_is_not(status: Json, code: str) -> None:
    assert verdict(status, code, (90, OURS), (99, LATER)).change is None


def unavailable(since: float) -> Json:
    """The Deployment once it has said since then that no pod of it is available."""
    obj = deployment()
    told = {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}
    obj["status"]["conditions"] = [told | {"lastTransitionTime": when(since)}]
    return obj


CRASH = crash_looping(ended(1, started=100.4, at=100.5, message="panic"))


@pytest.mark.parametrize(("since", "blamed"), [(91, "runAsNonRoot"), (98.8, "value")])
def test_a_rollout_of_what_was_in_trouble_already_did_not_bring_that_about(since: float, blamed: str) -> None:
    scene = Scene().see(deployment(available=1), at=0).see(deployment(available=1), at=90, changes=[OURS])
    scene.see(unavailable(since), at=since).see(unavailable(since), at=99, changes=[LATER])
    scene.see(with_status(pod(created=100), CRASH, ready_since=100), at=100.6)
    (link,) = scene.links(POD, at=101)
    assert link.code == "runtime.crash_after_change"
    assert link.change is not None
    assert link.change.field.endswith(blamed)
