"""Control loops that stand still: what they do not do is the evidence."""

from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import WorkloadView
from tapio.graph import RuledOut
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_MANAGER = "kube-controller-manager"
_COMPONENT = ObjectKey("Component", "", _MANAGER)


@rule("control.controller_down", version=1)
def controller_down(workload: WorkloadView) -> Iterator[Finding]:
    """No controller has taken note of the workload's spec: its status speaks of an older generation, or of none.

    A controller at work writes which generation it has seen before all else, be it able to do what that asks or not.
    """
    overdue_at = workload.overdue_at
    if overdue_at is None or workload.at < overdue_at:
        return
    newest, seen = workload.object.metadata.generation, workload.status.observed_generation
    kind = workload.key.kind
    yield Finding(
        code="control.controller_down",
        blame=_manager(workload),
        workload=workload.root,
        summary=f"no controller has looked at {kind} {workload.key.name} since its spec became generation {newest}",
        confidence=0.88,
        evidence=(workload.fact(f"generation is {newest}, observedGeneration is {seen or 'not set'}"),),
        attributes={"generation": newest, "observed_generation": seen},
        ruled_out=(RuledOut(code="admission.quota_exceeded", because="no pod was asked for, and so none refused"),),
        next=("kubectl -n kube-system get pods,leases | grep -i controller-manager",),
    )


def _manager(workload: WorkloadView) -> ObjectKey:
    """The controller manager's own pod where it runs as one and is unwell; the component elsewhere."""
    for facts in workload.moment.all("PodFacts", "kube-system"):
        unready = isinstance(facts.object, k8s.PodFacts) and not facts.object.ready
        if facts.key.name.startswith(f"{_MANAGER}-") and unready:
            return ObjectKey("Pod", "kube-system", facts.key.name)
    return _COMPONENT
