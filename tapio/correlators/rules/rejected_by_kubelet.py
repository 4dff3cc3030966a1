"""Pods that the kubelet ended or refused as a whole: evicted, too big for their node, not wanted there, shut down.

The kubelet says so in the pod's own status (pkg/kubelet/eviction, lifecycle, nodeshutdown, preemption); what its
containers ended with then is a consequence.
"""

import re
from collections.abc import Iterator

from tapio.correlators.rules.clues.crashes import ended_by_kubelet, is_lost
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct, shortened, target
from tapio.correlators.temporal import CONSEQUENCE
from tapio.correlators.views import NodeView, PodView, evidence
from tapio.graph import Evidence, RuledOut
from tapio.unified import EventName, ObjectKey

_RESOURCES = tuple(
    (resource, re.compile(pattern, re.IGNORECASE))
    for resource, pattern in (
        ("inodes", r"inode"),
        ("ephemeral storage", r"ephemeral|EmptyDir|container log"),
        ("memory", r"memory|MemoryPressure"),
        ("pid", r"\bpids?\b|PIDPressure"),
        ("disk", r"disk|nodefs|imagefs|containerfs"),
    )
)
# What the pod itself overstepped: its own limits, or a volume's.
_OWN_LIMIT = re.compile(r"exceed(s|ed) (the|its) (total |local ephemeral storage )?limit", re.IGNORECASE)
_USED = re.compile(r"Container (\S+) was using (\S+), request is (\S+), has larger consumption", re.IGNORECASE)


@rule("runtime.evicted", version=1)
def evicted(pod: PodView) -> Iterator[Finding]:
    """The kubelet put the pod out: the node ran short of something, or the pod used more than it may.

    A pod over a limit of its own is to blame itself; where the node ran short, the node is, whoever was chosen.
    """
    message = pod.eviction
    if message is None:
        return
    resource = next((name for name, words in _RESOURCES if words.search(message)), "")
    own, used = _OWN_LIMIT.search(message), _USED.search(message)
    node = ObjectKey("Node", "", pod.spec.node_name)
    blame = pod.workload if own or not node.name else node
    attributes = {"resource": resource, "node": node.name}
    if used:
        attributes |= {"container": used[1], "used": used[2], "request": used[3]}
    yield Finding(
        code="runtime.evicted",
        blame=blame,
        workload=pod.workload,
        summary=f"the kubelet evicted {pod.key.name}: {shortened(message, 160) or 'it says no reason'}",
        confidence=0.93 if own else 0.8 if resource else 0.65,
        evidence=(*_pressure(pod), _told(pod, message)),
        attributes={name: value for name, value in attributes.items() if value},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the kubelet ended it"),),
        next=_after_eviction(pod, blame, resource),
    )


def _told(pod: PodView, message: str) -> Evidence:
    said = pod.said(EventName.POD_EVICTED)
    text = f"Evicted: {shortened(message)}"
    return evidence(said[-1], text) if said else pod.fact(text)


def _pressure(pod: PodView) -> Iterator[Evidence]:
    node = pod.node
    for condition in node.node.status.conditions if node else ():
        if node and condition.type.endswith("Pressure") and condition.status == "True":
            yield node.fact(f"{condition.type}: {condition.message}", at=condition.last_transition_time)


def _after_eviction(pod: PodView, blame: ObjectKey, resource: str) -> tuple[str, ...]:
    if blame.kind == "Node":
        return (f"kubectl describe node {blame.name}   # conditions and what uses its {resource or 'resources'}",)
    return (correct(pod.workload, "spec.template.spec.containers", f"requests and limits of {resource or 'storage'}"),)


# --- Refused on arrival ----------------------------------------------------------------------------------------------

# "OutOfcpu", "OutOfnvidia.com/gpu": by the resource.
_OUT_OF = {
    "cpu": "scheduling.insufficient_cpu",
    "memory": "scheduling.insufficient_memory",
    "pods": "scheduling.insufficient_pods",
    "ephemeral-storage": "scheduling.insufficient_ephemeral_storage",
}
_DEVICES = re.compile(r"devices unavailable for (\S+?)\.")
_BY_REASON = {
    "NodeAffinity": "scheduling.node_affinity",
    "NodeSelectorMismatching": "scheduling.node_selector",
    "TaintToleration": "scheduling.taint_untolerated",
    "SysctlForbidden": "startup.security_context",
    "AppArmor": "startup.security_context",
    "Preempting": "scheduling.preempted",
    "DeadlineExceeded": "controller.job_failed",
    "NodeLost": "node.kubelet_down",
}
_OF_THE_NODE = frozenset({"node.kubelet_down", "scheduling.insufficient_gpu"})


@rule(
    "scheduling.insufficient_pods",
    "scheduling.insufficient_cpu",
    "scheduling.insufficient_memory",
    "scheduling.insufficient_gpu",
    "scheduling.insufficient_ephemeral_storage",
    "scheduling.node_affinity",
    "scheduling.node_selector",
    "scheduling.taint_untolerated",
    "scheduling.preempted",
    "startup.security_context",
    "controller.job_failed",
    "node.kubelet_down",
    version=1,
)
def refused_by_kubelet(pod: PodView) -> Iterator[Finding]:
    """The pod was bound to a node whose kubelet would not take it, or put it out for its own limits."""
    code, resource = _refusal(pod)
    if not code:
        return
    reason, message = pod.status.reason, pod.status.message
    node = ObjectKey("Node", "", pod.spec.node_name)
    blame = node if code in _OF_THE_NODE and node.name else pod.workload
    attributes = {"reason": reason, "node": node.name, "resource": resource}
    yield Finding(
        code=code,
        blame=blame,
        workload=pod.workload,
        summary=f"the kubelet of {node.name or 'its node'} does not run it ({reason}): {shortened(message, 160)}",
        confidence=0.85,
        evidence=(pod.fact(f"{reason}: {shortened(message)}"),),
        attributes={name: value for name, value in attributes.items() if value},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the kubelet decided it"),),
        next=(f"kubectl -n {pod.key.namespace} get {target(pod.workload)} -o yaml   # against node {node.name}",),
    )


def _refusal(pod: PodView) -> tuple[str, str]:
    """The code and the resource, both empty where the pod's status names no refusal."""
    reason = pod.status.reason if pod.status.phase == "Failed" else ""
    if reason.startswith("OutOf"):
        resource = reason.removeprefix("OutOf")
        return _OUT_OF.get(resource, "scheduling.insufficient_gpu"), resource
    device = _DEVICES.search(pod.status.message) if reason == "UnexpectedAdmissionError" else None
    if device:
        return "scheduling.insufficient_gpu", device[1]
    if reason == "NodeAffinity" and pod.spec.node_selector and not pod.spec.affinity:
        return "scheduling.node_selector", ""
    return _BY_REASON.get(reason, ""), ""


# --- A node that went down with its pods -----------------------------------------------------------------------------

_SHUTDOWN = frozenset({"Terminated", "NodeShutdown", "Shutdown"})
_BY_SHUTDOWN = re.compile(r"node shutdown|node is shutting down", re.IGNORECASE)


@rule("node.rebooted", version=1, decided_by=("kubeapi", "systemd"))
def node_rebooted(pod: PodView) -> Iterator[Finding]:
    """The node was shut down or started anew under the pod: its status says so, or its containers were lost with it."""
    node = pod.node
    told = _shut_down(pod) or _lost_with(pod, node)
    if told is None or not pod.spec.node_name:
        return
    how, confidence, proof = told
    key = ObjectKey("Node", "", pod.spec.node_name)
    yield Finding(
        code="node.rebooted",
        blame=key,
        workload=pod.workload,
        summary=f"node {key.name} {how}, and pod {pod.key.name} was on it",
        confidence=confidence,
        evidence=proof,
        attributes={"node": key.name},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the containers ended with their node"),),
        next=(f"kubectl describe node {key.name}   # Events, and the node's own log",),
    )


_Told = tuple[str, float, tuple[Evidence, ...]]


def _shut_down(pod: PodView) -> _Told | None:
    if pod.status.reason not in _SHUTDOWN or not _BY_SHUTDOWN.search(pod.status.message):
        return None
    return "was shut down", 0.93, (pod.fact(f"{pod.status.reason}: {pod.status.message}"),)


def _lost_with(pod: PodView, node: NodeView | None) -> _Told | None:
    """A container whose end nobody saw; surer where the node says that it booted about then."""
    if ended_by_kubelet(pod):
        return None
    lost = next((end for one in pod.containers if (end := one.last_end) and one.unwell and is_lost(end)), None)
    if lost is None:
        return None
    proof = evidence(lost.event, f"exit {lost.exit_code} ({lost.reason}): its end was not seen", at=lost.at)
    booted = node.said(EventName.NODE_REBOOTED) if node else []
    near = next((event for event in reversed(booted) if abs(event.timestamp - lost.at) <= CONSEQUENCE), None)
    if near is None:
        return "lost its containers (it, or its container runtime, was started anew)", 0.6, (proof,)
    return "rebooted", 0.9, (evidence(near, near.message), proof)
