"""Start-up rules by example and near-miss."""

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
    waiting,
    with_status,
)

IMAGE = "registry.test/web:2"
_PULL = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '


def pulling(message: str, *, created: float = 0) -> Scene:
    obj = pod(created=created, containers=[{"name": "app", "image": IMAGE}])
    scene = Scene().see(with_status(obj, waiting("ErrImagePull", message), phase="Pending"), at=1)
    back_off = waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')
    return scene.see(with_status(obj, back_off, phase="Pending"), at=1.5)


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (f"{_PULL}{IMAGE}: not found", "startup.image_not_found", None),
        (f"{_PULL}unexpected status code 404: manifest unknown", "startup.image_not_found", None),
        ("dial tcp: lookup registry.test: no such host", "startup.registry_unreachable", "dns"),
        ("dial tcp 10.0.0.9:443: connect: connection refused", "startup.registry_unreachable", "refused"),
        ("dial tcp 10.0.0.9:443: i/o timeout", "startup.registry_unreachable", "timeout"),
        ("net/http: TLS handshake timeout", "startup.registry_unreachable", "timeout"),
        ("x509: certificate signed by unknown authority", "startup.registry_unreachable", "tls"),
        ("pull access denied, repository does not exist or may require authorization", "startup.pull_denied", None),
        ("unexpected status: 401 Unauthorized", "startup.pull_denied", None),
        ("no match for platform in manifest", "startup.image_platform", None),
    ],
)
def test_the_registrys_answer_decides(answer: str, code: str, kind: str | None) -> None:
    (link,) = pulling(answer).links(POD, at=2)
    assert (link.code, link.blame) == (code, DEPLOYMENT)
    assert link.attributes.get("kind") == kind


def test_the_change_that_set_the_image_is_named() -> None:
    scene = pulling(f"{IMAGE}: not found", created=0.5)
    change = {"field": "spec.template.spec.containers[app].image", "before": "registry.test/web:1", "after": IMAGE}
    scene.see(deployment(), at=0).see(deployment(), at=0.4, changes=[change])
    (link,) = scene.links(POD, at=2)
    assert link.change is not None
    assert link.change.before == "registry.test/web:1"
    assert "set image deployment/web app=registry.test/web:1" in link.next[0]


def test_a_change_that_set_another_image_is_not() -> None:
    scene = pulling(f"{IMAGE}: not found", created=0.5)
    change = {"field": "spec.template.spec.containers[app].image", "before": "a", "after": "registry.test/web:9"}
    scene.see(deployment(), at=0).see(deployment(), at=0.4, changes=[change])
    assert scene.links(POD, at=2)[0].change is None


def test_one_timeout_among_many_certificate_errors_is_noise() -> None:
    obj = pod(containers=[{"name": "app", "image": IMAGE}])
    scene = Scene().see(with_status(obj, waiting("ImagePullBackOff", "Back-off"), phase="Pending"), at=3)
    scene.say(obj, "Failed", f'Failed to pull image "{IMAGE}": x509: not valid', at=2, count=9, container="app")
    other = {**obj, "metadata": {**obj["metadata"]}}
    scene.say(other, "FailedToPull", f'Failed to pull image "{IMAGE}": i/o timeout', at=3, container="app")
    (link,) = scene.links(POD, at=4)
    assert link.attributes["kind"] == "tls"


def test_an_image_that_came_after_all_is_no_cause() -> None:
    scene = pulling(f"{IMAGE}: not found")
    obj = pod(containers=[{"name": "app", "image": IMAGE}])
    scene.see(with_status(obj, running(4), ready=True, ready_since=4), at=4)
    assert codes(scene.links(POD, at=5)) == ["none.recovered"]


def starting_with(status: Json, **container: object) -> Scene:
    obj = pod(containers=[{"name": "app", **container}])
    return Scene().see(with_status(obj, status), at=2)


def test_a_command_that_is_not_there_is_the_workloads() -> None:
    message = 'exec: "serv": executable file not found in $PATH'
    end = ended(127, started=1, at=1, reason="ContainerCannotRun", message=message)
    (link,) = starting_with(crash_looping(end), command=["serv"]).links(POD, at=3)
    assert (link.code, link.blame) == ("startup.command_invalid", DEPLOYMENT)


def test_a_shell_that_does_not_find_its_command_says_so() -> None:
    end = ended(127, started=1, at=1, message="sh: serv: command not found")
    assert codes(starting_with(crash_looping(end)).links(POD, at=3))[0] == "startup.command_invalid"


def test_exit_127_alone_may_be_the_programs_own() -> None:
    end = ended(127, started=1, at=1, message="giving up")
    assert codes(starting_with(crash_looping(end)).links(POD, at=3)) == ["runtime.crash_app"]
