"""Probe rules by example and near-miss."""

from typing import Any

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
    running,
    service,
    with_status,
)

REFUSED = 'Get "http://10.1.2.3:8081/healthz": dial tcp 10.1.2.3:8081: connect: connection refused'
NOT_FOUND = "HTTP probe failed with statuscode: 404"
UNWELL = "HTTP probe failed with statuscode: 503"
SLOW = 'Get "http://10.1.2.3:8080/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
MALFORMED = (
    r'Get "http://10.1.2.3:8081/": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x00"'
)
KILLED = "Container app failed {} probe, will be restarted"


def http(port: int | str = 8081, path: str = "/healthz", **fields: Any) -> Json:
    return {"httpGet": {"port": port, "path": path}, **fields}


def probed(probe: Json, *, kind: str = "liveness", ports: tuple[int, ...] = (8080,), **container: Any) -> Json:
    """A pod whose container declares ports and has one probe."""
    declared = [{"containerPort": port} for port in ports]
    app = {"name": "app", "ports": declared, f"{kind}Probe": probe, **container}
    return pod(created=0.5, containers=[app])


def killed(
    obj: Json, text: str, *, kind: str = "liveness", exit_code: int = 137, ran: float = 0.5, said: bool = True
) -> Scene:
    """The container runs from minute 1 on and is killed by its probe, again and again."""
    end = ended(exit_code, started=1, at=1 + ran, reason="Error" if exit_code else "Completed")
    scene = Scene().see(deployment(), at=0)
    scene.see(with_status(obj, crash_looping(end)), at=1.1 + ran)
    word = kind.capitalize()
    scene.say(obj, "Unhealthy", f"{word} probe failed: {text}", at=1 + ran - 0.1, count=3, since=1.1, container="app")
    if said:
        scene.say(obj, "Killing", KILLED.format(kind), at=1 + ran - 0.1, container="app")
    return scene


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (REFUSED, "runtime.liveness_port"),
        ("dial tcp 10.1.2.3:8081: connect: connection refused", "runtime.liveness_port"),
        ('strconv.Atoi: parsing "web": invalid syntax', "runtime.liveness_port"),
        (NOT_FOUND, "runtime.liveness_status"),
        (UNWELL, "runtime.liveness_status"),
        ('service unhealthy (responded with "NOT_SERVING")', "runtime.liveness_status"),
        (MALFORMED, "runtime.liveness_protocol"),
        ('Get "https://10.1.2.3:8081/": http: server gave HTTP response to HTTPS client', "runtime.liveness_protocol"),
    ],
)
def test_the_kubelets_words_decide(text: str, code: str) -> None:
    (link,) = killed(probed(http()), text).links(POD, at=2)
    assert (link.code, link.blame) == (code, DEPLOYMENT)
    assert link.attributes["probe"] == "liveness"


@pytest.mark.parametrize("exit_code", [0, 2, 137, 143])
def test_the_exit_code_of_a_kill_says_nothing(exit_code: int) -> None:
    assert codes(killed(probed(http()), REFUSED, exit_code=exit_code).links(POD, at=2)) == ["runtime.liveness_port"]


def test_a_kill_is_known_without_its_event_when_the_probe_had_failed_often() -> None:
    assert codes(killed(probed(http()), REFUSED, said=False).links(POD, at=2)) == ["runtime.liveness_port"]


def test_a_kill_of_which_no_event_is_left_shows_in_how_long_the_run_was() -> None:
    obj = probed(http(initialDelaySeconds=5))  # 5 s and three periods of 10 s
    for code, ran in (("runtime.liveness_port", 0.5), ("runtime.crash_app", 0.1), ("runtime.crash_app", 9)):
        end = ended(137, started=1, at=1 + ran)
        assert codes(Scene().see(with_status(obj, crash_looping(end)), at=2 + ran).links(POD, at=2.1 + ran)) == [code]


def test_an_end_long_after_a_kill_is_the_programs_own() -> None:
    obj = probed(http())
    end = ended(1, started=30, at=30.01)
    scene = killed(obj, REFUSED).see(with_status(obj, crash_looping(end, restarts=9)), at=30.1)
    assert codes(scene.links(POD, at=31)) == ["runtime.crash_app"]


def test_a_loop_of_kills_that_the_kubelet_tells_no_more_is_still_one() -> None:
    obj = probed(http())
    end = ended(137, started=20, at=20.5)
    scene = killed(obj, REFUSED).see(with_status(obj, crash_looping(end, restarts=9)), at=20.6)
    assert codes(scene.links(POD, at=21)) == ["runtime.liveness_port"]


def test_a_killing_for_another_reason_is_no_probes_doing() -> None:
    obj = probed(http())
    scene = Scene().see(with_status(obj, crash_looping(ended(137, started=1, at=1.5))), at=1.6)
    scene.say(obj, "Killing", "Stopping container app", at=1.4, container="app")
    assert codes(scene.links(POD, at=2)) == ["runtime.crash_app"]


def test_a_program_killed_before_it_listened_on_its_own_port_needed_more_time() -> None:
    (link,) = killed(probed(http(8080)), REFUSED).links(POD, at=2)
    assert link.code == "runtime.liveness_timing"
    assert link.attributes["probe_right"] is False


def test_a_port_that_a_service_leads_to_is_the_programs_own() -> None:
    scene = killed(probed(http(8081)), REFUSED)
    front = service()
    front["spec"]["ports"] = [{"port": 80, "targetPort": 8081}]
    assert codes(scene.see(front, at=0.1).links(POD, at=2)) == ["runtime.liveness_timing"]


def test_a_program_that_answered_for_long_and_stops_is_rightly_killed() -> None:
    for text, code in ((UNWELL, "runtime.liveness_status"), (NOT_FOUND, "runtime.liveness_status")):
        (link,) = killed(probed(http(8080)), text, ran=9).links(POD, at=11)
        assert (link.code, link.attributes["probe_right"]) == (code, True)
    (link,) = killed(probed(http(8080)), SLOW, ran=9).links(POD, at=11)
    assert (link.code, link.attributes["probe_right"]) == ("runtime.liveness_timing", True)


def test_the_change_of_the_probe_is_named() -> None:
    field = "spec.template.spec.containers[app].livenessProbe.httpGet.port"
    scene = killed(probed(http()), REFUSED)
    scene.see(deployment(), at=0.4, changes=[{"field": field, "before": 8080, "after": 8081}])
    (link,) = scene.links(POD, at=2)
    assert link.code == "runtime.liveness_port"
    assert link.change is not None
    assert (link.change.field, link.change.after) == (field, 8081)
    assert link.next == ("kubectl -n shop rollout undo deployment/web",)


def test_a_command_that_fails_is_an_exec_probe_and_one_that_hangs_too_slow() -> None:
    obj = probed({"exec": {"command": ["pg_isready"]}})
    assert codes(killed(obj, "").links(POD, at=2)) == ["runtime.liveness_exec"]
    assert codes(killed(obj, "redis: connection refused").links(POD, at=2)) == ["runtime.liveness_exec"]
    late = 'command "pg_isready" timed out after 1s'
    assert codes(killed(obj, late).links(POD, at=2)) == ["runtime.liveness_timing"]


def test_a_startup_probe_that_gives_up_has_a_code_of_its_own() -> None:
    (link,) = killed(probed(http(), kind="startup"), REFUSED, kind="startup").links(POD, at=2)
    assert (link.code, link.attributes["kind"]) == ("runtime.startup_probe", "port")


def unready(obj: Json, text: str, *, at: float = 2, count: int = 9, was_ready: bool = False) -> Scene:
    """The container runs from minute 1 on; its readiness probe fails until `at`."""
    scene = Scene().see(deployment(), at=0)
    if was_ready:
        scene.see(with_status(obj, running(1), ready=True, ready_since=1.1), at=1.1)
    lost = at - 0.1 if was_ready else 0.6
    scene.see(with_status(obj, running(1, ready=False), ready_since=lost), at=at - 0.1 if was_ready else 1)
    return scene.say(obj, "Unhealthy", f"Readiness probe failed: {text}", at=at, count=count, since=1, container="app")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (REFUSED, "runtime.readiness_port"),
        (NOT_FOUND, "runtime.readiness_status"),
        ("HTTP probe failed with statuscode: 401", "runtime.readiness_status"),
        (MALFORMED, "runtime.readiness_protocol"),
    ],
)
def test_what_no_start_explains_is_told_before_the_start_is_overdue(text: str, code: str) -> None:
    (link,) = unready(probed(http(), kind="readiness"), text).links(POD, at=2.5)
    assert (link.code, link.blame, link.attributes["probe_right"]) == (code, DEPLOYMENT, False)


@pytest.mark.parametrize(
    ("port", "text"),
    [(8080, REFUSED), (8080, UNWELL), (8080, SLOW), (8080, "HTTP probe failed with statuscode: 500")],
)
def test_a_slow_start_is_none(port: int, text: str) -> None:
    assert codes(unready(probed(http(port), kind="readiness"), text).links(POD, at=2.5)) == ["none.starting"]


def test_a_slow_start_on_a_port_that_nobody_declares_is_none() -> None:
    obj = probed(http(), kind="readiness", ports=())
    assert codes(unready(obj, REFUSED).links(POD, at=2.5)) == ["none.starting"]
    spoken = probed(http(), kind="readiness", ports=(), args=["--listen=:8080"])
    assert codes(unready(spoken, REFUSED).links(POD, at=2.5)) == ["runtime.readiness_port"]
    own = probed(http(), kind="readiness", env=[{"name": "HEALTH_PORT", "value": "8081"}])
    assert codes(unready(own, REFUSED).links(POD, at=2.5)) == ["none.starting"]


def test_the_first_failures_of_a_start_are_none() -> None:
    for text in (REFUSED, NOT_FOUND):
        scene = unready(probed(http(), kind="readiness"), text, at=1.2, count=2)
        assert codes(scene.links(POD, at=1.3)) == ["none.starting"]


def test_a_start_that_is_overdue_is_told_by_time_alone() -> None:
    scene = unready(probed(http(8080), kind="readiness"), UNWELL)
    assert codes(scene.links(POD, at=9)) == ["none.starting"]
    (link,) = scene.links(POD, at=12)
    assert (link.code, link.attributes["probe_right"]) == ("runtime.readiness_status", True)


def test_readiness_that_was_lost_is_the_programs() -> None:
    for text, code in ((UNWELL, "status"), (REFUSED, "port"), (SLOW, "timing")):
        (link,) = unready(probed(http(8080), kind="readiness"), text, was_ready=True, at=4).links(POD, at=5)
        assert (link.code, link.attributes["probe_right"]) == (f"runtime.readiness_{code}", True)


def test_failures_of_a_former_run_say_nothing_of_this_one() -> None:
    obj = probed(http(), kind="readiness")
    scene = Scene().say(obj, "Unhealthy", f"Readiness probe failed: {REFUSED}", at=0.9, count=9, container="app")
    scene.see(with_status(obj, running(1, ready=False), ready_since=0.6), at=1.5)
    assert codes(scene.links(POD, at=2)) == ["none.starting"]


def test_a_program_that_crashes_is_unready_for_that() -> None:
    obj = probed(http(), kind="readiness")
    scene = unready(obj, REFUSED)
    scene.see(with_status(obj, crash_looping(ended(1, started=1, at=1.5)), ready_since=0.6), at=2.1)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]


def test_a_pod_that_became_ready_has_recovered() -> None:
    obj = probed(http(), kind="readiness")
    scene = unready(obj, REFUSED).see(with_status(obj, running(1), ready=True, ready_since=3), at=3)
    assert codes(scene.links(POD, at=4)) == ["none.recovered"]


def test_a_readiness_command_that_does_not_exist_is_told_early() -> None:
    obj = probed({"exec": {"command": ["cat", "/x"]}}, kind="readiness")
    scene = Scene().see(with_status(obj, running(1, ready=False), ready_since=0.6), at=1)
    text = 'Readiness probe errored and resulted in unknown state: rpc error: exec: "cat": executable file not found'
    scene.say(obj, "Unhealthy", text, at=2, count=6, container="app")
    assert codes(scene.links(POD, at=2.5)) == ["runtime.readiness_exec"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('Get "http://10.1.2.3:8080/": dial tcp 10.1.2.3:8080: connect: no route to host', "runtime.readiness_timing"),
        ('Get "/": stopped after 10 redirects', "runtime.readiness_status"),
        ("something that no kubelet has said yet", "runtime.readiness_timing"),
    ],
)
def test_an_http_probe_never_fails_as_a_command_does(text: str, code: str) -> None:
    assert codes(unready(probed(http(8080), kind="readiness"), text, was_ready=True).links(POD, at=30)) == [code]


def test_a_failure_of_which_no_event_is_left_shows_in_what_runs_and_is_not_ready() -> None:
    obj = probed(http(8080), kind="readiness")
    scene = Scene().see(with_status(obj, running(1, ready=False), ready_since=1), at=1)
    assert codes(scene.links(POD, at=2)) == ["none.starting"]
    (link,) = scene.links(POD, at=30)
    assert (link.code, link.blame) == ("runtime.readiness_timing", DEPLOYMENT)
    assert link.confidence < 0.7
    scene.say(obj, "Started", "Started container app", at=1, container="app")
    assert codes(scene.links(POD, at=30)) == ["none.starting"]  # an Event of the probe would be there, too


def test_a_command_that_never_passed_is_not_called_wrong_where_it_ran() -> None:
    (link,) = killed(probed({"exec": {"command": ["pg_isready"]}}), "/run/pg:5432 - no response").links(POD, at=2)
    assert "has never passed" in link.summary
    assert "logs" in link.next[0]


@pytest.mark.parametrize(
    ("field", "before", "after", "is_named"),
    [
        ("resources.limits.cpu", "500m", "5m", True),
        ("resources.limits", None, {"cpu": "5m"}, True),
        ("resources", {"limits": {"cpu": "1"}}, {"limits": {"cpu": "0.1"}}, True),
        ("resources.limits.cpu", "5m", "500m", False),
        ("resources.limits.memory", "500Mi", "5Mi", False),
        ("resources.requests.cpu", "500m", "5m", False),
        ("env[X].value", "1", "0", False),
    ],
)
def test_less_of_a_processor_is_why_a_program_that_worked_answers_too_late(
    field: str, before: Any, after: Any, *, is_named: bool
) -> None:
    change = {"field": f"spec.template.spec.containers[app].{field}", "before": before, "after": after}
    obj = probed(http(8080, periodSeconds=1, failureThreshold=3))
    scene = killed(obj, SLOW, ran=5).see(deployment(), at=0.4, changes=[change])
    (link,) = scene.links(POD, at=7)
    assert (link.code, link.attributes["probe_right"]) == ("runtime.liveness_timing", True)
    assert (link.change.field if link.change else None) == (change["field"] if is_named else None)
