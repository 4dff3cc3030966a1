"""What a ServiceAccount may not do, and which role or binding took it away."""

import re
from collections.abc import Iterator

from tapio.correlators.history import History, is_deleted
from tapio.correlators.rules.clues.absent import as_change
from tapio.correlators.rules.clues.asked import in_trouble
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import named
from tapio.correlators.temporal import in_time
from tapio.correlators.views import ContainerView, PodView, View, with_change
from tapio.graph import Change, RuledOut
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

# k8s.io/apiserver: 'pods is forbidden: User "system:serviceaccount:ns:name" cannot list resource "pods" in API group
# "" in the namespace "ns"'; client-go, kubectl and other clients print it as it is.
_FORBIDDEN = re.compile(r'User "system:serviceaccount:([\w.-]+):([\w.-]+)" (cannot [^\n]{0,160})')


@rule("admission.rbac_denied", version=1, decided_by=("kubeapi", "systemd"))
def forbidden(container: ContainerView) -> Iterator[Finding]:
    """The API server forbids the container's account what it asks, by the program's own last words.

    A role or a binding of that account which was changed or deleted just before is to blame, else the account itself.
    """
    found = _FORBIDDEN.search(container.last_words) if in_trouble(container) else None
    if found is None:
        return
    pod = container.pod
    account = ObjectKey("ServiceAccount", found[1], found[2])
    change = rights_change(pod, account)
    line = f"ServiceAccount {account.name} {found[3]}"
    yield Finding(
        code="admission.rbac_denied",
        blame=change.entity if change else account,
        workload=pod.workload,
        change=change,
        summary=line if change is None else f"{line}, since {named(change.entity)} changed",
        confidence=0.93 if change else 0.85,
        evidence=with_change(change, container.spoken(line)),
        attributes={"container": container.name, "user": f"system:serviceaccount:{found[1]}:{found[2]}"},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the API server refused it"),),
        next=(f"kubectl auth can-i --list --as=system:serviceaccount:{found[1]}:{found[2]} -n {pod.key.namespace}",),
    )


def rights_change(view: View, account: ObjectKey) -> Change | None:
    """The newest change or deletion of a binding of the account, or of a role that one names, shortly before."""
    onset = (view.onset if isinstance(view, PodView) else None) or view.at
    places = (("RoleBinding", view.key.namespace), ("RoleBinding", account.namespace), ("ClusterRoleBinding", ""))
    bindings = [one for place in dict.fromkeys(places) for one in view.moment.ever(*place) if _binds(one, account)]
    keys = dict.fromkeys(key for one in bindings for key in (one.key, *_roles(one)))
    changes = (change for key in keys for change in _changes(view, key))
    return max((one for one in changes if in_time(one, onset)), key=lambda change: change.at, default=None)


def _binds(history: History, account: ObjectKey) -> bool:
    """Whether any version of the binding that memory reaches names the account."""
    return any(_is_of(one, account) for event in history.states for one in getattr(event.object, "subjects", ()))


def _is_of(grantee: k8s.Grantee, account: ObjectKey) -> bool:
    if grantee.kind == "Group":
        return grantee.name in ("system:serviceaccounts", f"system:serviceaccounts:{account.namespace}")
    return (grantee.kind, grantee.name) == ("ServiceAccount", account.name) and grantee.namespace in (
        "",
        account.namespace,
    )


def _roles(history: History) -> Iterator[ObjectKey]:
    for event in history.states:
        if isinstance(event.object, k8s.RoleBinding | k8s.ClusterRoleBinding):
            ref = event.object.role_ref
            yield ObjectKey(ref.kind, history.key.namespace if ref.kind == "Role" else "", ref.name)


def _changes(view: View, key: ObjectKey) -> list[Change]:
    """Its changes, its deletion last of all."""
    history = view.moment.history(key)
    state = history.state(view.at) if history else None
    gone = [as_change(state)] if state is not None and is_deleted(state) else []
    fields = ("rules", "subjects", "roleRef", "aggregationRule")
    return [*gone, *(one for one in view.changes_of(key) if one.field.startswith(fields))]
