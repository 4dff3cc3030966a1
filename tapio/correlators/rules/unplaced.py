"""Pods that wait although nothing refuses them: a silent scheduler, a node that never was, a stronger pod."""

import re
from collections.abc import Iterator
from datetime import timedelta

from tapio.correlators.history import History
from tapio.correlators.rules.clues.deciding import deciding
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import target
from tapio.correlators.views import PodView, evidence
from tapio.graph import RuledOut
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_DEFAULT = ("", "default-scheduler")
_SCHEDULER = ObjectKey("Component", "", "kube-scheduler")
_STATIC_POD = "kube-scheduler-"
# How long before the victim's successor is refused its preemption may lie and still be why.
_AFTERMATH = timedelta(minutes=30)
_BY_NAME = re.compile(r"[Pp]reempted by ([\w.-]+)/([\w.-]+) on node")
_BY_UID = re.compile(r"[Pp]reempted by (?:a )?pod:? ([0-9a-f-]{36}|[\w-]+) on node (\S+)")


@rule("scheduling.scheduler_down", version=1)
def scheduler_down(pod: PodView) -> Iterator[Finding]:
    """Nobody has looked at the pod: no verdict, no Event, no node. The absence is the evidence."""
    if not pod.is_unseen or pod.at < pod.overdue_at:
        return
    name = pod.spec.scheduler_name
    own = name not in _DEFAULT
    blame = pod.workload if own else _scheduler(pod)
    changes = [one for one in pod.workload_changes if one.field.endswith("schedulerName")]
    yield Finding(
        code="scheduling.scheduler_down",
        blame=blame,
        workload=pod.workload,
        change=changes[0] if own and changes else None,
        summary=f"no scheduler named {name} has looked at it" if own else "the scheduler does not look at new pods",
        confidence=0.85 if own else 0.88,
        evidence=(pod.fact(f"pending since its creation, not one word from {name or 'default-scheduler'}"),),
        attributes={"scheduler": name or "default-scheduler"},
        ruled_out=(RuledOut(code="scheduling.insufficient_cpu", because="no FailedScheduling: nothing was refused"),),
        next=("kubectl -n kube-system get pods,leases | grep -i scheduler",),
    )


def _scheduler(pod: PodView) -> ObjectKey:
    """The scheduler's own pod where it runs as one and is unwell; the component elsewhere."""
    for facts in pod.moment.all("PodFacts", "kube-system"):
        unready = isinstance(facts.object, k8s.PodFacts) and not facts.object.ready
        if facts.key.name.startswith(_STATIC_POD) and unready:
            return ObjectKey("Pod", "kube-system", facts.key.name)
    return _SCHEDULER


@rule("scheduling.gated", version=1)
def gated(pod: PodView) -> Iterator[Finding]:
    """A scheduling gate keeps the scheduler from looking at the pod: whoever set it has not taken it away."""
    if not pod.is_gated or pod.at < pod.overdue_at:
        return
    yield Finding(
        code="scheduling.gated",
        blame=pod.workload,
        workload=pod.workload,
        summary=f"{pod.key.name} is kept from the scheduler by its scheduling gates",
        confidence=0.85,
        evidence=(pod.fact("PodScheduled is False: SchedulingGated"),),
        ruled_out=(RuledOut(code="scheduling.scheduler_down", because="the scheduler is not to look at it yet"),),
        next=(f"kubectl -n {pod.key.namespace} get pod {pod.key.name} -o jsonpath='{{.spec.schedulingGates}}'",),
    )


@rule("scheduling.node_name_unknown", version=1)
def node_name_unknown(pod: PodView) -> Iterator[Finding]:
    """It is bound by name to a node that never was: no kubelet will ever start it."""
    name = pod.spec.node_name
    if not name or pod.status.start_time or pod.status.container_statuses or not _is_unknown(pod, name):
        return
    changes = [one for one in pod.workload_changes if one.field.endswith("nodeName")]
    known = ", ".join(event.key.name for event in pod.moment.all("Node", ""))
    yield Finding(
        code="scheduling.node_name_unknown",
        blame=pod.workload,
        workload=pod.workload,
        change=changes[0] if changes else None,
        summary=f"it asks for node {name} by name, and there is no such node",
        confidence=0.93,
        evidence=(pod.fact(f"nodeName is {name}; the nodes are {known}"),),
        attributes={"node": name},
        ruled_out=(RuledOut(code="node.kubelet_down", because="the node was never there"),),
        next=(f"kubectl -n {pod.key.namespace} edit {target(pod.workload)}   # nodeName",),
    )


def _is_unknown(pod: PodView, name: str) -> bool:
    """Whether nodes are known and this one never was; one that was removed is another cause."""
    return pod.moment.history(ObjectKey("Node", "", name)) is None and any(pod.moment.all("Node", ""))


@rule("scheduling.preempted", version=1)
def preempted(pod: PodView) -> Iterator[Finding]:
    """A pod of its workload was put out to make room for one of higher priority, and it finds no other place."""
    decision = deciding(pod)
    if decision is None or not decision.code.startswith("scheduling.insufficient_"):
        return
    happened = newest_preemption(pod)
    if happened is None:
        return
    victim = happened.key.name
    winner = _winner(pod, happened.message)
    yield Finding(
        code="scheduling.preempted",
        blame=winner or pod.workload,
        workload=pod.workload,
        summary=f"{victim} was preempted" + (f" by {winner.kind} {winner.name}" if winner else "")
        + ", and there is no room for its successor",
        confidence=0.9 if winner else 0.75,
        evidence=(evidence(happened, f"{victim}: {happened.message}"), pod.fact(decision.message)),
        attributes={"victim": victim, "priority_class": pod.spec.priority_class_name},
        ruled_out=(RuledOut(code=decision.code, because="it had room until it was preempted"),),
        next=("kubectl get priorityclasses", f"kubectl -n {pod.key.namespace} describe pod {pod.key.name}"),
    )  # fmt: skip


def newest_preemption(pod: PodView) -> UnifiedEvent | None:
    """The last time a pod of its workload was put out, near enough to be why this one looks for a place."""
    found = [event for history in _siblings(pod) for event in history.said if _is_preemption(pod, event)]
    return max(found, key=lambda event: event.sort_key, default=None)


def _siblings(pod: PodView) -> Iterator[History]:
    """The pods of its workload, those that are gone included."""
    for history in pod.moment.ever("Pod", pod.key.namespace):
        newest = history.states[-1] if history.states else None
        if newest is not None and newest.root == pod.event.root and newest.root:
            yield history


def _is_preemption(pod: PodView, event: UnifiedEvent) -> bool:
    if event.event_name is not EventName.POD_PREEMPTED or event.reason == "Preempting":
        return False
    return event.timestamp <= pod.at and pod.created_at - event.timestamp <= _AFTERMATH


def _winner(pod: PodView, message: str) -> ObjectKey | None:
    """The workload whose pod took the place: by name up to 1.27, by uid since."""
    named, by_uid = _BY_NAME.search(message), _BY_UID.search(message)
    if not named and not by_uid:
        return None
    namespaces = [event.key.name for event in pod.moment.all("Namespace", "")]
    own_first = dict.fromkeys([pod.key.namespace, *namespaces])
    for namespace in [named[1]] if named else own_first:
        for facts in pod.moment.all("PodFacts", namespace):
            if (named and facts.key.name == named[2]) or (by_uid and facts.k8s_context.uid == by_uid[1]):
                return ObjectKey.parse(facts.root)
    return ObjectKey("Pod", named[1], named[2]) if named else None
