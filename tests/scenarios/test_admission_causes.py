"""What keeps a controller from creating its pods, made in the lab: both ways of asking name it first."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING, blamed, decoy, workload_of
from tests.scenarios.conftest import Tapio

pytestmark = pytest.mark.lab


def quota(name: str, **hard: str) -> dict[str, Any]:
    spec = {"hard": {key.replace("_", "."): value for key, value in hard.items()}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec}


ANY_POD = lab_objects.pod("any", SERVING)
"""What is asked about until the rule that refuses it is in force: admission hears of rules a moment later."""


def restart(lab: Lab, name: str, namespace: str) -> None:
    lab.kubectl("rollout", "restart", f"deployment/{name}", f"--namespace={namespace}")


@contextmanager
def webhook(lab: Lab, namespace: str) -> Iterator[str]:
    """A webhook for the pods of one namespace, behind which nobody listens."""
    name = f"guard-{namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    hook = {
        "name": "check.guard.example.com",
        "clientConfig": {"service": {"namespace": namespace, "name": "guard", "path": "/check"}},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 1,
    }
    api = "admissionregistration.k8s.io/v1"
    kind = "ValidatingWebhookConfiguration"
    lab.apply({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "webhooks": [hook]}, namespace)
    try:
        yield name
    finally:
        lab.kubectl("delete", "validatingwebhookconfiguration", name)


def test_a_quota_that_was_lowered(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(quota("team", requests_cpu="1"), lab_namespace)
    lab.wait(lambda: lab.get("quota", "team", lab_namespace)["status"]["hard"], what="the quota is counted")
    lab.apply(lab_objects.deployment("shop", SERVING, requests={"cpu": "50m"}), lab_namespace)
    lab.wait_for_rollout("shop", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(quota("team", requests_cpu="60m"), lab_namespace)
    one_more = lab_objects.pod("one-more", SERVING, requests={"cpu": "50m"})
    lab.wait_until_refused(one_more, lab_namespace, "exceeded quota")
    restart(lab, "shop", lab_namespace)
    blame = ("admission.quota_exceeded", "ResourceQuota", "team")
    running_tapio.expect(
        "deployment/shop",
        lab_namespace,
        *blame,
        field="spec.hard",
        resource="cpu",
        also=lambda answer: workload_of(answer) == "shop",
    )
    running_tapio.expect_live("deployment/shop", lab_namespace, *blame)


def test_a_webhook_behind_which_nobody_listens(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    decoy(lab, lab_namespace)
    with webhook(lab, lab_namespace) as name:
        lab.wait_until_refused(ANY_POD, lab_namespace, "failed calling webhook")
        lab.apply(lab_objects.deployment("shop", SERVING), lab_namespace)
        blame = ("admission.webhook_failed", "ValidatingWebhookConfiguration", name)
        running_tapio.expect("deployment/shop", lab_namespace, *blame, kind="service_missing")
        running_tapio.expect_live("deployment/shop", lab_namespace, *blame)


def test_a_namespace_that_enforces_a_standard(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("shop", SERVING), lab_namespace)
    lab.wait_for_rollout("shop", lab_namespace)
    decoy(lab, lab_namespace)
    lab.kubectl("label", "namespace", lab_namespace, "pod-security.kubernetes.io/enforce=restricted")
    lab.wait_until_refused(ANY_POD, lab_namespace, "violates PodSecurity")
    restart(lab, "shop", lab_namespace)
    answer = running_tapio.expect(
        "deployment/shop",
        lab_namespace,
        "admission.pod_security",
        "Namespace",
        lab_namespace,
        field="pod-security.kubernetes.io/enforce",
    )
    running_tapio.expect_live("deployment/shop", lab_namespace, *blamed(answer))


def test_an_account_that_does_not_exist(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    lab.apply(lab_objects.deployment("shop", SERVING), lab_namespace)
    lab.wait_for_rollout("shop", lab_namespace)
    decoy(lab, lab_namespace)
    lab.apply(lab_objects.deployment("shop", SERVING, extra={"serviceAccountName": "robot"}), lab_namespace)
    answer = running_tapio.expect(
        "deployment/shop",
        lab_namespace,
        "admission.service_account_missing",
        "Deployment",
        "shop",
        field="serviceAccount",
    )
    running_tapio.expect_live("deployment/shop", lab_namespace, *blamed(answer))


def test_a_limit_range_and_a_stateful_set(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> None:
    limits = {"limits": [{"type": "Container", "max": {"cpu": "100m"}}]}
    lab.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": limits}, lab_namespace)
    lab.wait_until_refused(lab_objects.pod("big", SERVING, limits={"cpu": "1"}), lab_namespace, "maximum cpu usage")
    decoy(lab, lab_namespace)
    spec = lab_objects.deployment("db", SERVING, limits={"cpu": "1"})["spec"]
    parts = {key: spec[key] for key in ("replicas", "selector", "template")}
    stateful = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}}
    lab.apply({**stateful, "spec": {**parts, "serviceName": "db"}}, lab_namespace)
    blame = ("admission.limit_range", "LimitRange", "small")
    running_tapio.expect("statefulset/db", lab_namespace, *blame)
    running_tapio.expect_live("statefulset/db", lab_namespace, *blame)
