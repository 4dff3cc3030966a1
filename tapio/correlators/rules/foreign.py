"""Services whose traffic goes to pods that are not theirs."""

from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import ServiceView, change_evidence, evidence, pod_key, strayed
from tapio.graph import RuledOut
from tapio.unified import ObjectKey


@rule("service.selector_mismatch", version=1)
def foreign_endpoints(service: ServiceView) -> Iterator[Finding]:
    """The selector was changed to one that takes another workload's pods, while the Service's own are ready."""
    found = strayed(service)
    if found is None:
        return
    theirs, own = found.foreign[0], found.meant[0]
    selector = ",".join(f"{key}={value}" for key, value in sorted(service.spec.selector.items()))
    yield Finding(
        code="service.selector_mismatch",
        blame=service.key,
        workload=own.owner,
        change=found.change,
        summary=f"Service {service.key.name} leads to pods of {ObjectKey.parse(theirs.root).name}, not to its own",
        confidence=0.85,
        evidence=(
            change_evidence(found.change),
            evidence(own, f"pod {own.key.name} is ready and not selected", entity=pod_key(own)),
            service.fact(f"selects {selector}: {theirs.key.name}"),
        ),
        attributes={"selector": dict(sorted(service.spec.selector.items())), "pods": len(found.foreign)},
        ruled_out=(RuledOut(code="service.no_ready_endpoints", because=f"{len(found.foreign)} pods are ready"),),
        next=(f"kubectl -n {service.key.namespace} edit service {service.key.name}   # {found.change.field}",),
    )
