"""Pods of which only Kubernetes Events are left, by example and near-miss."""

from tests.unit.rules.scene import NS, POD, Json, Scene, codes, when

LIVENESS = "Liveness probe failed: HTTP probe failed with statuscode: 500"
READINESS = 'Readiness probe failed: Get "http://10.0.0.1:8080/": dial tcp 10.0.0.1:8080: connect: connection refused'
GHOST: Json = {
    "kind": "Pod",
    "metadata": {"name": "web-1", "namespace": NS, "uid": "gone", "creationTimestamp": when(0)},
}


def started() -> Scene:
    scene = Scene().say(GHOST, "Scheduled", "Successfully assigned shop/web-1 to node-1", at=0)
    return scene.say(GHOST, "Started", "Started container app", at=0.1, container="app")


def test_a_probe_that_had_the_container_killed() -> None:
    scene = started().say(GHOST, "Unhealthy", LIVENESS, at=1, count=9, since=0.3, container="app")
    assert codes(scene.links(POD, at=1.5)) == []
    scene.say(GHOST, "Killing", "Container app failed liveness probe, will be restarted", at=1, container="app")
    (link,) = scene.links(POD, at=1.5)
    assert (link.code, link.blame) == ("runtime.liveness_status", POD)


def test_a_readiness_probe_that_keeps_failing_and_one_that_failed_once() -> None:
    once = started().say(GHOST, "Unhealthy", READINESS, at=1, container="app")
    assert codes(once.links(POD, at=1.5)) == []
    often = started().say(GHOST, "Unhealthy", READINESS, at=1, count=30, since=0.3, container="app")
    assert codes(often.links(POD, at=1.5)) == ["runtime.readiness_port"]


def test_a_hook_that_fails() -> None:
    scene = started().say(GHOST, "FailedPostStartHook", "PostStartHook failed", at=0.2, count=5, container="app")
    scene.say(GHOST, "BackOff", "Back-off restarting failed container app in pod web-1", at=1, count=9, container="app")
    assert codes(scene.links(POD, at=1.5)) == ["startup.post_start_hook"]


def test_an_eviction_is_told_by_its_event() -> None:
    scene = started().say(GHOST, "Evicted", "The node was low on resource: memory.", at=1)
    (link,) = scene.links(POD, at=1.5)
    assert (link.code, link.blame.name) == ("runtime.evicted", "node-1")


def test_a_loop_that_nobody_says_more_of_stays_unknown() -> None:
    scene = started().say(GHOST, "BackOff", "Back-off restarting failed container", at=1, count=30, container="app")
    assert codes(scene.links(POD, at=1.5)) == []
