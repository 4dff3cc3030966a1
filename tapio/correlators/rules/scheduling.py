"""Causes that keep a pod from a node. The scheduler's own words say which predicate refused how many nodes."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import NodeView, PodView, change_evidence, evidence, node_view, selects
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import EventName, ObjectKey

# The scheduler's words for each predicate (kubernetes/pkg/scheduler/framework/plugins at 1.34), and how they are told
# in a summary. Node affinity and node selector share one; which field is set tells them apart.
_PREDICATES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("scheduling.node_selector", re.compile(r"didn't match Pod's node affinity/selector")),
    ("scheduling.node_cordoned", re.compile(r"node\(s\) were unschedulable")),
    ("scheduling.taint_untolerated", re.compile(r"had untolerated taint|had taints? .* that the pod didn't tolerate")),
    ("scheduling.insufficient_cpu", re.compile(r"Insufficient cpu")),
    ("scheduling.insufficient_memory", re.compile(r"Insufficient memory")),
    ("scheduling.insufficient_ephemeral_storage", re.compile(r"Insufficient ephemeral-storage")),
    ("scheduling.insufficient_pods", re.compile(r"Too many pods")),
    ("scheduling.insufficient_gpu", re.compile(r"Insufficient [\w.-]+/[\w.-]+")),
    ("scheduling.pod_anti_affinity", re.compile(r"anti-affinity")),
    ("scheduling.pod_affinity", re.compile(r"didn't match pod affinity rules")),
    ("scheduling.topology_spread", re.compile(r"pod topology spread constraints")),
    ("scheduling.host_port", re.compile(r"didn't have free ports")),
    ("scheduling.volume_node_affinity", re.compile(r"volume node affinity conflict")),
)
_COUNTED = re.compile(r"(\d+) (?=node\(s\)|Insufficient|Too many)")
_TAINT = re.compile(r"untolerated taint(?:\(s\))? \{([^}]*)\}")


@rule("scheduling.node_selector", *(code for code, _ in _PREDICATES[1:]), "scheduling.node_affinity", version=1)
def unschedulable(pod: PodView) -> Iterator[Finding]:
    """The scheduler found no node, and said why: the predicate that refused most nodes decides.

    Cordons and taints of nodes that could never have fit are not to blame when a selector refuses the others.
    """
    condition = pod.condition("PodScheduled")
    if condition is None or condition.reason != "Unschedulable" or pod.spec.node_name:
        return
    refusals = _refusals(condition.message)
    if not refusals:
        return
    code = _own_refusal(refusals)
    if code == "scheduling.node_selector" and not pod.spec.node_selector:
        code = "scheduling.node_affinity"
    yield _unschedulable(pod, code, condition.message)


def _refusals(message: str) -> dict[str, int]:
    """How many nodes each predicate refused, from `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) ...`."""
    refusals: dict[str, int] = {}
    verdict = message.partition(". preemption:")[0].partition(" preemption:")[0]
    _, _, parts = verdict.partition(": ")
    for part in re.split(r", (?=\d+ )", parts or verdict):
        code = next((code for code, pattern in _PREDICATES if pattern.search(part)), None)
        counted = _COUNTED.match(part)
        if code:
            refusals[code] = refusals.get(code, 0) + (int(counted[1]) if counted else 1)
    return refusals


# What the pod itself asks for counts before the state of nodes that it might have had.
_ASKED = ("scheduling.node_selector", "scheduling.pod_affinity", "scheduling.volume_node_affinity")


def _own_refusal(refusals: dict[str, int]) -> str:
    return max(refusals, key=lambda code: (refusals[code], code in _ASKED, code))


def _unschedulable(pod: PodView, code: str, message: str) -> Finding:
    blame, change = _to_blame(pod, code)
    failed = pod.said(EventName.POD_SCHEDULING_FAILED)
    times = failed[-1].attributes.count if failed and failed[-1].attributes else 0
    seen = evidence(failed[-1], f"FailedScheduling x{times}: {message}") if failed else pod.fact(message)
    return Finding(
        code=code,
        blame=blame,
        workload=pod.workload,
        change=change,
        summary=_summary(pod, code, message),
        confidence=0.93,
        evidence=(*([change_evidence(change)] if change else []), seen, *_nodes_lack(pod, code)),
        attributes=_attributes(pod, code, message),
        ruled_out=(RuledOut(code="scheduling.scheduler_down", because="the scheduler answered"),),
        next=_next(pod, code, change),
    )


def _to_blame(pod: PodView, code: str) -> tuple[ObjectKey, Change | None]:
    """The node label that changed, when the selector matched before; else the workload and what changed in it."""
    fields = _FIELDS.get(code, ())
    changes = [one for one in pod.workload_changes if any(field in one.field for field in fields)]
    if changes:
        return pod.workload, changes[0]
    if code in ("scheduling.node_selector", "scheduling.node_affinity"):
        for change in _label_changes(pod):
            return change.entity, change
    return pod.workload, None


_FIELDS = {
    "scheduling.node_selector": ("nodeSelector",),
    "scheduling.node_affinity": ("affinity",),
    "scheduling.pod_affinity": ("affinity",),
    "scheduling.pod_anti_affinity": ("affinity", "spec.replicas"),
    "scheduling.taint_untolerated": ("tolerations",),
    "scheduling.insufficient_cpu": ("resources",),
    "scheduling.insufficient_memory": ("resources",),
    "scheduling.insufficient_gpu": ("resources",),
    "scheduling.topology_spread": ("topologySpreadConstraints",),
    "scheduling.host_port": ("ports", "hostNetwork"),
}


def _label_changes(pod: PodView) -> Iterator[Change]:
    """Changes that took a label the pod selects by from a node, newest first."""
    for key, value in sorted(pod.spec.node_selector.items()):
        for node in pod.moment.all("Node", ""):
            for change in pod.changes_of(node.key):
                if change.field in (f"metadata.labels[{key}]", f"metadata.labels.{key}") and change.before == value:
                    yield change


def _nodes_lack(pod: PodView, code: str) -> list[Evidence]:
    """For a selector: what the nodes have instead of the labels asked for."""
    if code != "scheduling.node_selector":
        return []
    wanted = pod.spec.node_selector
    nodes = [node for event in pod.moment.all("Node", "") if (node := node_view(pod.moment, event.key.name))]
    return [node.fact(_lacks(node, wanted)) for node in nodes if not selects(wanted, node.labels)][:3]


def _lacks(node: NodeView, wanted: dict[str, str]) -> str:
    missing = (f"{key}={value}" for key, value in sorted(wanted.items()) if node.labels.get(key) != value)
    return f"node {node.key.name} has no label {', '.join(missing)}"


def _summary(pod: PodView, code: str, message: str) -> str:
    selector = ", ".join(f"{key}={value}" for key, value in sorted(pod.spec.node_selector.items()))
    words = {
        "scheduling.node_selector": f"no node has the labels that nodeSelector asks for ({selector})",
        "scheduling.node_affinity": "no node matches the required node affinity",
        "scheduling.node_cordoned": "the nodes it could run on are cordoned",
        "scheduling.taint_untolerated": "it does not tolerate the nodes' taint" + _taint(message),
        "scheduling.pod_anti_affinity": "its anti-affinity leaves no node for another replica",
        "scheduling.host_port": "the host port it asks for is taken on every node",
    }
    return words.get(code, f"no node fits: {message.partition('. preemption')[0]}")


def _taint(message: str) -> str:
    found = _TAINT.search(message)
    return f" {found[1].rstrip(': ')}" if found else ""


def _attributes(pod: PodView, code: str, message: str) -> dict[str, object]:
    attributes: dict[str, object] = {"nodes": message.partition(" nodes are")[0]}
    if code == "scheduling.node_selector":
        attributes["node_selector"] = dict(sorted(pod.spec.node_selector.items()))
    if code == "scheduling.taint_untolerated":
        attributes["taint"] = _taint(message).strip()
    if code.startswith("scheduling.insufficient_"):
        attributes["resource"] = code.removeprefix("scheduling.insufficient_")
    return attributes


def _next(pod: PodView, code: str, change: Change | None) -> tuple[str, ...]:
    workload = pod.workload
    target = f"{workload.kind.lower()}/{workload.name}"
    if change is not None and change.entity == workload:
        return (f"kubectl -n {workload.namespace} rollout undo {target}",)
    if change is not None:
        label = change.field.removeprefix("metadata.labels").strip(".[]")
        return (f"kubectl label node {change.entity.name} {label}={change.before} --overwrite",)
    if code == "scheduling.node_selector":
        labels = " ".join(f"{key}={value}" for key, value in sorted(pod.spec.node_selector.items()))
        return (f"kubectl label node <node> {labels}, or correct nodeSelector in {target}",)
    return (f"kubectl -n {workload.namespace} describe pod {pod.key.name}",)
