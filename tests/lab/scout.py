"""Finds out what the scheduler knows of a node.

It watches nodes and pods apart, so it may hear of a pod before it hears that a node was closed or opened.
"""

import json
import uuid
from typing import Any

from tests.lab.kubectl import Kubectl
from tests.lab.manifests import on_node, pod
from tests.lab.progress import wait_until

NAMESPACE = "default"  # no test works there
LABELS = {"tapio.test/scout": "yes"}


def wait_until_closed(kubectl: Kubectl, node: str, words: str) -> None:
    """Wait until the scheduler keeps pods off the node, for a reason that holds these words; no scout is left then."""
    wait_until(lambda: words in _refusal(kubectl, node), what=f"the scheduler says of {node}: {words}")


def wait_until_open(kubectl: Kubectl, node: str) -> None:
    """Wait until the scheduler places pods on the node; no scout is left then."""
    wait_until(lambda: not _refusal(kubectl, node), what=f"the scheduler places pods on {node}")


def _refusal(kubectl: Kubectl, node: str) -> str:
    """What the scheduler says of a pod that may run nowhere else; empty where it placed it."""
    name = f"scout-{uuid.uuid4().hex[:6]}"
    scout = pod(name, labels=LABELS, node_selector=on_node(node))
    kubectl("create", f"--namespace={NAMESPACE}", "--filename=-", input=json.dumps(scout))
    told: list[dict[str, Any]] = []

    def decided() -> bool:
        found = json.loads(kubectl("get", "pod", name, f"--namespace={NAMESPACE}", "--output=json"))
        told[:] = [one for one in found["status"].get("conditions", ()) if one["type"] == "PodScheduled"]
        return bool(told)

    try:
        wait_until(decided, what=f"the scheduler has decided on {name}", every_s=0.05)
    finally:
        _delete(kubectl, name)
    return str(told[0].get("message", ""))


def call_back(kubectl: Kubectl) -> bool:
    """Delete scouts that a killed test left, and say whether there were any."""
    label = "".join(f"{key}={value}" for key, value in LABELS.items())
    found = kubectl("get", "pods", f"--namespace={NAMESPACE}", f"--selector={label}", "--output=json")
    if not json.loads(found)["items"]:
        return False
    _delete(kubectl, f"--selector={label}")
    return True


def _delete(kubectl: Kubectl, which: str) -> None:
    """At once; one that a taint evicts may be gone already."""
    now = ("--grace-period=0", "--force", "--ignore-not-found")
    kubectl("delete", "pods", which, f"--namespace={NAMESPACE}", *now)
