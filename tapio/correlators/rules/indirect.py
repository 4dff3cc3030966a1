"""Names that lead to what they stand for by a detour: an ExternalName, one pod below its Service."""

from collections.abc import Iterator

from tapio.correlators.rules.clues.asked import in_trouble
from tapio.correlators.rules.clues.dependency_text import unanswered, unresolved
from tapio.correlators.rules.clues.names import pod_named, service_key, service_view
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import named, shortened
from tapio.correlators.temporal import in_time
from tapio.correlators.views import ContainerView, ServiceView, evidence, facts_of, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey, UnifiedEvent


@rule("runtime.dependency_address", version=1, decided_by=("kubeapi", "systemd"))
def alias_of_nothing(container: ContainerView) -> Iterator[Finding]:
    """The container asks for a Service of type ExternalName, and the name that this stands for has no address."""
    found = _dead_alias(container) if in_trouble(container) else None
    if found is None:
        return
    service, line = found
    target, change = service.spec.external_name, _renamed(container, service)
    name, namespace = service.key.name, service.key.namespace
    yield Finding(
        code="runtime.dependency_address",
        blame=service.key,
        workload=container.pod.workload,
        change=change,
        summary=f"Service {name}, which container {container.name} asks for, leads to {target}, which has no address",
        confidence=0.93 if change else 0.85,
        evidence=with_change(
            change,
            service.fact(f"spec.externalName is {target}"),
            _said(container, line),
        ),
        attributes={"container": container.name, "host": target, "service": named(service.key), "last_line": line},
        ruled_out=(RuledOut(code="service.missing", because=f"Service {name} exists"),),
        next=(f"kubectl -n {namespace} edit service {name}  # spec.externalName",),
    )


def _dead_alias(container: ContainerView) -> tuple[ServiceView, str] | None:
    moment, namespace = container.pod.moment, container.pod.key.namespace
    for host, line in unresolved(container.last_words):
        key = service_key(host, namespace)
        service = service_view(moment, key) if key else None
        if service and service.spec.external_name:
            inside = service_key(service.spec.external_name, service.key.namespace)
            if inside is None or moment.state(inside) is None:
                return service, line
    return None


def _renamed(container: ContainerView, service: ServiceView) -> Change | None:
    """The change that made the Service stand for the name that it stands for now."""
    onset = container.pod.onset or container.pod.at
    changes = (one for one in service.changes_of(service.key) if one.field in ("spec.externalName", "spec.type"))
    return next((one for one in changes if in_time(one, onset)), None)


@rule("runtime.dependency_down", version=1, decided_by=("kubeapi", "ebpf", "systemd"))
def peer_down(container: ContainerView) -> Iterator[Finding]:
    """The container asks one pod of a Service by the pod's own name, and that pod is not ready, though others are."""
    found = _dead_peer(container) if in_trouble(container) else None
    if found is None:
        return
    key, facts, service, line = found
    owner = facts.owner or key
    yield Finding(
        code="runtime.dependency_down",
        blame=owner,
        workload=owner,
        summary=f"container {container.name} needs pod {key.name} of Service {service.key.name}, which is not ready",
        confidence=0.88,
        evidence=(_said(container, line), evidence(facts, f"pod {key.name} is not ready", entity=key)),
        attributes={"container": container.name, "host": key.name, "service": named(service.key), "last_line": line},
        ruled_out=(RuledOut(code="runtime.crash_app", because=f"its last words name {key.name}"),),
        through=(key,),
        next=(f"kubectl -n {key.namespace} describe pod {key.name}",),
    )


def _dead_peer(container: ContainerView) -> tuple[ObjectKey, UnifiedEvent, ServiceView, str] | None:
    moment, namespace, words = container.pod.moment, container.pod.key.namespace, container.last_words
    hosts = [(address.host, line) for address, line in unanswered(words)] + unresolved(words)
    for host, line in hosts:
        below = pod_named(moment, host, namespace)
        facts = moment.state(ObjectKey("PodFacts", below[0].namespace, below[0].name)) if below else None
        is_other = below is not None and below[0] != container.pod.key
        if below and facts and is_other and below[1].ready_endpoints and not facts_of(facts).ready:
            return below[0], facts, below[1], line
    return None


def _said(container: ContainerView, line: str) -> Evidence:
    return container.spoken(f'{container.name} says: "{shortened(line, 160)}"')
