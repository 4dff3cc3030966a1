"""Services of type LoadBalancer that their cloud gives no way in."""

from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import shortened
from tapio.correlators.sequence import balancer_failure
from tapio.correlators.temporal import in_time
from tapio.correlators.views import ServiceView, evidence, with_change
from tapio.graph import RuledOut

_ASKS = ("spec.", "metadata.annotations")


@rule("service.load_balancer_failed", version=1)
def load_balancer_failed(service: ServiceView) -> Iterator[Finding]:
    """The cloud's controller cannot make the load balancer that the Service asks for, and says why."""
    said = balancer_failure(service)
    if said is None:
        return
    changes = (one for one in service.changes_of(service.key) if one.field.startswith(_ASKS))
    change = next((one for one in changes if in_time(one, said.timestamp)), None)
    key = service.key
    yield Finding(
        code="service.load_balancer_failed",
        blame=key,
        change=change,
        summary=f"Service {key.name} gets no load balancer: {shortened(said.message, 200)}",
        confidence=0.85,
        evidence=with_change(
            change,
            evidence(said, f"{said.reason}: {shortened(said.message)}"),
        ),
        attributes={"reason": said.reason},
        ruled_out=(RuledOut(code="service.no_ready_endpoints", because="inside the cluster it leads to ready pods"),),
        next=(f"kubectl -n {key.namespace} describe service {key.name}",),
    )
