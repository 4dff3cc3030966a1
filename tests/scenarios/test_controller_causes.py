"""What controllers and Services do to a workload, made in the lab; and workloads that nothing is wrong with."""

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING, blamed, change_of, decoy
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab


def scale(lab: Lab, name: str, namespace: str, replicas: int) -> None:
    lab.kubectl("scale", f"deployment/{name}", f"--replicas={replicas}", f"--namespace={namespace}")


def test_a_workload_scaled_to_zero(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply([lab_objects.deployment("web", SERVING), lab_objects.service("web")], lab_namespace)
    lab.apply(lab_objects.deployment("idle", SERVING, replicas=0), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("web", SERVING, replicas=0), lab_namespace)
    answer = running_tapio.expect(
        "service/web", lab_namespace, "controller.scaled_to_zero", "Deployment", "web", field="spec.replicas"
    )
    change = change_of(answer)
    assert (change["before"], change["after"]) == (1, 0)
    assert change["actor"] == "kubectl-client-side-apply"
    running_tapio.expect("deployment/web", lab_namespace, *blamed(answer))
    running_tapio.expect_status("deployment/idle", lab_namespace, "healthy", "none.healthy")
    running_tapio.expect_live("service/web", lab_namespace, *blamed(answer))
    running_tapio.expect_live("deployment/web", lab_namespace, *blamed(answer))


def test_a_job_whose_program_fails(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.job("report", ("log=no such table", "exit=4")), lab_namespace)
    blame = ("runtime.crash_app", "Job", "report")
    running_tapio.expect("job/report", lab_namespace, *blame, exit_code=4)
    running_tapio.expect_live("job/report", lab_namespace, *blame)


def test_a_job_that_runs_too_long(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    job = lab_objects.job("report", ("hang",))
    job["spec"]["activeDeadlineSeconds"] = 2
    decoy(lab, lab_namespace)
    lab.apply(job, lab_namespace)
    blame = ("controller.job_failed", "Job", "report")
    running_tapio.expect("job/report", lab_namespace, *blame, reason="DeadlineExceeded")
    running_tapio.expect_live("job/report", lab_namespace, *blame)


def test_a_service_whose_port_nobody_serves(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    web = lab_objects.deployment("web", SERVING, ports=(8080,))
    lab.apply([web, lab_objects.service("web", target_port=8080)], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.service("web", target_port=9090), lab_namespace)
    blame = ("service.port_mismatch", "Service", "web")
    answer = running_tapio.expect(
        "service/web",
        lab_namespace,
        *blame,
        field="targetPort",
        also=lambda answer: answer["symptom"]["code"] == "PortMismatch",
    )
    change = change_of(answer)
    assert (change["before"], change["after"]) == (8080, 9090)
    running_tapio.expect_status("deployment/web", lab_namespace, "healthy")
    running_tapio.expect_live("service/web", lab_namespace, *blame)


def test_a_service_whose_named_port_no_container_has(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    web = lab_objects.deployment("web", SERVING)
    lab.apply([web, lab_objects.service("web", target_port="http")], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    blame = ("service.port_mismatch", "Service", "web")
    running_tapio.expect("service/web", lab_namespace, *blame)
    running_tapio.expect_live("service/web", lab_namespace, *blame)


def test_a_rollout_past_its_deadline_leads_to_what_keeps_its_pods(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    lab.apply(lab_objects.deployment("web", SERVING), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    never_ready = lab_objects.http_probe("/nowhere", port=9999)
    lab.apply(lab_objects.deployment("web", SERVING, progress_deadline_s=3, probe=never_ready), lab_namespace)
    lab.wait(lambda: _past_deadline(lab, lab_namespace), what="the deadline has passed")
    probe = "spec.template.spec.containers[app].readinessProbe"
    running_tapio.expect(
        "deployment/web",
        lab_namespace,
        field=probe,
        also=lambda answer: (answer["status"], *blamed(answer)[1:]) == ("explained", "Deployment", "web"),
    )


def _past_deadline(lab: Lab, namespace: str) -> bool:
    conditions = lab.get("deployment", "web", namespace)["status"].get("conditions", [])
    return any(one.get("reason") == "ProgressDeadlineExceeded" for one in conditions)


# --- Nothing is wrong ------------------------------------------------------------------------------------------------


def test_a_pod_that_waited_for_its_configuration_has_recovered(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    reads = [{"configMapRef": {"name": "late"}}]
    lab.apply(lab_objects.deployment("web", SERVING, env_from=reads), lab_namespace)
    running_tapio.expect("deployment/web", lab_namespace, "startup.config_missing")
    lab.apply(lab_objects.configmap("late", {"MODE": "safe"}), lab_namespace)
    assert_recovered(lab, running_tapio, "web", lab_namespace)


def test_a_pod_that_waited_for_a_node_has_recovered(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    label = f"tapio.test/{lab_namespace}"
    lab.apply(lab_objects.deployment("late", SERVING, node_selector={label: "yes"}), lab_namespace)
    running_tapio.expect("deployment/late", lab_namespace, "scheduling.node_selector")
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
    tapio.expect_status(target, namespace, "healthy", "none.recovered")
    tapio.expect_status(f"deployment/{name}", namespace, "healthy")
    tapio.expect_live_status(target, namespace, "healthy", "none.recovered")


def test_a_job_that_ran_to_its_end_is_completed(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.job("report", ("log=done", "exit=0")), lab_namespace)
    running_tapio.expect_status("job/report", lab_namespace, "healthy", "none.completed")
    (pod,) = lab.list("pods", lab_namespace)
    running_tapio.expect(f"pod/{pod['metadata']['name']}", lab_namespace, "none.completed")
    running_tapio.expect_live("job/report", lab_namespace, "none.completed")


def test_what_a_good_rollout_leaves_behind_is_retired(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("web", SERVING), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    (old,) = lab.list("pods", lab_namespace)
    (old_set,) = lab.list("replicasets", lab_namespace)
    lab.apply(lab_objects.deployment("web", SERVING, env={"COLOUR": "blue"}), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    for target in (f"pod/{old['metadata']['name']}", f"replicaset/{old_set['metadata']['name']}"):
        running_tapio.expect_status(target, lab_namespace, "healthy", "none.retired")
    running_tapio.expect_status("deployment/web", lab_namespace, "healthy")
    running_tapio.expect_live(f"replicaset/{old_set['metadata']['name']}", lab_namespace, "none.retired")


def test_a_workload_that_was_scaled_down_and_a_bare_pod_are_healthy(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    lab.apply([lab_objects.deployment("web", SERVING, replicas=2), lab_objects.pod("lone", SERVING)], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    scale(lab, "web", lab_namespace, 1)
    lab.wait(lambda: len(lab.list("pods", lab_namespace, "app=web")) == 1, what="one pod is left")
    codes = ("none.healthy", "none.recovered")  # a kubelet that mounts late has said so, and that is over
    for target in ("deployment/web", "pod/lone"):
        running_tapio.expect_status(target, lab_namespace, "healthy", *codes)
        running_tapio.expect_live_status(target, lab_namespace, "healthy", *codes)
