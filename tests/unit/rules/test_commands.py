"""Programs that cannot be run, by example and near-miss."""

import pytest

from tests.unit.rules.scene import (
    DEPLOYMENT,
    POD,
    Json,
    Scene,
    codes,
    crash_looping,
    deployment,
    ended,
    pod,
    waiting,
    with_status,
)

RUNC = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "


def starting(status: Json, *, logged: str = "") -> Scene:
    obj = pod(created=0.5)
    scene = Scene().see(deployment(), at=0).see(with_status(obj, status), at=2)
    return scene.log(obj, logged, at=2, previous=True) if logged else scene


def start_error(message: str) -> Json:
    return crash_looping(ended(128, started=1.9, at=2, reason="StartError", message=message))


@pytest.mark.parametrize(
    "status",
    [
        start_error(RUNC + "container init was OOM-killed (memory limit too low?): unknown"),
        waiting("CreateContainerError", "set memory limit 1000 too low; should be at least 12582912"),
        waiting("CreateContainerError", "Error response from daemon: Minimum memory limit allowed is 6MB"),
    ],
)
def test_a_limit_that_the_runtime_does_not_fit_in_is_too_small(status: Json) -> None:
    (link,) = starting(status).links(POD, at=3)
    assert (link.code, link.blame) == ("startup.memory_too_small", DEPLOYMENT)


@pytest.mark.parametrize("code", [1, 126, 255])
def test_a_program_of_another_platform_is_the_images_fault(code: int) -> None:
    end = ended(code, started=1.9, at=2)
    links = starting(crash_looping(end), logged="exec /usr/local/bin/start: exec format error").links(POD, at=3)
    assert "startup.image_platform" in codes(links)
    assert "startup.command_invalid" not in codes(links)


def test_the_image_that_brought_the_wrong_platform_is_named() -> None:
    change = {"field": "spec.template.spec.containers[app].image", "before": "web:1", "after": "web:1-arm64"}
    scene = starting(start_error(RUNC + 'exec: "/app": exec format error')).see(deployment(), at=0.4, changes=[change])
    (link,) = scene.links(POD, at=3)
    assert link.change is not None
    assert (link.code, link.change.after) == ("startup.image_platform", "web:1-arm64")


def test_the_exit_code_of_a_shell_counts_where_no_word_is_left() -> None:
    end = ended(127, started=1.9, at=2)
    link = next(one for one in starting(crash_looping(end)).links(POD, at=3) if one.code == "startup.command_invalid")
    assert link.confidence < 0.8


def test_a_runtime_that_times_out_says_nothing_of_the_command() -> None:
    status = start_error("failed to create shim task: context deadline exceeded: unknown")
    assert codes(starting(status).links(POD, at=3)) == []


def test_a_hook_that_fails_is_not_the_programs_crash() -> None:
    obj = pod()
    scene = starting(crash_looping(ended(137, started=1.9, at=2)))
    scene.say(obj, "FailedPostStartHook", "PostStartHook failed", at=2, container="app")
    (link,) = scene.links(POD, at=3)
    assert (link.code, link.blame) == ("startup.post_start_hook", DEPLOYMENT)


def test_a_hook_that_failed_in_an_earlier_run_is_over() -> None:
    obj = pod()
    scene = starting(crash_looping(ended(1, started=29, at=30))).see(
        with_status(obj, crash_looping(ended(1, started=29, at=30))), at=30.1
    )
    scene.say(obj, "FailedPostStartHook", "PostStartHook failed", at=2, container="app")
    assert codes(scene.links(POD, at=31)) == ["runtime.crash_app"]


def test_a_limit_that_not_even_the_sandbox_fits_in_is_no_fault_of_the_node() -> None:
    obj = pod(containers=[{"name": "app", "resources": {"limits": {"memory": "300Ki"}}}])
    scene = Scene().see(with_status(obj, waiting("ContainerCreating"), phase="Pending"), at=0.1)
    words = RUNC + "container init was OOM-killed (memory limit too low?): unknown"
    scene.say(obj, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {words}", at=1, count=3, since=0.2)
    scene.say(obj, "FailedCreatePodSandBox", "cannot start a stopped process: unknown", at=1.1)
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame, link.attributes["limit"]) == ("startup.memory_too_small", DEPLOYMENT, "300Ki")
