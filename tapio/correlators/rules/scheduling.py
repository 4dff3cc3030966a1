"""Causes that keep a pod from a node: what the scheduler refused it for, or that nobody scheduled it at all."""

from collections.abc import Iterator, Sequence

from tapio.correlators.quantities import amount
from tapio.correlators.rules.clues.deciding import Decision, deciding, recent_change, replicas_of, settled_at, too_big
from tapio.correlators.rules.clues.placement import (
    Barrier,
    is_wanted,
    largest,
    nodes,
    request,
    required_affinity,
)
from tapio.correlators.rules.clues.scheduler_text import (
    ANTI_AFFINITY,
    CORDONED,
    HOST_PORT,
    SELECTOR,
    SPREAD,
    TAINTED,
    preemption_cannot_help,
    verdict_of,
)
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import target
from tapio.correlators.rules.unplaced import newest_preemption
from tapio.correlators.views import NodeView, PodView, evidence, selects, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import EventName, ObjectKey

_AFFINITY = "scheduling.node_affinity"
_SIZES = "scheduling.insufficient_"
_ANSWERED = RuledOut(code="scheduling.scheduler_down", because="the scheduler answered")
# Taints that the node controller puts on by itself: the node's own trouble is the cause (core/v1, well known taints).
_NODE_TROUBLE = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


@rule(CORDONED, TAINTED, version=2)
def closed_nodes(pod: PodView) -> Iterator[Finding]:
    """Nodes it could run on are closed to it: cordoned, or tainted with what it does not tolerate.

    The node is to blame when it was closed later than the workload came to want it, else the workload; a cordon is the
    node's as long as the workload is not pinned there.
    """
    decision = deciding(pod)
    if decision is None:
        return
    if decision.code == CORDONED:
        yield _cordoned(pod, decision)
    elif decision.code == TAINTED:
        yield _tainted(pod, decision)


def _cordoned(pod: PodView, decision: Decision) -> Finding:
    barrier = decision.barrier
    own = recent_change(pod, decision.refusal)
    if barrier is None:
        return _finding(pod, decision, pod.workload, own, "the nodes it could run on are cordoned", 0.75)
    pinned = _is_pinned(pod, barrier)
    by_itself = pinned and own is not None and (barrier.change is None or own.at > barrier.change.at)
    words = f"node {barrier.node.name} is cordoned" + (f", and {pod.workload.name} is pinned to it" if pinned else "")
    return _finding(
        pod,
        decision,
        pod.workload if pinned else barrier.node,
        own if by_itself else barrier.change,
        words,
        0.93,
        attributes={"node": barrier.node.name, "pinned": pinned},
        next_=(f"kubectl uncordon {barrier.node.name}",),
    )


def _is_pinned(pod: PodView, barrier: Barrier) -> bool:
    """Whether open nodes are there, and the pod's own selector or affinity refuses every one of them."""
    if not pod.spec.node_selector and not required_affinity(pod):
        return False
    open_nodes = [one for one in nodes(pod) if one.key != barrier.node and not one.node.spec.unschedulable]
    return bool(open_nodes) and not any(is_wanted(pod, one) for one in open_nodes)


def _tainted(pod: PodView, decision: Decision) -> Finding:
    barrier = decision.barrier
    taint = barrier.taint if barrier else None
    key, value = (taint.key, taint.value) if taint else decision.refusal.taint
    shown = f"{key}={value}" if value else key
    attributes: dict[str, object] = {"taint": shown, "effect": taint.effect if taint else ""}
    if barrier and key.startswith(_NODE_TROUBLE):
        words = f"node {barrier.node.name} carries the taint {shown}: it is in trouble itself"
        return _finding(
            pod, decision, barrier.node, barrier.change, words, 0.85, attributes=attributes, through=(barrier.node,)
        )
    if barrier and (barrier.change or barrier.held) and _is_later(pod, decision, barrier):
        words = f"node {barrier.node.name} was tainted {shown}, which {pod.workload.name} does not tolerate"
        undo = f"kubectl taint node {barrier.node.name} {key}{':' + taint.effect if taint else ''}-"
        attributes["node"] = barrier.node.name
        return _finding(pod, decision, barrier.node, barrier.change, words, 0.93, attributes=attributes, next_=(undo,))
    own = recent_change(pod, decision.refusal)
    words = f"it does not tolerate the nodes' taint {shown}".rstrip()
    hint = f"kubectl -n {pod.key.namespace} edit {target(pod.workload)}   # add a toleration for {shown}"
    sure = 0.5 if key.startswith(_NODE_TROUBLE) else 0.93  # a node in trouble, but which is not known from here
    return _finding(pod, decision, pod.workload, own, words, sure, attributes=attributes, next_=(hint,))


def _is_later(pod: PodView, decision: Decision, barrier: Barrier) -> bool:
    return barrier.change is None or barrier.change.at > settled_at(pod, decision.refusal)


@rule(SELECTOR, _AFFINITY, version=2)
def no_such_node(pod: PodView) -> Iterator[Finding]:
    """No node is what its selector or affinity asks for. A node that lost the label it had is to blame itself."""
    decision = deciding(pod)
    if decision is None or decision.code != SELECTOR:
        return
    own = recent_change(pod, decision.refusal)
    lost = None if own else next(_lost_labels(pod), None)
    selector = ", ".join(f"{key}={value}" for key, value in sorted(pod.spec.node_selector.items()))
    by_selector = bool(selector)
    words = f"no node has the labels that nodeSelector asks for ({selector})" if by_selector else _NO_AFFINITY
    yield _finding(
        pod,
        decision,
        lost.entity if lost else pod.workload,
        own or lost,
        words,
        0.93,
        code=SELECTOR if by_selector else _AFFINITY,
        attributes={"node_selector": dict(sorted(pod.spec.node_selector.items()))} if by_selector else {},
        proof=_nodes_lack(pod),
        next_=_next_label(pod, lost, selector) if lost or (by_selector and not own) else (),
    )


_NO_AFFINITY = "no node matches the required node affinity"


def _lost_labels(pod: PodView) -> Iterator[Change]:
    """Changes that took from a node a label that the pod asks for, newest first."""
    wanted = dict(_asked_labels(pod))
    found = (one for node in nodes(pod) for one in pod.changes_of(node.key) if _label_of(one) in wanted)
    lost = [one for one in found if one.before in wanted[_label_of(one)] and one.before != one.after]
    yield from sorted(lost, key=lambda change: change.at, reverse=True)


def _asked_labels(pod: PodView) -> Iterator[tuple[str, Sequence[object]]]:
    for term in required_affinity(pod).get("nodeSelectorTerms") or ():
        for one in term.get("matchExpressions") or ():
            yield one.get("key", ""), one.get("values") or []
    for key, value in pod.spec.node_selector.items():
        yield key, [value]


def _label_of(change: Change) -> str:
    return change.field.removeprefix("metadata.labels").strip(".[]")


def _nodes_lack(pod: PodView) -> list[Evidence]:
    """What the nodes have instead of the labels asked for."""
    wanted = pod.spec.node_selector
    return [node.fact(_lacks(node, wanted)) for node in nodes(pod) if wanted and not selects(wanted, node.labels)][:3]


def _lacks(node: NodeView, wanted: dict[str, str]) -> str:
    missing = (f"{key}={value}" for key, value in sorted(wanted.items()) if node.labels.get(key) != value)
    return f"node {node.key.name} has no label {', '.join(missing)}"


def _next_label(pod: PodView, lost: Change | None, selector: str) -> tuple[str, ...]:
    if lost:
        return (f"kubectl label node {lost.entity.name} {_label_of(lost)}={lost.before} --overwrite",)
    labels = selector.replace(", ", " ")
    return (f"kubectl label node <node> {labels}   # or correct nodeSelector in {target(pod.workload)}",)


_RESOURCES = ("cpu", "memory", "gpu", "pods", "ephemeral_storage")


@rule(*(f"{_SIZES}{resource}" for resource in _RESOURCES), version=2)
def insufficient(pod: PodView) -> Iterator[Finding]:
    """The nodes have not enough of something: the pod is too big for any of them, or together they are full."""
    decision = deciding(pod)
    if decision is None or not decision.code.startswith(_SIZES) or newest_preemption(pod):
        return
    resource = decision.refusal.resource
    big = too_big(pod, decision.refusal, decision.wanted)
    if big is None and preemption_cannot_help(decision.message):
        big = True
    attributes: dict[str, object] = {"resource": resource} if big is None else {
        "resource": resource, "why": "too_big" if big else "full",
    }  # fmt: skip
    yield _finding(
        pod,
        decision,
        pod.workload,
        recent_change(pod, decision.refusal),
        _size_words(pod, decision, big=big),
        0.93,
        attributes=attributes,
        proof=_offers(decision, resource),
        next_=_next_size(pod, resource, big=big),
    )


def _size_words(pod: PodView, decision: Decision, *, big: bool | None) -> str:
    resource = decision.refusal.resource
    asked = f"{pod.key.name} asks for {_told(request(pod, resource), resource)}"
    if big is None:
        return f"no node has enough {resource} left: {asked}"
    offer = largest(decision.wanted, resource)
    if not big:
        return f"the nodes are full: {asked}, and none has that much left"
    most = f"the largest node has {_told(offer, resource)}" if offer is not None else "no node is that large"
    return f"it is too big for any node: {asked}, {most}"


def _told(size: float, resource: str) -> str:
    if resource in ("memory", "ephemeral-storage"):
        return f"{size / 2**20:.0f}Mi {resource}"
    return f"{size:g} {resource}"


def _offers(decision: Decision, resource: str) -> list[Evidence]:
    offers = [(node, amount(node.node.status.allocatable.get(resource, 0))) for node in decision.wanted]
    return [
        node.fact(f"node {node.key.name} can give {_told(offer or 0, resource)} to its pods") for node, offer in offers
    ][:3]


def _next_size(pod: PodView, resource: str, *, big: bool | None) -> tuple[str, ...]:
    lower = f"kubectl -n {pod.key.namespace} edit {target(pod.workload)}   # lower resources.requests of {resource}"
    if big or big is None:
        return (lower,)
    return ("kubectl describe nodes   # Allocated resources: free some, or add a node", lower)


@rule(ANTI_AFFINITY, "scheduling.pod_affinity", SPREAD, HOST_PORT, version=2)
def neighbours(pod: PodView) -> Iterator[Finding]:
    """Other pods decide where it may run: what it wants near or far, spread evenly, a port for itself."""
    decision = deciding(pod)
    if decision is None or decision.code not in _NEIGHBOURS:
        return
    replicas, offered = replicas_of(pod), len(decision.wanted)
    unlabelled = decision.code == SPREAD and _MISSING_LABEL in decision.message
    crowded = decision.code != "scheduling.pod_affinity" and replicas > offered > 0 and not unlabelled
    words = _NEIGHBOURS[decision.code]
    if unlabelled:
        words += ": none bears the label of their topologyKey"
    if crowded:
        words += f": {replicas} replicas, {offered} {'node' if offered == 1 else 'nodes'} to take them"
    scale = f"kubectl -n {pod.key.namespace} scale {target(pod.workload)} --replicas={offered}"
    yield _finding(
        pod,
        decision,
        pod.workload,
        recent_change(pod, decision.refusal),
        words,
        0.93,
        attributes={"replicas": replicas, "candidates": offered} if offered else {},
        next_=(_SHOW_LABELS,) if unlabelled else (scale,) if crowded and pod.workload.kind in _SCALABLE else (),
    )


_MISSING_LABEL = "topology spread constraints (missing required label)"  # pkg/scheduler, PodTopologySpread
_SHOW_LABELS = "kubectl get nodes --show-labels   # is there the label that topologySpreadConstraints name?"
_SCALABLE = frozenset({"Deployment", "ReplicaSet", "StatefulSet"})
_NEIGHBOURS = {
    ANTI_AFFINITY: "its anti-affinity leaves no node for another replica",
    "scheduling.pod_affinity": "no node has the pods that its affinity wants to be near",
    SPREAD: "its topology spread constraints leave no node",
    HOST_PORT: "the host port it asks for is taken on every node it could run on",
}


def _finding(  # noqa: PLR0913, PLR0917  the parts of an answer that differ from predicate to predicate
    pod: PodView,
    decision: Decision,
    blame: ObjectKey,
    change: Change | None,
    summary: str,
    confidence: float,
    *,
    code: str = "",
    attributes: dict[str, object] | None = None,
    proof: Sequence[Evidence] = (),
    next_: tuple[str, ...] = (),
    through: tuple[ObjectKey, ...] = (),
) -> Finding:
    return Finding(
        code=code or decision.code,
        blame=blame,
        workload=pod.workload,
        change=change,
        summary=summary,
        confidence=confidence,
        evidence=with_change(change, *proof, _refused(pod, decision.message)),
        attributes={"nodes": decision.message.partition(" nodes are")[0], **(attributes or {})},
        ruled_out=(_ANSWERED,),
        through=through,
        next=next_ or _undo(pod, change),
    )


def _refused(pod: PodView, message: str) -> Evidence:
    failed = pod.said(EventName.POD_SCHEDULING_FAILED)
    verdict = verdict_of(message)
    return evidence(failed[-1], f"FailedScheduling x{failed[-1].times}: {verdict}") if failed else pod.fact(verdict)


def _undo(pod: PodView, change: Change | None) -> tuple[str, ...]:
    in_template = change is not None and change.entity == pod.workload and change.field.startswith("spec.template")
    if in_template and pod.workload.kind in ("Deployment", "StatefulSet", "DaemonSet"):
        return (f"kubectl -n {pod.workload.namespace} rollout undo {target(pod.workload)}",)
    return (f"kubectl -n {pod.key.namespace} describe pod {pod.key.name}",)
