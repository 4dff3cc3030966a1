"""Services whose traffic goes to pods that are not theirs."""

from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import named, target
from tapio.correlators.views import ServiceView, change_evidence, evidence, pod_key, strayed, with_change
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


@rule("service.selector_mismatch", version=1)
def intruders(service: ServiceView) -> Iterator[Finding]:
    """The selector takes another workload's pods along, which do not serve its port: part of the traffic fails."""
    if service.astray or not service.intruders:
        return
    theirs, own = service.intruders[0], next(one for one in service.ready_backends if one not in service.intruders)
    change = next((one for one in service.changes_of(service.key) if one.field.startswith("spec.selector")), None)
    selector = ",".join(f"{key}={value}" for key, value in sorted(service.spec.selector.items()))
    other = theirs.owner or theirs.key
    yield Finding(
        code="service.selector_mismatch",
        blame=service.key,
        workload=own.owner,
        change=change,
        summary=f"Service {service.key.name} also leads to pods of {other.name}, which do not serve its port",
        confidence=0.85 if change else 0.8,
        evidence=with_change(
            change,
            evidence(theirs, f"pod {theirs.key.name} declares other ports", entity=pod_key(theirs)),
            service.fact(f"selects {selector}: {own.key.name}, {theirs.key.name}"),
        ),
        attributes={
            "selector": dict(sorted(service.spec.selector.items())),
            "pods": len(service.intruders),
            "intruder": named(other),
        },
        ruled_out=(RuledOut(code="service.no_ready_endpoints", because=f"{service.ready_endpoints} are ready"),),
        next=(
            f"kubectl -n {service.key.namespace} edit service {service.key.name}   # a selector of its own pods alone",
            f"or give the pods of {target(other)} other labels",
        ),
    )
