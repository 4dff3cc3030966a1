"""Causes a step away from what fails: behind another name, on another node, in a neighbour, in a webhook."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.lab.layout import HOST_IP
from tests.lab.manifests import Manifest
from tests.scenarios.blame import SERVING, decoy
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab

MISSING = lab_objects.WORKLOAD_IMAGE.replace(":1", ":missing")


def telling(deployment: Manifest) -> Manifest:
    """The workload, with the last lines of a failed container as its termination message."""
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    return deployment


def client(*steps: str, node: str = "") -> Manifest:
    """A client that does its steps and then serves."""
    selector = lab_objects.on_node(node) if node else None
    return telling(lab_objects.deployment("client", (*steps, "serve=8080", "hang"), node_selector=selector))


def alias(name: str, of: str) -> Manifest:
    spec = {"type": "ExternalName", "externalName": of}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def test_an_alias_that_was_turned_to_a_name_without_an_address(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    real = f"real.{lab_namespace}.svc.cluster.local"
    lab.apply([lab_objects.deployment("real", SERVING), lab_objects.service("real"), alias("db", real)], lab_namespace)
    lab.wait_for_rollout("real", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(alias("db", f"gone.{lab_namespace}.svc.cluster.local"), lab_namespace)
    name = f"db.{lab_namespace}.svc.cluster.local"
    lab.wait(lambda: not lab.reaches(lab.nodes[0].name, name), what="the name service has heard of it")
    lab.apply(client("connect=db:80"), lab_namespace)
    blame = ("runtime.dependency_address", "Service", "db")
    running_tapio.expect("deployment/client", lab_namespace, *blame, field="spec.externalName")
    running_tapio.expect_live("deployment/client", lab_namespace, *blame)


def stateful(name: str, *, replicas: int, steps: tuple[str, ...]) -> Manifest:
    """A StatefulSet of the workload whose pods start side by side."""
    made = telling(lab_objects.deployment(name, steps, replicas=replicas))
    del made["spec"]["progressDeadlineSeconds"]
    spec = {**made["spec"], "serviceName": name, "podManagementPolicy": "Parallel"}
    return {**made, "kind": "StatefulSet", "spec": spec}


def test_one_broken_pod_of_a_set_that_is_asked_by_its_own_name(
    lab: Lab, lab_namespace: str, running_tapio: Tapio
) -> None:
    headless = lab_objects.service("db", port=8080)
    headless["spec"] |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    database = stateful("db", replicas=2, steps=SERVING)
    container = database["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    container["args"] = ["expect-env=POD:db-0", *SERVING]
    decoy(lab, lab_namespace)
    lab.apply([headless, database, client("every=1s", f"connect=db-1.db.{lab_namespace}.svc:8080")], lab_namespace)
    running_tapio.expect("deployment/client", lab_namespace, "runtime.crash_app", "StatefulSet", "db")


def test_a_service_that_was_confined_to_its_own_node(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    near, far = (node.name for node in lab.nodes[:2])
    service = lab_objects.service("db")
    backend = lab_objects.deployment("db", SERVING, node_selector=lab_objects.on_node(far))
    lab.apply([service, backend], lab_namespace)
    lab.wait_for_rollout("db", lab_namespace)
    lab.wait_until_reached("db", lab_namespace)
    lab.apply(client("timeout=2s", "connect=db:80", node=near), lab_namespace)
    lab.wait_for_rollout("client", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply({**service, "spec": {**service["spec"], "internalTrafficPolicy": "Local"}}, lab_namespace)
    name = f"db.{lab_namespace}.svc.cluster.local"
    lab.wait(lambda: not lab.reaches(near, name, port=80), what="its proxy has heard of it")
    lab.kubectl("delete", "pod", "--selector=app=client", f"--namespace={lab_namespace}")
    blame = ("network.traffic_policy_local", "Service", "db")
    running_tapio.expect("deployment/client", lab_namespace, *blame, field="spec.internalTrafficPolicy")
    running_tapio.expect_live("deployment/client", lab_namespace, *blame)


def test_a_container_that_waits_for_the_one_beside_it(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    pair = client("connect=127.0.0.1:5432")
    proxy = {**pair["spec"]["template"]["spec"]["containers"][0], "name": "proxy"}
    proxy |= {"args": ["log=no credentials for the database", "exit=4"], "ports": [{"containerPort": 5432}]}
    pair["spec"]["template"]["spec"]["containers"].append(proxy)
    decoy(lab, lab_namespace)
    lab.apply(pair, lab_namespace)
    blame = ("runtime.crash_app", "Deployment", "client")
    running_tapio.expect("deployment/client", lab_namespace, *blame, container="proxy")
    running_tapio.expect_live("deployment/client", lab_namespace, container="proxy")


# --- A webhook that changes pods --------------------------------------------------------------------------------------


def injection(request: Manifest) -> Manifest:
    """The review that puts a container into the pod."""
    injected = {"name": "injected", "image": MISSING, "args": ["hang"]}
    patch = [{"op": "add", "path": "/spec/containers/-", "value": injected}]
    encoded = base64.b64encode(json.dumps(patch).encode()).decode()
    response = {"uid": request["request"]["uid"], "allowed": True, "patchType": "JSONPatch", "patch": encoded}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}


class Injector(BaseHTTPRequestHandler):
    """Answers the API server's reviews."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps(injection(json.loads(body))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def injector(lab: Lab, namespace: str) -> Iterator[str]:
    """A mutating webhook for the pods of one namespace; it serves with the API server's own certificate."""
    pki = Path(lab.kubeconfig).parent / "pki"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    server = ThreadingHTTPServer((HOST_IP, 0), Injector)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name = f"injector-{namespace}"
    hook = {
        "name": "inject.example.com",
        "clientConfig": {
            "url": f"https://{HOST_IP}:{server.server_address[1]}/",
            "caBundle": base64.b64encode((pki / "ca.crt").read_bytes()).decode(),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Ignore",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
    }
    api, kind = "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"
    lab.apply({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "webhooks": [hook]}, namespace)
    try:
        yield name
    finally:
        lab.kubectl("delete", "mutatingwebhookconfiguration", name)
        server.shutdown()
        server.server_close()


def test_a_container_that_a_webhook_put_into_the_pod(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("shop", SERVING), lab_namespace)
    lab.wait_for_rollout("shop", lab_namespace)
    decoy(lab, lab_namespace)
    with injector(lab, lab_namespace) as name:
        one_more = lab_objects.pod("one-more", SERVING)
        lab.wait(lambda: "injected" in lab.dry_run(one_more, lab_namespace), what="pods are changed")
        lab.kubectl("rollout", "restart", "deployment/shop", f"--namespace={lab_namespace}")
        blame = ("admission.webhook_mutated", "MutatingWebhookConfiguration", name)
        running_tapio.expect("deployment/shop", lab_namespace, *blame, container="injected")
        running_tapio.expect_live("deployment/shop", lab_namespace, *blame)
