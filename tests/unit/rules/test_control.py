"""Control loops that stand still, by example and near-miss."""

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    DEPLOYMENT,
    Json,
    Scene,
    codes,
    crash_looping,
    deployment,
    ended,
    in_namespace,
    pod,
    with_status,
)


def generation(newest: int, seen: int | None) -> Json:
    obj = deployment()
    obj["metadata"]["generation"] = newest
    obj["status"] = {} if seen is None else {"observedGeneration": seen}
    return obj


def test_a_workload_that_no_controller_looks_at_is_not_to_blame_itself() -> None:
    scene = Scene().see(generation(1, None), at=0)
    (link,) = scene.links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == ("control.controller_down", ObjectKey("Component", "", "kube-controller-manager"))


def test_a_spec_that_was_changed_and_not_taken_note_of() -> None:
    scene = Scene().see(generation(1, 1), at=-5).see(generation(2, 1), at=0)
    assert "control.controller_down" in codes(scene.links(DEPLOYMENT, at=2))


def test_a_controller_that_knows_the_spec_is_at_work() -> None:
    scene = Scene().see(generation(2, 2), at=0)
    assert "control.controller_down" not in codes(scene.links(DEPLOYMENT, at=20))


def test_a_controller_takes_a_moment() -> None:
    assert "control.controller_down" not in codes(Scene().see(generation(1, None), at=0).links(DEPLOYMENT, at=0.5))


def test_the_managers_own_pod_is_to_blame_where_it_is_unwell() -> None:
    name = "kube-controller-manager-cp-1"
    manager = in_namespace(pod(name, owner=""), "kube-system")
    down = with_status(manager, crash_looping(ended(1, started=-2, at=-1)))
    (link,) = Scene().see(down, at=-1).see(generation(1, None), at=0).links(DEPLOYMENT, at=2)
    assert link.blame == ObjectKey("Pod", "kube-system", name)
