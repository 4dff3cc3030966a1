"""Causes that keep a controller from creating its pods: the API server refuses them."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from tapio.correlators.quantities import amount
from tapio.correlators.rules.clues.absent import as_change
from tapio.correlators.rules.clues.admission_text import (
    LIMIT_RANGE,
    LIMITS_REQUIRED,
    POD_SECURITY,
    QUOTA,
    RBAC,
    SERVICE_ACCOUNT,
    Refused,
    amounts,
)
from tapio.correlators.rules.clues.refused_create import changes_before, finding, own_changes, refusal_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import target
from tapio.correlators.views import WorkloadView
from tapio.graph import Change
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_ENFORCE = "pod-security.kubernetes.io/enforce"
# A resource by the name people have for it: `requests.cpu` and `limits.cpu` are both cpu.
_PREFIX = re.compile(r"^(?:requests|limits|count)[./]")


@rule(QUOTA, LIMITS_REQUIRED, version=1)
def quota(workload: WorkloadView) -> Iterator[Finding]:
    """A ResourceQuota has no room for another pod, or demands a size that the pod does not state."""
    refusal = refusal_of(workload)
    if refusal is None or refusal.refused.code not in (QUOTA, LIMITS_REQUIRED):
        return
    name = refusal.refused.name
    key = ObjectKey("ResourceQuota", workload.key.namespace, name)
    exceeded = _exceeded(refusal.refused)
    resource = _PREFIX.sub("", exceeded[0]) if exceeded else ""
    lowered = [one for one in changes_before(workload, key, "spec.hard") if _concerns(one, exceeded)]
    own = [] if lowered else own_changes(workload, ("spec.replicas", "resources"))
    if refusal.refused.code == QUOTA:
        words = f"quota {name} has no {resource or 'room'} left for another pod ({refusal.refused.why})"
    else:
        words = f"quota {name} wants every container to state {refusal.refused.why.partition(' for:')[0]}"
    yield finding(
        workload,
        refusal,
        key,
        words,
        0.95,
        change=next(iter([*lowered, *own]), None),
        attributes={"resource": resource, "resources": list(exceeded), "quota": name},
        next_=(
            f"kubectl -n {key.namespace} describe resourcequota {name}",
            f"kubectl -n {key.namespace} edit resourcequota {name}   # or lower what {target(workload.root)} asks for",
        ),
    )


def _exceeded(refused: Refused) -> tuple[str, ...]:
    """The resources that are the matter, in the order they were told."""
    if refused.code == LIMITS_REQUIRED:
        return tuple(re.findall(r"(?:limits|requests)\.[\w./-]+|\bcpu\b|\bmemory\b", refused.why.split(" for: ")[0]))
    told = amounts(refused.why)
    requested, used, limited = (told.get(word, {}) for word in ("requested", "used", "limited"))
    over = [one for one in requested if _sum(requested.get(one), used.get(one)) > (amount(limited.get(one)) or 0.0)]
    return tuple(over or requested)


def _sum(*quantities: str | None) -> float:
    return sum(amount(quantity) or 0.0 for quantity in quantities)


def _concerns(change: Change, resources: Iterable[str]) -> bool:
    """Whether a quota's change is of one of the resources, or of all of them at once."""
    tail = change.field.removeprefix("spec.hard").strip(".[]")
    return not tail or tail in tuple(resources)


@rule(LIMIT_RANGE, version=1)
def limit_range(workload: WorkloadView) -> Iterator[Finding]:
    """A LimitRange bounds a single container or pod, and this one is outside."""
    refusal = refusal_of(workload)
    if refusal is None or refusal.refused.code != LIMIT_RANGE:
        return
    ranges = list(workload.moment.all("LimitRange", workload.key.namespace))
    named = [event for event in ranges if _bounds(event.object, refusal.refused.name)] or ranges
    key = named[0].key if named else None
    changes = changes_before(workload, key, "spec.limits") if key else []
    yield finding(
        workload,
        refusal,
        key or workload.root,
        f"its pods are outside LimitRange {key.name if key else ''}: {refusal.refused.why}",
        0.93 if key else 0.75,
        change=next(iter([*changes, *own_changes(workload, ("resources",))]), None),
        attributes={"resource": refusal.refused.name},
        next_=(f"kubectl -n {workload.key.namespace} describe limitrange {key.name if key else ''}".rstrip(),),
    )


def _bounds(state: object, resource: str) -> bool:
    if not isinstance(state, k8s.LimitRange):
        return False
    return any(
        resource in {*one.max, *one.min, *one.default, *one.max_limit_request_ratio} for one in state.spec.limits
    )


@rule(POD_SECURITY, version=1)
def pod_security(workload: WorkloadView) -> Iterator[Finding]:
    """The namespace enforces a security standard that the pod template does not meet."""
    refusal = refusal_of(workload)
    if refusal is None or refusal.refused.code != POD_SECURITY:
        return
    namespace = ObjectKey("Namespace", "", workload.key.namespace)
    level = refusal.refused.name.partition(":")[0]
    labelled = [one for one in changes_before(workload, namespace, "metadata.labels") if _enforces(one)]
    changes = labelled or own_changes(workload, ("securityContext", "hostNetwork", "hostPID", "volumes", "hostPort"))
    yield finding(
        workload,
        refusal,
        namespace if level else workload.root,
        f"namespace {namespace.name} enforces the pod security standard {level or 'of its policies'}, "
        f"which its pods violate: {refusal.refused.why[:200]}",
        0.95,
        change=next(iter(changes), None),
        attributes={"level": level},
        next_=(
            f"kubectl -n {namespace.name} edit {target(workload.root)}   # securityContext, as the message says",
            f"kubectl label namespace {namespace.name} {_ENFORCE}-   # or a weaker level",
        ),
    )


def _enforces(change: Change) -> bool:
    return _ENFORCE in change.field or change.field == "metadata.labels"


@rule(SERVICE_ACCOUNT, version=1)
def service_account_missing(workload: WorkloadView) -> Iterator[Finding]:
    """Its ServiceAccount does not exist, and that lasts: just after a namespace was made it would come by itself."""
    refusal = refusal_of(workload)
    if refusal is None or refusal.refused.code != SERVICE_ACCOUNT or workload.at < workload.account_due_at:
        return
    name = refusal.refused.name
    key = ObjectKey("ServiceAccount", workload.key.namespace, name)
    if workload.moment.state(key) is not None:
        return  # it has come by now: the next attempt will do
    asked = next(iter(own_changes(workload, ("serviceAccount",))), None)
    history = workload.moment.history(key)
    gone = history.state(workload.at) if history else None
    yield finding(
        workload,
        refusal,
        workload.root,
        f"its pods are to run as ServiceAccount {name}, which {'was deleted' if gone else 'does not exist'}",
        0.93,
        change=max([*([asked] if asked else []), *([as_change(gone)] if gone else [])], key=_at, default=None),
        attributes={"service_account": name},
        next_=(f"kubectl -n {key.namespace} create serviceaccount {name}   # or correct {target(workload.root)}",),
    )


def _at(change: Change) -> datetime:
    return change.at


@rule(RBAC, version=1)
def rbac_denied(workload: WorkloadView) -> Iterator[Finding]:
    """The account that creates the pods may not: a Role or a binding is missing."""
    refusal = refusal_of(workload)
    if refusal is None or refusal.refused.code != RBAC:
        return
    _, _, account = refusal.refused.name.partition("system:serviceaccount:")
    namespace, _, name = account.partition(":")
    blame = ObjectKey("ServiceAccount", namespace, name)
    yield finding(
        workload,
        refusal,
        blame,
        f"ServiceAccount {name} {refusal.refused.why[:160]}: no Role bound to it allows that",
        0.8,
        change=None,
        attributes={"user": refusal.refused.name},
        next_=(f"kubectl -n {workload.key.namespace} get rolebindings -o wide",),
    )
