"""What controllers and Services do to a workload, made in the lab; and workloads that nothing is wrong with."""

from typing import Any

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.conftest import Answer, Tapio, first_code

pytestmark = pytest.mark.lab

SERVING = ("serve=8080", "hang")


def blamed(answer: Answer) -> tuple[str, str, str]:
    """Code, kind and name of the first cause."""
    entity = answer["causes"][0]["entity"]
    return first_code(answer), entity["kind"], entity["name"]


def change_of(answer: Answer) -> dict[str, Any]:
    change: dict[str, Any] = answer["causes"][0]["change"]
    return change


def decoy(lab: Lab, namespace: str) -> None:
    """A ConfigMap that nobody reads changes just before the trouble."""
    lab.apply(lab_objects.configmap("decoy", {"COLOUR": "red"}), namespace)
    lab.apply(lab_objects.configmap("decoy", {"COLOUR": "blue"}), namespace)


def scale(lab: Lab, name: str, namespace: str, replicas: int) -> None:
    lab.kubectl("scale", f"deployment/{name}", f"--replicas={replicas}", f"--namespace={namespace}")


def test_a_workload_scaled_to_zero(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply([lab_objects.deployment("web", SERVING), lab_objects.service("web")], lab_namespace)
    lab.apply(lab_objects.deployment("idle", SERVING, replicas=0), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("web", SERVING, replicas=0), lab_namespace)
    answer = running_tapio.until("service/web", lab_namespace, "controller.scaled_to_zero")
    assert blamed(answer) == ("controller.scaled_to_zero", "Deployment", "web")
    change = change_of(answer)
    assert (change["field"], change["before"], change["after"]) == ("spec.replicas", 1, 0)
    assert change["actor"] == "kubectl-client-side-apply"
    assert blamed(running_tapio.why("deployment/web", lab_namespace)) == blamed(answer)
    assert first_code(running_tapio.why("deployment/idle", lab_namespace)) == "none.healthy"
    assert blamed(running_tapio.live("service/web", lab_namespace)) == blamed(answer)
    assert blamed(running_tapio.live("deployment/web", lab_namespace)) == blamed(answer)


def test_a_job_whose_program_fails(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.job("report", ("log=no such table", "exit=4")), lab_namespace)
    answer = running_tapio.until("job/report", lab_namespace, "runtime.crash_app")
    assert blamed(answer) == ("runtime.crash_app", "Job", "report")
    assert answer["causes"][0]["attributes"]["exit_code"] == 4
    assert blamed(running_tapio.live("job/report", lab_namespace)) == blamed(answer)


def test_a_job_that_runs_too_long(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    job = lab_objects.job("report", ("hang",))
    job["spec"]["activeDeadlineSeconds"] = 2
    decoy(lab, lab_namespace)
    lab.apply(job, lab_namespace)
    answer = running_tapio.until("job/report", lab_namespace, "controller.job_failed")
    assert blamed(answer) == ("controller.job_failed", "Job", "report")
    assert answer["causes"][0]["attributes"]["reason"] == "DeadlineExceeded"
    assert blamed(running_tapio.live("job/report", lab_namespace)) == blamed(answer)


def test_a_service_whose_port_nobody_serves(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    web = lab_objects.deployment("web", SERVING, ports=(8080,))
    lab.apply([web, lab_objects.service("web", target_port=8080)], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.service("web", target_port=9090), lab_namespace)
    answer = running_tapio.until("service/web", lab_namespace, "service.port_mismatch")
    assert blamed(answer) == ("service.port_mismatch", "Service", "web")
    change = change_of(answer)
    assert change["field"].endswith("targetPort")
    assert (change["before"], change["after"]) == (8080, 9090)
    assert answer["symptom"]["code"] == "PortMismatch"
    assert running_tapio.why("deployment/web", lab_namespace)["status"] == "healthy"
    assert blamed(running_tapio.live("service/web", lab_namespace)) == blamed(answer)


def test_a_service_whose_named_port_no_container_has(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    web = lab_objects.deployment("web", SERVING)
    lab.apply([web, lab_objects.service("web", target_port="http")], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    answer = running_tapio.until("service/web", lab_namespace, "service.port_mismatch")
    assert blamed(answer) == ("service.port_mismatch", "Service", "web")
    assert blamed(running_tapio.live("service/web", lab_namespace)) == blamed(answer)


def test_a_rollout_past_its_deadline_leads_to_what_keeps_its_pods(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    lab.apply(lab_objects.deployment("web", SERVING, progress_deadline_s=3), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    never_ready = lab_objects.http_probe("/nowhere", port=9999)
    lab.apply(lab_objects.deployment("web", SERVING, progress_deadline_s=3, probe=never_ready), lab_namespace)
    lab.wait(lambda: _past_deadline(lab, lab_namespace), what="the deadline has passed")
    lab.wait(lambda: running_tapio.why("deployment/web", lab_namespace).get("status") == "explained", what="an answer")
    answer = running_tapio.why("deployment/web", lab_namespace)
    assert blamed(answer)[1:] == ("Deployment", "web")
    assert change_of(answer)["field"].startswith("spec.template.spec.containers[app].readinessProbe")


def _past_deadline(lab: Lab, namespace: str) -> bool:
    conditions = lab.get("deployment", "web", namespace)["status"].get("conditions", [])
    return any(one.get("reason") == "ProgressDeadlineExceeded" for one in conditions)


# --- Nothing is wrong ------------------------------------------------------------------------------------------------


def test_a_pod_that_waited_for_its_configuration_has_recovered(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    reads = [{"configMapRef": {"name": "late"}}]
    lab.apply(lab_objects.deployment("web", SERVING, env_from=reads), lab_namespace)
    running_tapio.until("deployment/web", lab_namespace, "startup.config_missing")
    lab.apply(lab_objects.configmap("late", {"MODE": "safe"}), lab_namespace)
    assert_recovered(lab, running_tapio, "web", lab_namespace)


def test_a_pod_that_waited_for_a_node_has_recovered(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    label = f"tapio.test/{lab_namespace}"
    lab.apply(lab_objects.deployment("late", SERVING, node_selector={label: "yes"}), lab_namespace)
    running_tapio.until("deployment/late", lab_namespace, "scheduling.node_selector")
    node = lab.nodes[0].name
    try:
        lab.kubectl("label", "node", node, f"{label}=yes")
        assert_recovered(lab, running_tapio, "late", lab_namespace)
    finally:
        lab.kubectl("label", "node", node, f"{label}-")


def assert_recovered(lab: Lab, tapio: Tapio, name: str, namespace: str) -> None:
    """The pod had trouble and is well again; its workload is well."""
    lab.wait_for_rollout(name, namespace)
    (pod,) = lab.list("pods", namespace)
    target = f"pod/{pod['metadata']['name']}"
    answer = tapio.until(target, namespace, "none.recovered")
    assert (answer["status"], first_code(answer)) == ("healthy", "none.recovered")
    assert tapio.why(f"deployment/{name}", namespace)["status"] == "healthy"
    live = tapio.live(target, namespace)
    assert (live["status"], first_code(live)) == ("healthy", "none.recovered")


def test_a_job_that_ran_to_its_end_is_completed(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.job("report", ("log=done", "exit=0")), lab_namespace)
    answer = running_tapio.until("job/report", lab_namespace, "none.completed")
    assert (answer["status"], first_code(answer)) == ("healthy", "none.completed")
    (pod,) = lab.list("pods", lab_namespace)
    assert first_code(running_tapio.why(f"pod/{pod['metadata']['name']}", lab_namespace)) == "none.completed"
    assert first_code(running_tapio.live("job/report", lab_namespace)) == "none.completed"


def test_what_a_good_rollout_leaves_behind_is_retired(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("web", SERVING), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    (old,) = lab.list("pods", lab_namespace)
    (old_set,) = lab.list("replicasets", lab_namespace)
    lab.apply(lab_objects.deployment("web", SERVING, env={"COLOUR": "blue"}), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    for target in (f"pod/{old['metadata']['name']}", f"replicaset/{old_set['metadata']['name']}"):
        answer = running_tapio.until(target, lab_namespace, "none.retired")
        assert (target, answer["status"], first_code(answer)) == (target, "healthy", "none.retired")
    assert running_tapio.why("deployment/web", lab_namespace)["status"] == "healthy"
    live = running_tapio.live(f"replicaset/{old_set['metadata']['name']}", lab_namespace)
    assert first_code(live) == "none.retired"


def test_a_workload_that_was_scaled_down_and_a_bare_pod_are_healthy(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    lab.apply([lab_objects.deployment("web", SERVING, replicas=2), lab_objects.pod("lone", SERVING)], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    scale(lab, "web", lab_namespace, 1)
    lab.wait(lambda: len(lab.list("pods", lab_namespace, "app=web")) == 1, what="one pod is left")
    for target in ("deployment/web", "pod/lone"):
        answer = running_tapio.until(target, lab_namespace, "none.healthy")
        assert (target, first_code(answer)) == (target, "none.healthy")
        assert first_code(running_tapio.live(target, lab_namespace)) == "none.healthy"
