"""Pods that the API server does not take for what they name, for a policy, or for its own trouble."""

from collections.abc import Callable, Iterator

from tapio.correlators.rules.clues.absent import as_change, deletion_of
from tapio.correlators.rules.clues.admission_text import (
    INVALID,
    NO_SPACE,
    POLICY,
    PRIORITY,
    RUNTIME_CLASS,
    TERMINATING,
    Refused,
)
from tapio.correlators.rules.clues.refused_create import finding, own_changes, refusal_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct
from tapio.correlators.views import WorkloadView
from tapio.graph import Change
from tapio.unified import ObjectKey

_ETCD = ObjectKey("Component", "", "etcd")
# What is to blame for each, where it is not the workload's own template.
_BLAMED: dict[str, Callable[[Refused], ObjectKey]] = {
    POLICY: lambda refused: ObjectKey("ValidatingAdmissionPolicy", "", refused.name),
    TERMINATING: lambda refused: ObjectKey("Namespace", "", refused.name),
    NO_SPACE: lambda _: _ETCD,
}
# The fields of the template that name what is not there, or are not valid.
_FIELDS = {PRIORITY: "priorityClassName", RUNTIME_CLASS: "runtimeClassName", INVALID: "spec.template"}
_WORDS = {
    POLICY: "policy {name} denied its pods: {why}",
    PRIORITY: "its pods name the PriorityClass {name}, which does not exist",
    RUNTIME_CLASS: "its pods name the RuntimeClass {name}, which does not exist",
    TERMINATING: "namespace {name} is being deleted: nothing new is made in it",
    INVALID: "its pods are not valid: {name}: {why}",
    NO_SPACE: "etcd has no space left: nothing can be written to the cluster",
}


@rule(INVALID, PRIORITY, RUNTIME_CLASS, POLICY, TERMINATING, NO_SPACE, version=1)
def rejected(workload: WorkloadView) -> Iterator[Finding]:
    """What its pods name is not there, or a policy, the namespace's end or a full etcd keeps them from being made."""
    refusal = refusal_of(workload)
    code = refusal.refused.code if refusal else ""
    if refusal is None or code not in _WORDS:
        return
    told = refusal.refused
    change = _change(workload, told)
    blamed = _BLAMED.get(code)
    blame = change.entity if change else blamed(told) if blamed else workload.root
    yield finding(
        workload,
        refusal,
        blame,
        _WORDS[code].format(name=told.name, why=told.why[:200]),
        0.9,
        change=change,
        attributes={"name": told.name},
        next_=(_next(workload, told),),
    )


def _change(workload: WorkloadView, told: Refused) -> Change | None:
    """The deletion of the class that is named, else the workload's own change that names it."""
    field = _FIELDS.get(told.code)
    if field is None:
        return None
    gone = deletion_of(workload, ObjectKey("PriorityClass", "", told.name)) if told.code == PRIORITY else None
    return as_change(gone) if gone else next(iter(own_changes(workload, (field,))), None)


def _next(workload: WorkloadView, told: Refused) -> str:
    if told.code == NO_SPACE:
        return "etcdctl alarm list; etcdctl defrag; etcdctl alarm disarm"
    if told.code == TERMINATING:
        return f"kubectl get namespace {told.name} -o yaml   # what keeps it"
    if told.code == POLICY:
        return f"kubectl get validatingadmissionpolicy {told.name} -o yaml"
    if told.code == INVALID:
        return correct(workload.root, f"spec.template.{told.name}", told.why[:100])
    return correct(workload.root, f"spec.template.spec.{_FIELDS[told.code]}", "a class that exists")
