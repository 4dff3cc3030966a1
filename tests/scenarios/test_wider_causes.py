"""Causes beyond the first twenty, made in the lab with a decoy beside each."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.lab.manifests import Manifest
from tests.scenarios.blame import SERVING, Answer, blamed, decoy, first_code, workload_of
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab

NODE = "node-1"


def expect(tapio: Tapio, namespace: str, target: str, code: str, entity: tuple[str, str], **expected: Any) -> None:
    """The running Tapio and one live look both name code and entity first; what else is expected, the running one."""
    tapio.expect(target, namespace, code, *entity, **expected)
    tapio.expect_live(target, namespace, code, *entity)


def api(kind: str, version: str, name: str, **rest: Any) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


def test_a_job_that_gives_up_after_its_retries(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    job = lab_objects.job("report", ("log=no such table", "exit=4"))
    job["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"  # its pods are put away as it gives up
    lab.apply(job, lab_namespace)
    lab.wait(lambda: _gave_up(lab, "report", lab_namespace), what="the Job has given up")
    blame = ("runtime.crash_app", "Job", "report")
    running_tapio.expect(
        "job/report", lab_namespace, *blame, also=lambda answer: _tells(answer, "BackoffLimitExceeded")
    )
    running_tapio.settled_live("job/report", lab_namespace, lambda answer: blamed(answer)[1:] == ("Job", "report"))


def _tells(answer: Answer, words: str) -> bool:
    return any(words in step["text"] for step in answer["causes"][0]["chain"])


def _gave_up(lab: Lab, name: str, namespace: str) -> bool:
    conditions = lab.get("job", name, namespace)["status"].get("conditions", [])
    return any((one["type"], one["reason"]) == ("Failed", "BackoffLimitExceeded") for one in conditions)


def test_a_job_killed_at_its_deadline_while_its_image_is_missing(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    decoy(lab, lab_namespace)
    job = lab_objects.job("report", ("exit=0",), image=lab_objects.WORKLOAD_IMAGE.replace(":1", ":missing"))
    lab.apply(job, lab_namespace)
    lab.wait(lambda: _waits_for_its_image(lab, lab_namespace), what="its image is missing")
    job["spec"]["activeDeadlineSeconds"] = 1
    lab.apply(job, lab_namespace)
    lab.wait(lambda: "conditions" in lab.get("job", "report", lab_namespace)["status"], what="the Job is over")
    lab.wait(lambda: not lab.list("pods", lab_namespace), what="its pods are gone")
    running_tapio.expect("job/report", lab_namespace, "startup.image_not_found", "Job", "report")
    running_tapio.settled_live("job/report", lab_namespace, lambda answer: blamed(answer)[1:] == ("Job", "report"))


def _waits_for_its_image(lab: Lab, namespace: str) -> bool:
    pod = lab.list("pods", namespace)[0]
    return "ImagePull" in pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]


def test_a_workload_deleted_under_its_service(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    objects = [lab_objects.deployment("web", SERVING), lab_objects.service("web"), lab_objects.deployment("other")]
    lab.apply(objects, lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    decoy(lab, lab_namespace)
    lab.kubectl("delete", "deployment", "web", "other", f"--namespace={lab_namespace}")
    running_tapio.expect(
        "service/web",
        lab_namespace,
        "controller.owner_deleted",
        "Deployment",
        "web",
        field="metadata.deletionTimestamp",
    )
    blind = ("", "none.starting")  # one look knows of no deletion
    running_tapio.settled_live("service/web", lab_namespace, lambda answer: first_code(answer) in blind)


def test_an_autoscaler_without_metrics(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "metrics": [metric]}
    lab.apply(lab_objects.deployment("web", SERVING, requests={"cpu": "10m"}), lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(api("HorizontalPodAutoscaler", "autoscaling/v2", "web", spec=spec), lab_namespace)
    blame = ("HorizontalPodAutoscaler", "web")
    hits_it = {"also": lambda answer: workload_of(answer) == "web"}
    expect(running_tapio, lab_namespace, "hpa/web", "controller.hpa_no_metrics", blame, **hits_it)


def test_a_schedule_that_somebody_suspended(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    def nightly(*, suspend: bool) -> Manifest:
        template = lab_objects.job("nightly", ("exit=0",))["spec"]
        return api(
            "CronJob", "batch/v1", "nightly",
            spec={"schedule": "0 3 * * *", "suspend": suspend, "jobTemplate": {"spec": template}},
        )  # fmt: skip

    lab.apply(nightly(suspend=False), lab_namespace)
    running_tapio.expect_status("cronjob/nightly", lab_namespace, "healthy")
    decoy(lab, lab_namespace)
    lab.apply(nightly(suspend=True), lab_namespace)
    running_tapio.expect(
        "cronjob/nightly", lab_namespace, "controller.cron_missed", "CronJob", "nightly", field="spec.suspend"
    )
    running_tapio.expect_live_status("cronjob/nightly", lab_namespace, "healthy")  # by design, for all it knows


def test_an_ingress_to_a_service_that_is_not_there(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    def front(service: str) -> Manifest:
        backend = {"service": {"name": service, "port": {"number": 80}}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        spec = {"rules": [{"host": "shop.test", "http": {"paths": [path]}}]}
        return api("Ingress", "networking.k8s.io/v1", "front", spec=spec)

    lab.apply([lab_objects.deployment("web", SERVING), lab_objects.service("web"), front("web")], lab_namespace)
    lab.wait_for_rollout("web", lab_namespace)
    running_tapio.expect_status("ingress/front", lab_namespace, "healthy")
    decoy(lab, lab_namespace)
    lab.apply(front("webb"), lab_namespace)
    blame = ("Ingress", "front")
    expect(running_tapio, lab_namespace, "ingress/front", "network.ingress_misroute", blame, field="spec.rules")


def test_a_pod_that_its_kubelet_has_no_room_for(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.pod("big", requests={"cpu": "900"}, extra={"nodeName": NODE}), lab_namespace)
    blame = ("Pod", "big")
    expect(running_tapio, lab_namespace, "pod/big", "scheduling.insufficient_cpu", blame, reason="OutOfcpu")


def test_a_limit_that_the_runtime_does_not_fit_in(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("tiny", SERVING, limits={"memory": "300Ki"}), lab_namespace)
    expect(running_tapio, lab_namespace, "deployment/tiny", "startup.memory_too_small", ("Deployment", "tiny"))


def test_a_volume_that_grew_beyond_its_limit(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    cache = {"/cache": {"emptyDir": {"sizeLimit": "1Mi"}}}
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.pod("full", ("write=/cache/x:8Mi", "hang"), mounts=cache), lab_namespace)
    blame = ("Pod", "full")
    expect(running_tapio, lab_namespace, "pod/full", "runtime.evicted", blame, resource="ephemeral storage")


def test_a_hook_that_fails_after_the_start(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    web = lab_objects.deployment("web", SERVING)
    container = web["spec"]["template"]["spec"]["containers"][0]
    container["lifecycle"] = {"postStart": {"exec": {"command": ["/no/such/command"]}}}
    decoy(lab, lab_namespace)
    lab.apply(web, lab_namespace)
    expect(running_tapio, lab_namespace, "deployment/web", "startup.post_start_hook", ("Deployment", "web"))


def test_a_pod_that_does_not_ask_the_clusters_name_service(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply([lab_objects.deployment("db", SERVING), lab_objects.service("db")], lab_namespace)
    lab.wait_for_rollout("db", lab_namespace)
    decoy(lab, lab_namespace)
    client = lab_objects.deployment("client", ("connect=db:80", "hang"), extra={"dnsPolicy": "Default"})
    lab.apply(client, lab_namespace)
    expect(running_tapio, lab_namespace, "deployment/client", "network.dns_failed", ("Deployment", "client"))


def test_a_binding_that_was_deleted(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    account = f"system:serviceaccount:{lab_namespace}:default"
    forbidden = f'pods is forbidden: User "{account}" cannot list resource "pods" in the namespace "{lab_namespace}"'
    group = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": lab_namespace}]
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "view"}
    lab.apply(api("RoleBinding", f"{group}/v1", "reads", roleRef=role, subjects=subjects), lab_namespace)
    decoy(lab, lab_namespace)
    lab.kubectl("delete", "rolebinding", "reads", f"--namespace={lab_namespace}")
    client = lab_objects.deployment("client", (f"log={forbidden}", "exit=1"))
    client["spec"]["template"]["spec"]["containers"][0]["terminationMessagePolicy"] = "FallbackToLogsOnError"
    lab.apply(client, lab_namespace)
    running_tapio.expect(
        "deployment/client",
        lab_namespace,
        "admission.rbac_denied",
        "RoleBinding",
        "reads",
        field="metadata.deletionTimestamp",
    )
    blame = ("admission.rbac_denied", "ServiceAccount", "default")  # one look knows of no deletion
    running_tapio.expect_live("deployment/client", lab_namespace, *blame)


@pytest.fixture
def cordoned_node(lab: Lab, lab_namespace: str) -> Iterator[str]:
    """A node that is drained: cordoned, while a workload with a strict budget runs there, and one without beside it."""
    here = lab_objects.on_node(NODE)
    selector = {"matchLabels": {"app": "kept"}}
    budget = api("PodDisruptionBudget", "policy/v1", "kept", spec={"selector": selector, "minAvailable": 1})
    lab.apply([budget, lab_objects.deployment("kept", SERVING, node_selector=here)], lab_namespace)
    lab.apply(lab_objects.deployment("moved", SERVING, node_selector=here), lab_namespace)
    lab.wait_for_rollout("kept", lab_namespace)
    lab.wait_for_rollout("moved", lab_namespace)
    lab.wait(lambda: lab.get("pdb", "kept", lab_namespace)["status"].get("currentHealthy") == 1, what="a budget")
    with lab.cordoned(NODE):
        yield NODE


@pytest.mark.alone
def test_a_drain_and_a_budget_that_blocks_it(
    lab: Lab, lab_namespace: str, running_tapio: Tapio, cordoned_node: str
) -> None:
    decoy(lab, lab_namespace)
    blame = ("PodDisruptionBudget", "kept")
    expect(running_tapio, lab_namespace, "pdb/kept", "controller.pdb_blocks", blame, node=cordoned_node)
    (pod,) = lab.list("pods", lab_namespace, "app=moved")
    _evict(lab, pod["metadata"]["name"], lab_namespace)
    running_tapio.expect(
        "deployment/moved", lab_namespace, "node.drained", "Node", cordoned_node, field="spec.unschedulable"
    )


def _evict(lab: Lab, pod: str, namespace: str) -> None:
    eviction = '{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "%s", "namespace": "%s"}}'
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    lab.kubectl("create", "--raw", path, "-f", "-", input=eviction % (pod, namespace))


@pytest.mark.alone
def test_a_name_service_that_somebody_scaled_to_zero(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply([lab_objects.deployment("db", SERVING), lab_objects.service("db")], lab_namespace)
    lab.wait_for_rollout("db", lab_namespace)
    with lab.without_dns():
        decoy(lab, lab_namespace)
        lab.apply(lab_objects.deployment("client", ("connect=db:80", "hang")), lab_namespace)
        running_tapio.expect(
            "deployment/client", lab_namespace, "network.dns_failed", "Deployment", "coredns", field="spec.replicas"
        )
        blame = ("network.dns_failed", "Component", "cluster-dns")  # a look is at one namespace
        running_tapio.expect_live("deployment/client", lab_namespace, *blame)
