"""Builds the objects that tests apply, as plain data: what a test breaks is an argument, all else is healthy."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.lab.layout import REGISTRY

WORKLOAD_IMAGE = f"{REGISTRY}/workload:1"

Manifest = dict[str, Any]
Strings = Mapping[str, str]


def pod(
    name: str,
    steps: Sequence[str] = ("hang",),
    *,
    labels: Strings | None = None,
    restart_policy: str = "Always",
    **container: Any,
) -> Manifest:
    """A bare pod of the workload; `container` takes what `pod_spec` takes."""
    spec = {**pod_spec(steps, **container), "restartPolicy": restart_policy}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels or {"app": name})},
        "spec": spec,
    }


def deployment(
    name: str,
    steps: Sequence[str] = ("hang",),
    *,
    replicas: int = 1,
    labels: Strings | None = None,
    annotations: Strings | None = None,
    progress_deadline_s: int = 600,
    **container: Any,
) -> Manifest:
    """A Deployment of the workload; `container` takes what `pod_spec` takes."""
    chosen = dict(labels or {"app": name})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": chosen, "annotations": dict(annotations or {})},
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": progress_deadline_s,
            "selector": {"matchLabels": chosen},
            "template": {"metadata": {"labels": chosen}, "spec": pod_spec(steps, **container)},
        },
    }


def job(
    name: str, steps: Sequence[str], *, backoff_limit: int = 0, labels: Strings | None = None, **container: Any
) -> Manifest:
    """A Job of the workload; `container` takes what `pod_spec` takes."""
    chosen = dict(labels or {"app": name})
    template = {"metadata": {"labels": chosen}, "spec": {**pod_spec(steps, **container), "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": chosen},
        "spec": {"backoffLimit": backoff_limit, "template": template},
    }


def service(
    name: str, *, selector: Strings | None = None, port: int = 80, target_port: int | str = 8080, protocol: str = "TCP"
) -> Manifest:
    """A Service; it selects the pods of the workload of the same name."""
    ports = [{"port": port, "targetPort": target_port, "protocol": protocol}]
    spec = {"selector": dict(selector or {"app": name}), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def configmap(name: str, data: Strings) -> Manifest:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}


def secret(name: str, data: Strings) -> Manifest:
    """An opaque Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(data)}


def pod_spec(
    steps: Sequence[str],
    *,
    container_name: str = "app",
    image: str = WORKLOAD_IMAGE,
    command: Sequence[str] | None = None,
    env: Strings | None = None,
    env_from: Sequence[Manifest] = (),
    requests: Strings | None = None,
    limits: Strings | None = None,
    ports: Sequence[int] = (),
    probe: Manifest | None = None,
    liveness: Manifest | None = None,
    startup: Manifest | None = None,
    mounts: Mapping[str, Manifest] | None = None,
    node_selector: Strings | None = None,
    init_steps: Sequence[str] | None = None,
    grace_s: int = 1,
    extra: Manifest | None = None,
) -> Manifest:
    """A pod's spec with one container of the workload.

    `probe` is the readiness probe (see `http_probe`), `mounts` maps a path to a volume's source, such as
    `{"/etc/app": {"configMap": {"name": "settings"}}}`; `extra` is laid over the spec. Pods get a second to end
    (`grace_s`), or every test would wait for its own deletions.
    """
    sources = list((mounts or {}).items())
    container: Manifest = {"name": container_name, "image": image, "args": list(steps)}
    optional: Manifest = {
        "command": list(command or ()),
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
        "envFrom": list(env_from),
        "resources": {kind: dict(sizes) for kind, sizes in (("requests", requests), ("limits", limits)) if sizes},
        "ports": [{"containerPort": port} for port in ports],
        "readinessProbe": probe,
        "livenessProbe": liveness,
        "startupProbe": startup,
        "volumeMounts": [{"name": f"volume-{i}", "mountPath": path} for i, (path, _) in enumerate(sources)],
    }
    container |= {key: value for key, value in optional.items() if value}
    spec: Manifest = {"containers": [container], "terminationGracePeriodSeconds": grace_s}
    if sources:
        spec["volumes"] = [{"name": f"volume-{i}", **source} for i, (_, source) in enumerate(sources)]
    if node_selector:
        spec["nodeSelector"] = dict(node_selector)
    if init_steps is not None:
        spec["initContainers"] = [{"name": "init", "image": WORKLOAD_IMAGE, "args": list(init_steps)}]
    return {**spec, **(extra or {})}


def http_probe(path: str = "/healthz", port: int = 8080, *, period_s: int = 1, failures: int = 3) -> Manifest:
    """A probe that asks a page of the step `serve`."""
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": period_s, "failureThreshold": failures}


def on_node(name: str) -> dict[str, str]:
    """The node selector that places a pod on one node."""
    return {"kubernetes.io/hostname": name}
