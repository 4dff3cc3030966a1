"""Services of type LoadBalancer that their cloud gives no way in."""

from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import shortened
from tapio.correlators.sequence import balancer_failure
from tapio.correlators.views import ServiceView, change_evidence, evidence
from tapio.graph import RuledOut


@rule("service.load_balancer_failed", version=1)
def load_balancer_failed(service: ServiceView) -> Iterator[Finding]:
    """The cloud's controller cannot make the load balancer that the Service asks for, and says why."""
    said = balancer_failure(service)
    if said is None:
        return
    changes = service.changes_of(service.key)
    change = next((one for one in changes if one.field.startswith(("spec.", "metadata.annotations"))), None)
    change = change if change and change.at <= said.timestamp else None
    key = service.key
    yield Finding(
        code="service.load_balancer_failed",
        blame=key,
        change=change,
        summary=f"Service {key.name} gets no load balancer: {shortened(said.message, 200)}",
        confidence=0.85,
        evidence=(
            *([change_evidence(change)] if change else []),
            evidence(said, f"{said.reason}: {shortened(said.message)}"),
        ),
        attributes={"reason": said.reason},
        ruled_out=(RuledOut(code="service.no_ready_endpoints", because="inside the cluster it leads to ready pods"),),
        next=(f"kubectl -n {key.namespace} describe service {key.name}",),
    )
