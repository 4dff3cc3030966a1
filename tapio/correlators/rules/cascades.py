"""What follows from what somebody took away: a workload that was deleted, a node that was drained, a stale setting."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from tapio.correlators.history import History, is_deleted
from tapio.correlators.rules.clues.absent import as_change
from tapio.correlators.rules.clues.deciding import deciding
from tapio.correlators.rules.clues.names import has
from tapio.correlators.rules.controllers import owner_of_facts
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import named, restart
from tapio.correlators.seconds import came_before
from tapio.correlators.temporal import CONSEQUENCE, in_time
from tapio.correlators.views import (
    ContainerView,
    NodeView,
    PodView,
    ServiceView,
    change_evidence,
    evidence,
    node_view,
    selects,
    with_change,
)
from tapio.graph import Change, RuledOut
from tapio.unified import UnifiedEvent
from tapio.unified import objects as k8s


@rule("controller.owner_deleted", version=1)
def backend_deleted(service: ServiceView) -> Iterator[Finding]:
    """The Service has nobody behind it because the workload that it selected was deleted, and its pods with it."""
    if service.ready_endpoints or service.backends or service.workloads:
        return
    gone = _deleted_backend(service)
    if gone is None:
        return
    owner = owner_of_facts(gone)
    deletion = msgspec.structs.replace(as_change(gone), entity=owner, event_id=gone.raw_id or gone.id)
    yield Finding(
        code="controller.owner_deleted",
        blame=owner,
        workload=owner,
        change=deletion,
        summary=f"{owner.kind} {owner.name}, whose pods Service {service.key.name} led to, was deleted",
        confidence=0.93,
        evidence=(change_evidence(deletion), service.fact("no endpoint is left")),
        attributes={"owner": named(owner)},
        ruled_out=(RuledOut(code="service.selector_mismatch", because="it selected the pods of what was deleted"),),
        next=(f"create {named(owner)} again from where it is kept",),
    )


def _deleted_backend(service: ServiceView) -> UnifiedEvent | None:
    """The workload's facts that were deleted last of all that the Service selected."""
    words = service.spec.selector.values()
    found = [
        state
        for history in service.moment.ever_bearing("WorkloadFacts", service.key.namespace, words)
        if (state := history.state(service.at)) is not None and is_deleted(state) and _was_behind(service, history)
    ]
    return max(found, key=lambda event: event.sort_key, default=None)


def _was_behind(service: ServiceView, history: History) -> bool:
    facts = next((one.object for one in reversed(history.states) if isinstance(one.object, k8s.WorkloadFacts)), None)
    return facts is not None and selects(service.spec.selector, facts.template_labels)


# --- A node that somebody drains -------------------------------------------------------------------------------------

_BY_API = "EvictionByEvictionAPI"  # the reason of the condition DisruptionTarget since 1.26


@rule("node.drained", version=1)
def drained(pod: PodView) -> Iterator[Finding]:
    """A pod of its workload was evicted from a node that somebody drains, and the one in its place finds no other."""
    decision = deciding(pod)
    if decision is None:
        return
    found = next(((one, node) for one in _evicted(pod) if (node := _drained_node(pod, one))), None)
    if found is None:
        return
    victim, node = found
    cordon = node.cordoned
    yield Finding(
        code="node.drained",
        blame=node.key,
        workload=pod.workload,
        change=cordon,
        summary=f"{victim.key.name} was evicted from node {node.key.name}, and there is no other place for it",
        confidence=0.92 if cordon else 0.85,
        evidence=with_change(
            cordon,
            evidence(victim, f"pod {victim.key.name} was evicted from {node.key.name}"),
            pod.fact(decision.message),
        ),
        attributes={"node": node.key.name, "evicted": victim.key.name},
        ruled_out=(RuledOut(code=decision.code, because="it had a place until its node was drained"),),
        next=(f"kubectl uncordon {node.key.name}   # or make room on another node",),
    )


def _evicted(pod: PodView) -> Iterator[UnifiedEvent]:
    """The last states of pods of its workload that the eviction API put out shortly before, the newest first."""
    states = []
    for history in pod.moment.ever("Pod", pod.key.namespace):
        state = next((one for one in reversed(history.states) if _is_victim(one, pod)), None)
        if state is not None:
            states.append(state)
    yield from sorted(states, key=lambda event: event.sort_key, reverse=True)


def _is_victim(state: UnifiedEvent, pod: PodView) -> bool:
    if not isinstance(state.object, k8s.Pod) or not pod.event.root or state.root != pod.event.root:
        return False
    age = pod.created_at - state.timestamp
    told = (one for one in state.object.status.conditions if one.type == "DisruptionTarget" and one.status == "True")
    near = timedelta(seconds=-60) <= age <= CONSEQUENCE
    return near and state.k8s_context.uid != pod.uid and any(one.reason == _BY_API for one in told)


def _drained_node(pod: PodView, victim: UnifiedEvent) -> NodeView | None:
    name = victim.object.spec.node_name if isinstance(victim.object, k8s.Pod) else ""
    node = node_view(pod.moment, name) if name else None
    return node if node and node.node.spec.unschedulable else None


# --- A setting that has not reached the program ----------------------------------------------------------------------


@rule("runtime.config_stale", version=1)
def config_stale(container: ContainerView) -> Iterator[Finding]:
    """A ConfigMap changed under a container that read it into its environment, and the container has failed since.

    The change alone could do it no harm; that its words speak of the value of before shows that it should have come.
    """
    since, pod = container.running_since, container.pod
    onset = pod.onset
    if since is None or onset is None or pod.ready or container.status.ready or container.unwell:
        return
    change = next((one for one in unread(container) if _speaks_of(container, one.before)), None)
    if change is None or came_before(change.at, since) or not in_time(change, onset):
        return
    yield Finding(
        code="runtime.config_stale",
        blame=change.entity,
        workload=pod.workload,
        change=change,
        summary=f"container {container.name} runs with the {change.field} of before: it read it when it started",
        confidence=0.85,
        evidence=(
            pod.fact(f"container {container.name} started", at=since),
            change_evidence(change),
            pod.fact("not ready since", at=onset),
        ),
        attributes={"container": container.name},
        next=(restart(pod.workload, pod.key.name),),
    )


def _speaks_of(container: ContainerView, value: object) -> bool:
    return isinstance(value, str) and len(value) > 1 and has(container.last_words, value)


def unread(container: ContainerView) -> list[Change]:
    """Changes of what the container has in its environment, the newest first."""
    pod = container.pod
    mine = [one for one in pod.references if one.how == "env" and one.container == container.name]
    found = [
        change
        for reference in mine
        for change in pod.changes_of(reference.key)
        if change.field.startswith("data") and (not reference.item or reference.item in change.field)
    ]
    return sorted(found, key=lambda change: change.at, reverse=True)
