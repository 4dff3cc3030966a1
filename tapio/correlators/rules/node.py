"""Causes in a node: its kubelet, its runtime, its network plugin, what it runs short of, and that it is gone."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tapio.correlators.history import is_deleted
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import NodeView, PodView, evidence
from tapio.graph import Evidence, RuledOut
from tapio.unified import ObjectKey, UnifiedEvent

_PRESSURES = {
    "MemoryPressure": "node.pressure_memory",
    "DiskPressure": "node.pressure_disk",
    "PIDPressure": "node.pressure_pid",
}


@rule("node.pressure_memory", "node.pressure_disk", "node.pressure_pid", version=1)
def pressure(node: NodeView) -> Iterator[Finding]:
    """The kubelet reports that the node runs short of something, and since when."""
    if not node.ready:
        return
    for type_, code in _PRESSURES.items():
        condition = node.condition(type_)
        if condition and condition.status == "True":
            yield Finding(
                code=code,
                blame=node.key,
                summary=f"node {node.key.name}: {condition.message or type_}",
                confidence=0.9,
                evidence=(node.fact(f"{type_}: {condition.message}", at=condition.last_transition_time),),
                next=(f"kubectl describe node {node.key.name}",),
            )


# The codes of sequence.neighbours.PROBLEMS.
_PROBLEMS = {
    "NetworkUnavailable": "network.cni_failed",
    "KernelDeadlock": "node.kernel",
    "ReadonlyFilesystem": "node.read_only_fs",
    "FilesystemCorruptionProblem": "node.disk_error",
    "FrequentKubeletRestart": "node.kubelet_down",
    "KubeletProblem": "node.kubelet_down",
    "FrequentContainerdRestart": "node.runtime_down",
    "FrequentDockerRestart": "node.runtime_down",
    "ContainerRuntimeProblem": "node.runtime_down",
}


@rule(*dict.fromkeys(_PROBLEMS.values()), version=1)
def problem(node: NodeView) -> Iterator[Finding]:
    """Something that watches the node (node-problem-detector, its cloud) reports a lasting problem of it."""
    for type_, code in _PROBLEMS.items():
        condition = node.condition(type_)
        if condition and condition.status == "True":
            yield Finding(
                code=code,
                blame=node.key,
                summary=f"node {node.key.name}: {condition.message or type_}",
                confidence=0.88,
                evidence=(node.fact(f"{type_}: {condition.message}", at=condition.last_transition_time),),
                attributes={"condition": type_, "reason": condition.reason},
                next=(f"kubectl describe node {node.key.name}",),
            )


class _Ailment(NamedTuple):
    """Why a node is not ready."""

    code: str
    summary: str
    confidence: float
    next: str


# What kubelets since 1.20 say of themselves in the Ready condition (pkg/kubelet/runtime.go, pkg/kubelet/nodestatus).
_RUNTIME = re.compile(r"container runtime is down|PLEG is not healthy|container runtime not ready|RuntimeReady=false")
_NETWORK = re.compile(
    r"cni (plugin not initialized|config uninitialized)|NetworkPluginNotReady|network plugin is not ready"
    r"|NetworkReady=false|Network plugin returns error",
    re.IGNORECASE,
)
_OF_NOT_READY = ("node.kubelet_down", "node.runtime_down", "network.cni_failed", "node.rebooted")
_SHUTTING_DOWN = re.compile(r"node is shutting down", re.IGNORECASE)
_SILENT = frozenset({"NodeStatusUnknown", "NodeStatusNeverUpdated"})


@rule(*_OF_NOT_READY, version=2, decided_by=("kubeapi", "systemd"))
def not_ready(node: NodeView) -> Iterator[Finding]:
    """The node is not ready: nobody hears from its kubelet, or that says what it lacks."""
    ailment = _ailment(node)
    if ailment is None or node.starting_until:
        return
    yield Finding(
        code=ailment.code,
        blame=node.key,
        summary=ailment.summary,
        confidence=ailment.confidence,
        evidence=_proof(node),
        ruled_out=tuple(_ruled_out(node, ailment)),
        next=(ailment.next,),
    )


def _ailment(node: NodeView) -> _Ailment | None:
    ready = node.condition("Ready")
    if ready is None or ready.status == "True":
        return None
    name = node.key.name
    if ready.status == "Unknown" and ready.reason in _SILENT:
        summary = f"the kubelet of node {name} stopped reporting"
        return _Ailment("node.kubelet_down", summary, 0.9, f"on {name}: systemctl status kubelet")
    if _SHUTTING_DOWN.search(ready.message):
        return _Ailment("node.rebooted", f"node {name} is shutting down", 0.9, f"kubectl describe node {name}")
    if _RUNTIME.search(ready.message):
        summary = f"the container runtime of node {name} is down"
        return _Ailment("node.runtime_down", summary, 0.9, f"on {name}: systemctl status containerd")
    if _NETWORK.search(ready.message):
        summary = f"the network plugin of node {name} is not ready"
        look = f"kubectl -n kube-system get pods -o wide --field-selector spec.nodeName={name}  # the CNI's DaemonSet"
        return _Ailment("network.cni_failed", summary, 0.88, look)
    return None


def _proof(node: NodeView) -> tuple[Evidence, ...]:
    ready = node.condition("Ready")
    taints = [taint for taint in node.node.spec.taints if taint.key.startswith("node.kubernetes.io/")]
    marked = [node.fact(f"tainted {taint.key}:{taint.effect}", at=taint.time_added) for taint in taints[:1]]
    said = f"Ready is {ready.status}: {ready.message or ready.reason}" if ready else "not ready"
    return (*marked, node.fact(said, at=ready.last_transition_time if ready else None))


def _ruled_out(node: NodeView, ailment: _Ailment) -> Iterator[RuledOut]:
    for type_, code in _PRESSURES.items():
        condition = node.condition(type_)
        if condition and condition.status == "False":
            yield RuledOut(code=code, because=f"the kubelet reports no {type_}")
    if ailment.code != "node.kubelet_down":
        yield RuledOut(code="node.kubelet_down", because="the kubelet reports")


@rule(*_OF_NOT_READY, version=2)
def pod_of_a_lost_node(pod: PodView) -> Iterator[Finding]:
    """The pod lost its readiness, or cannot leave, because its node is not ready: the failure is the node's."""
    node = pod.node
    ailment = _ailment(node) if node else None
    if node is None or ailment is None or node.starting_until or not _fails_with_its_node(pod, node):
        return
    yield Finding(
        code=ailment.code,
        blame=node.key,
        workload=pod.workload,
        summary=f"{ailment.summary}, and pod {pod.key.name} is on it",
        confidence=ailment.confidence,
        evidence=(*_proof(node), pod.fact(f"on {node.key.name}, {_how(pod)}")),
        through=(node.key,),
        next=(ailment.next,),
    )


def _fails_with_its_node(pod: PodView, node: NodeView) -> bool:
    """Whether nothing but the node speaks against it: its containers run, or cannot be started or stopped there."""
    if pod.leaving or pod.status.phase == "Unknown":
        return True
    lost, ready = node.condition("Ready"), pod.condition("Ready")
    if any(one.waiting and one.last_end for one in pod.containers) or lost is None:
        return False
    turned = ready.last_transition_time if ready else None
    return turned is None or lost.last_transition_time is None or turned >= lost.last_transition_time


def _how(pod: PodView) -> str:
    return "terminating and not gone" if pod.leaving else "not ready since"


@rule("node.removed", version=1)
def node_removed(pod: PodView) -> Iterator[Finding]:
    """The node that the pod was bound to was deleted under it."""
    gone = _deleted_node(pod)
    if gone is None:
        return
    yield Finding(
        code="node.removed",
        blame=gone.key,
        workload=pod.workload,
        summary=f"node {gone.key.name} was deleted while pod {pod.key.name} was bound to it",
        confidence=0.9,
        evidence=(evidence(gone, f"Node {gone.key.name} deleted"), pod.fact(f"bound to {gone.key.name}")),
        next=(f"kubectl -n {pod.key.namespace} delete pod {pod.key.name} --force --grace-period=0",),
    )


def _deleted_node(pod: PodView) -> UnifiedEvent | None:
    name = pod.spec.node_name
    history = pod.moment.history(ObjectKey("Node", "", name)) if name else None
    event = history.state(pod.at) if history else None
    return event if event and is_deleted(event) and event.timestamp >= pod.created_at else None
