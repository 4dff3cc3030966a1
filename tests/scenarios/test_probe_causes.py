"""Probes that are wrong, and probes that rightly fail, made in the lab with a decoy beside them."""

from typing import Any

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING, decoy
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab


def probed(**container: Any) -> dict[str, Any]:
    return lab_objects.deployment("web", SERVING, ports=[8080], **container)


def rolled_out(lab: Lab, namespace: str, **container: Any) -> None:
    """The workload with right probes is rolled out, then with these."""
    right = {name: lab_objects.http_probe() for name in container}
    lab.apply(probed(**right), namespace)
    lab.wait_for_rollout("web", namespace)
    decoy(lab, namespace)
    lab.apply(probed(**container), namespace)


def expect(tapio: Tapio, namespace: str, code: str, field: str = "", **attributes: Any) -> None:
    """The running Tapio and one live look both name the code first, and blame the workload."""
    tapio.expect("deployment/web", namespace, code, "Deployment", "web", field=field, **attributes)
    tapio.expect_live("deployment/web", namespace, code, "Deployment", "web")


def test_a_liveness_probe_of_another_port(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    rolled_out(lab, lab_namespace, liveness=lab_objects.http_probe(port=9999))
    field = "livenessProbe.httpGet.port"
    expect(running_tapio, lab_namespace, "runtime.liveness_port", field, probe_right=False)


def test_a_liveness_probe_of_a_page_that_does_not_exist(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    rolled_out(lab, lab_namespace, liveness=lab_objects.http_probe("/nowhere"))
    expect(running_tapio, lab_namespace, "runtime.liveness_status", "livenessProbe.httpGet.path", status=404)


def test_a_liveness_probe_that_is_right(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("unhealthy-after=8s", "serve=8080", "hang")
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("web", steps, ports=[8080], liveness=lab_objects.http_probe()), lab_namespace)
    expect(running_tapio, lab_namespace, "runtime.liveness_status", probe_right=True)


def test_a_liveness_probe_that_does_not_wait_for_the_start(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("sleep=60s", "serve=8080", "hang")
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("web", steps, ports=[8080], liveness=lab_objects.http_probe()), lab_namespace)
    expect(running_tapio, lab_namespace, "runtime.liveness_timing")


def test_a_liveness_probe_that_asks_for_tls(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    probe = lab_objects.http_probe()
    probe["httpGet"]["scheme"] = "HTTPS"
    rolled_out(lab, lab_namespace, liveness=probe)
    expect(running_tapio, lab_namespace, "runtime.liveness_protocol", field="livenessProbe.httpGet.scheme")


def test_a_liveness_command_that_fails(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    probe = {"exec": {"command": ["/workload", "exit=1"]}, "periodSeconds": 1, "failureThreshold": 2}
    lab.apply(probed(liveness=probe), lab_namespace)
    expect(running_tapio, lab_namespace, "runtime.liveness_exec")


def test_a_startup_probe_of_another_port(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    rolled_out(lab, lab_namespace, startup=lab_objects.http_probe(port=9999))
    expect(running_tapio, lab_namespace, "runtime.startup_probe", kind="port")


def test_a_readiness_probe_of_another_port(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    rolled_out(lab, lab_namespace, probe=lab_objects.http_probe(port=9999))
    expect(running_tapio, lab_namespace, "runtime.readiness_port", field="readinessProbe.httpGet.port")


def test_a_readiness_probe_of_a_page_that_does_not_exist(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    rolled_out(lab, lab_namespace, probe=lab_objects.http_probe("/nowhere"))
    expect(running_tapio, lab_namespace, "runtime.readiness_status", field="readinessProbe.httpGet.path")


def test_a_program_that_says_that_it_is_unwell(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("unready-after=8s", "serve=8080", "hang")
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("web", steps, ports=[8080], probe=lab_objects.http_probe("/ready")), lab_namespace)
    expect(running_tapio, lab_namespace, "runtime.readiness_status", probe_right=True)


def test_a_slow_start_on_the_declared_port_is_none(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("sleep=300s", "serve=8080", "hang")
    lab.apply(lab_objects.deployment("web", steps, ports=[8080], probe=lab_objects.http_probe("/ready")), lab_namespace)

    def refused() -> bool:
        events = lab.list("events", lab_namespace)
        return any(event["reason"] == "Unhealthy" and event["count"] > 5 for event in events)

    lab.wait(refused, what="the probe has failed often")
    running_tapio.expect_status("deployment/web", lab_namespace, "healthy", "none.starting")
    running_tapio.expect_live("deployment/web", lab_namespace, "none.starting")
