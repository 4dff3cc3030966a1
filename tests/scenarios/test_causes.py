"""Each cause, made in the lab with a decoy beside it: the running Tapio and one live look both name it first."""

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING, Answer, blamed, change_of, workload_of
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab


def decoy(lab: Lab, namespace: str) -> None:
    """A ConfigMap that nobody reads changes just before the trouble, and another workload is rolled out."""
    lab.apply(lab_objects.configmap("decoy", {"COLOUR": "red"}), namespace)
    lab.apply(lab_objects.deployment("bystander", SERVING), namespace)
    lab.wait_for_rollout("bystander", namespace)
    lab.apply(lab_objects.configmap("decoy", {"COLOUR": "blue"}), namespace)


def test_an_oom_kill_after_the_limit_was_lowered(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("sleep=1s", "allocate=48Mi", "hang")
    lab.apply(lab_objects.deployment("eater", steps, limits={"memory": "128Mi"}), lab_namespace)
    lab.wait_for_rollout("eater", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("eater", steps, limits={"memory": "24Mi"}), lab_namespace)
    answer = running_tapio.expect(
        "deployment/eater", lab_namespace, "runtime.oom_killed", "Deployment", "eater", field="resources.limits.memory"
    )
    assert (change_of(answer)["before"], change_of(answer)["after"]) == ("128Mi", "24Mi")
    running_tapio.expect_live("deployment/eater", lab_namespace, "runtime.oom_killed", "Deployment")


def test_a_program_that_crashes_by_itself(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("crasher", ("log=giving up", "sleep=1s", "exit=3")), lab_namespace)
    blame = ("runtime.crash_app", "Deployment", "crasher")
    running_tapio.expect("deployment/crasher", lab_namespace, *blame, exit_code=3)
    running_tapio.expect_live("deployment/crasher", lab_namespace, *blame)


def test_a_program_that_is_ended_by_a_signal(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("crasher", ("sleep=1s", "signal=SEGV")), lab_namespace)
    blame = ("runtime.crash_app", "Deployment", "crasher")
    running_tapio.expect("deployment/crasher", lab_namespace, *blame, signal=11)
    running_tapio.expect_live("deployment/crasher", lab_namespace, *blame)


def test_a_crash_after_its_configmap_changed(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    reads = [{"configMapRef": {"name": "checkout-cfg"}}]
    checkout = lab_objects.deployment("checkout", ("expect-env=DB_HOST:db", "serve=8080", "hang"), env_from=reads)
    lab.apply([lab_objects.configmap("checkout-cfg", {"DB_HOST": "db"}), checkout], lab_namespace)
    lab.wait_for_rollout("checkout", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.configmap("checkout-cfg", {"DB_HOST": "db-new"}), lab_namespace)
    lab.kubectl("rollout", "restart", "deployment/checkout", f"--namespace={lab_namespace}")
    answer = running_tapio.expect(
        "deployment/checkout",
        lab_namespace,
        "runtime.crash_after_change",
        "ConfigMap",
        "checkout-cfg",
        field="data.DB_HOST",
        also=lambda answer: workload_of(answer) == "checkout" and "decoy" in coincident(answer),
    )
    change = change_of(answer)
    assert (change["field"], change["before"], change["after"]) == ("data.DB_HOST", "db", "db-new")
    assert change["actor"] == "kubectl-client-side-apply"
    running_tapio.expect_live("deployment/checkout", lab_namespace, *blamed(answer))


def coincident(answer: Answer) -> set[str]:
    return {fact["entity"]["name"] for fact in answer["coincident"]}


def test_a_crash_after_a_rollout(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("expect-env=MODE:safe", "serve=8080", "hang")
    lab.apply(lab_objects.deployment("worker", steps, env={"MODE": "safe"}), lab_namespace)
    lab.wait_for_rollout("worker", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("worker", steps, env={"MODE": "fast"}), lab_namespace)
    answer = running_tapio.expect(
        "deployment/worker",
        lab_namespace,
        "runtime.crash_after_change",
        "Deployment",
        "worker",
        field="spec.template.spec.containers[app].env[MODE].value",
    )
    assert (change_of(answer)["before"], change_of(answer)["after"]) == ("safe", "fast")
    running_tapio.expect_live("deployment/worker", lab_namespace, *blamed(answer))


def test_an_image_that_does_not_exist(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("shop", SERVING), lab_namespace)
    lab.wait_for_rollout("shop", lab_namespace)
    decoy(lab, lab_namespace)
    missing = lab_objects.WORKLOAD_IMAGE.replace(":1", ":missing")
    lab.apply(lab_objects.deployment("shop", SERVING, image=missing), lab_namespace)
    answer = running_tapio.expect(
        "deployment/shop",
        lab_namespace,
        "startup.image_not_found",
        "Deployment",
        "shop",
        field="spec.template.spec.containers[app].image",
    )
    assert change_of(answer)["after"] == missing
    running_tapio.expect_live("deployment/shop", lab_namespace, *blamed(answer))


def test_a_registry_that_cannot_be_reached(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("shop", SERVING, image="registry.nowhere.invalid/shop:1"), lab_namespace)
    code = "startup.registry_unreachable"
    running_tapio.expect("deployment/shop", lab_namespace, code, registry="registry.nowhere.invalid", kind="dns")
    running_tapio.expect_live("deployment/shop", lab_namespace, code)


def test_a_node_selector_that_no_node_matches(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("fast", SERVING), lab_namespace)
    lab.wait_for_rollout("fast", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("fast", SERVING, node_selector={"disk": "nvme"}), lab_namespace)
    answer = running_tapio.expect(
        "deployment/fast", lab_namespace, "scheduling.node_selector", "Deployment", "fast", field="nodeSelector"
    )
    running_tapio.expect_live("deployment/fast", lab_namespace, *blamed(answer))


def test_a_service_whose_selector_matches_nobody(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    objects = [lab_objects.deployment("web", SERVING), lab_objects.service("web")]
    lab.apply(objects, lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.service("web", selector={"app": "wbe"}), lab_namespace)
    answer = running_tapio.expect(
        "service/web", lab_namespace, "service.selector_mismatch", "Service", "web", field="spec.selector"
    )
    running_tapio.expect_status("deployment/web", lab_namespace, "healthy")
    running_tapio.expect_live("service/web", lab_namespace, *blamed(answer))


def test_a_healthy_rollout_is_not_blamed(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply([lab_objects.deployment("web", SERVING), lab_objects.service("web")], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    lab.apply(lab_objects.deployment("web", SERVING, env={"COLOUR": "blue"}), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    running_tapio.expect_status("deployment/web", lab_namespace, "healthy", "none.healthy", "none.recovered")
    running_tapio.expect_live_status("deployment/web", lab_namespace, "healthy")


def test_a_slow_start_is_not_blamed(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("ready-after=600s", "serve=8080", "hang")
    lab.apply(lab_objects.deployment("slow", steps, probe=lab_objects.http_probe("/ready")), lab_namespace)
    lab.wait(lambda: lab.list("pods", lab_namespace)[0]["status"]["phase"] == "Running", what="the pod runs")
    running_tapio.expect_status("deployment/slow", lab_namespace, "healthy", "none.starting")
    running_tapio.expect_live("deployment/slow", lab_namespace, "none.starting")
