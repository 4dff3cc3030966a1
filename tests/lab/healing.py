"""Puts right what a killed test left broken: daemons it had stopped, cordons, taints, DNS at zero, scouts.

It looks at the cluster and not at what was written down, so it works after a `kill -9` at any moment.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tests.lab import scout
from tests.lab.kubectl import Kubectl
from tests.lab.progress import PATIENCE_S
from tests.lab.service import Service

_NEEDED = frozenset({"etcd", "init", "containerd", "world-dns", "registry"})  # no test stops these alone
_OWN = "node.kubernetes.io/"  # Kubernetes' own taints come and go with the node's state


def start_stopped(services: Sequence[Service]) -> list[str]:
    """Start daemons that a test may have stopped; nothing where more than that has ended."""
    ended = [service for service in services if not service.pids()]
    if any(service.name in _NEEDED for service in ended):
        return []
    for service in ended:
        service.start()
    return [f"{service.name} of {service.group} was stopped" for service in ended]


def heal(kubectl: Kubectl) -> list[str]:
    """Undo what tests do to the cluster as a whole, and say what that was."""
    nodes = json.loads(kubectl("get", "nodes", "--output=json"))["items"]
    undone = [said for node in nodes for said in _heal_node(kubectl, node)]
    for node in nodes if undone else ():
        scout.wait_until_open(kubectl, node["metadata"]["name"])
    dns = json.loads(kubectl("get", "deployment/coredns", "--namespace=kube-system", "--output=json"))
    if not dns["spec"]["replicas"]:
        kubectl("scale", "deployment/coredns", "--namespace=kube-system", "--replicas=1")
        kubectl("rollout", "status", "deployment/coredns", "--namespace=kube-system", f"--timeout={PATIENCE_S}s")
        undone.append("the cluster's DNS was scaled to zero")
    if scout.call_back(kubectl):
        undone.append("scouts were still out")
    return undone


def _heal_node(kubectl: Kubectl, node: dict[str, Any]) -> Iterator[str]:
    name, spec = node["metadata"]["name"], node["spec"]
    if spec.get("unschedulable"):
        kubectl("uncordon", name)
        yield f"{name} was cordoned"
    for taint in spec.get("taints", ()):
        if not taint["key"].startswith(_OWN):
            kubectl("taint", "node", name, f"{taint['key']}:{taint['effect']}-")
            yield f"{name} was tainted with {taint['key']}"
