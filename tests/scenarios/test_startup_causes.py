"""What keeps pods from starting, and what they depend on, made in the lab with a decoy beside it."""

from typing import Any

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.lab.manifests import Manifest
from tests.scenarios.blame import SERVING, decoy, workload_of
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab


def telling(deployment: Manifest) -> Manifest:
    """The Deployment, with the last lines of a failed container as its termination message."""
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    return deployment


def expect(tapio: Tapio, namespace: str, workload: str, code: str, entity: tuple[str, str], **expected: Any) -> None:
    """The running Tapio and one live look both name code and entity first; what else is expected, the running one."""
    tapio.expect(f"deployment/{workload}", namespace, code, *entity, **expected)
    tapio.expect_live(f"deployment/{workload}", namespace, code, *entity)


def test_a_configmap_that_was_deleted(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    reads = [{"configMapRef": {"name": "web-config"}}]
    objects = [
        lab_objects.configmap("web-config", {"MODE": "safe"}),
        lab_objects.deployment("web", SERVING, env_from=reads),
    ]
    lab.apply(objects, lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.kubectl("delete", "configmap", "web-config", f"--namespace={lab_namespace}")
    lab.kubectl("rollout", "restart", "deployment/web", f"--namespace={lab_namespace}")
    running_tapio.expect(
        "deployment/web",
        lab_namespace,
        "startup.config_missing",
        "ConfigMap",
        "web-config",
        field="metadata.deletionTimestamp",
        also=lambda answer: workload_of(answer) == "web",
    )
    blame = ("startup.config_missing", "Deployment", "web")  # one look knows of no deletion
    running_tapio.expect_live("deployment/web", lab_namespace, *blame)


def test_a_key_that_is_in_no_configmap(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(
        [lab_objects.configmap("web-config", {"MODE": "safe"}), lab_objects.deployment("web", SERVING)], lab_namespace
    )
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    wrong = lab_objects.deployment("web", SERVING)
    source = {"configMapKeyRef": {"name": "web-config", "key": "MDOE"}}
    wrong["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "MODE", "valueFrom": source}]
    lab.apply(wrong, lab_namespace)
    found = {"object": "web-config", "key": "MDOE", "how": "env"}
    blame = ("Deployment", "web")
    expect(running_tapio, lab_namespace, "web", "startup.config_missing", blame, field="env", **found)


def test_a_secret_that_a_volume_needs(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    mounts = {"/etc/web": {"secret": {"secretName": "nowhere"}}}
    lab.apply(lab_objects.deployment("web", SERVING, mounts=mounts), lab_namespace)
    found = {"kind": "Secret", "object": "nowhere", "how": "volume"}
    expect(running_tapio, lab_namespace, "web", "startup.config_missing", ("Deployment", "web"), **found)


def test_an_optional_configmap_is_not_missed(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    reads = [{"configMapRef": {"name": "nowhere", "optional": True}}]
    lab.apply(lab_objects.deployment("web", SERVING, env_from=reads), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    running_tapio.expect_status("deployment/web", lab_namespace, "healthy", "none.healthy", "none.recovered")


def test_a_folder_of_the_node_that_is_not_there(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    mounts = {"/data": {"hostPath": {"path": "/nowhere", "type": "Directory"}}}
    lab.apply(lab_objects.deployment("web", SERVING, mounts=mounts), lab_namespace)
    expect(running_tapio, lab_namespace, "web", "startup.mount_failed", ("Deployment", "web"), kind="host_path")


def test_a_user_that_the_kubelet_refuses(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("web", SERVING), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    refused = lab_objects.deployment("web", SERVING, extra={"securityContext": {"runAsNonRoot": True}})
    lab.apply(refused, lab_namespace)
    expect(
        running_tapio, lab_namespace, "web", "startup.security_context", ("Deployment", "web"), field="securityContext"
    )


def test_a_command_that_does_not_exist(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("web", SERVING), lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("web", SERVING, command=["/wrokload"]), lab_namespace)
    expect(running_tapio, lab_namespace, "web", "startup.command_invalid", ("Deployment", "web"), field="command")


def test_an_init_container_that_fails(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("web", SERVING, init_steps=("log=migration 7 failed", "exit=3")), lab_namespace)
    found = {"container": "init", "exit_code": 3}
    expect(running_tapio, lab_namespace, "web", "startup.init_container", ("Deployment", "web"), **found)


def test_an_init_container_that_runs_without_end(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    steps = ("log=still at it", "hang")
    lab.apply(lab_objects.deployment("web", SERVING, init_steps=steps, progress_deadline_s=4), lab_namespace)
    expect(running_tapio, lab_namespace, "web", "startup.init_container", ("Deployment", "web"), container="init")


def test_a_host_that_no_service_bears(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    def client(host: str) -> Manifest:
        env = {"DB_HOST": host}
        return telling(lab_objects.deployment("client", (f"connect={host}:80", "serve=8080", "hang"), env=env))

    lab.apply([lab_objects.deployment("db", SERVING), lab_objects.service("db")], lab_namespace)
    lab.wait_for_rollout("db", lab_namespace)
    lab.wait_until_reached("db", lab_namespace)
    lab.apply(client("db"), lab_namespace)
    lab.wait_for_rollout("client", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(client("db-nope"), lab_namespace)
    blame = ("Deployment", "client")
    code, field = "runtime.dependency_address", "containers[app]"
    expect(running_tapio, lab_namespace, "client", code, blame, field=field, host="db-nope")


def test_a_service_that_was_deleted(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply([lab_objects.deployment("db", SERVING), lab_objects.service("db")], lab_namespace)
    lab.wait_for_rollout("db", lab_namespace)
    lab.wait_until_reached("db", lab_namespace)
    lab.apply(telling(lab_objects.deployment("client", ("connect=db:80", "serve=8080", "hang"))), lab_namespace)
    lab.wait_for_rollout("client", lab_namespace)
    decoy(lab, lab_namespace)
    lab.kubectl("delete", "service", "db", f"--namespace={lab_namespace}")
    name = f"db.{lab_namespace}.svc.cluster.local"
    lab.wait(lambda: not lab.reaches(lab.nodes[0].name, name), what="the name service has heard of it")
    lab.kubectl("delete", "pod", "--selector=app=client", f"--namespace={lab_namespace}")
    running_tapio.expect("deployment/client", lab_namespace, "service.missing", "Service", "db")
    blame = ("runtime.dependency_address", "Deployment", "client")  # one look knows of no deletion
    running_tapio.expect_live("deployment/client", lab_namespace, *blame)


def test_a_port_that_the_service_does_not_have(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply([lab_objects.deployment("db", SERVING), lab_objects.service("db")], lab_namespace)
    lab.wait_for_rollout("db", lab_namespace)
    lab.wait_until_reached("db", lab_namespace)
    decoy(lab, lab_namespace)
    client = lab_objects.deployment("client", ("connect=db:81", "hang"), env={"DB_PORT": "81"})
    lab.apply(client, lab_namespace)  # only its log tells
    expect(running_tapio, lab_namespace, "client", "runtime.dependency_port", ("Deployment", "client"), port=81)


def test_an_init_container_that_waits_for_a_service_that_nobody_made(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    decoy(lab, lab_namespace)
    waiting = lab_objects.deployment("client", SERVING, init_steps=("every=1s", "resolve-forever=db-nope"))
    lab.apply(waiting, lab_namespace)
    found = {"container": "init", "host": "db-nope"}
    expect(running_tapio, lab_namespace, "client", "runtime.dependency_address", ("Deployment", "client"), **found)


def test_a_backend_that_fails_is_the_cause_of_its_clients_failures(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    missing = lab_objects.WORKLOAD_IMAGE.replace(":1", ":missing")
    lab.apply([lab_objects.deployment("db", SERVING, image=missing), lab_objects.service("db")], lab_namespace)
    decoy(lab, lab_namespace)
    client = telling(lab_objects.deployment("client", ("connect=db:80", "hang")))
    lab.apply(client, lab_namespace)
    expect(running_tapio, lab_namespace, "client", "startup.image_not_found", ("Deployment", "db"))
