"""Causes between a Service and what should back it."""

from collections.abc import Iterator

from tapio.correlators.rules.controllers import owner_of_facts
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import undo
from tapio.correlators.views import (
    ServiceView,
    StrayPort,
    evidence,
    facts_of,
    pod_key,
    selector_before,
    with_change,
    workload_facts_of,
)
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s


@rule("service.selector_mismatch", version=1)
def selector_mismatch(service: ServiceView) -> Iterator[Finding]:
    """The Service selects nobody, though pods that it could mean are ready.

    Which pods it could mean is read from the data: those it selected before a change, or those that carry part of what
    it asks for. Pods that have nothing in common with it are other people's.
    """
    if service.backends or service.workloads:
        return
    change = _mismatching_change(service)
    meant = _meant(service, change)
    if not meant:
        return
    wrong = _differing(service, meant[0])
    yield Finding(
        code="service.selector_mismatch",
        blame=change.entity if change else service.key,
        workload=meant[0].owner,
        change=change,
        summary=f"the selector of Service {service.key.name} matches no pod: {wrong}",
        confidence=0.93 if change else 0.88,
        evidence=_proof(service, change, meant),
        attributes={"selector": dict(sorted(service.spec.selector.items())), "pods": len(meant)},
        ruled_out=(RuledOut(code="service.no_ready_endpoints", because=f"{len(meant)} pods are ready"),),
        next=_next(service, change, meant[0]),
    )


def _mismatching_change(service: ServiceView) -> Change | None:
    """The newest change that broke the match: of the selector, or of the labels on the side of the pods."""
    own = [change for change in service.changes_of(service.key) if change.field.startswith("spec.selector")]
    theirs = [change for facts in _workloads(service) for change in _label_changes(service, facts)]
    return max([*own, *theirs], key=lambda change: change.at, default=None)


def _workloads(service: ServiceView) -> list[UnifiedEvent]:
    """The workloads whose pods bear, or bore before a change, a value that it asks for."""
    return service.moment.bearing("WorkloadFacts", service.key.namespace, service.spec.selector.values())


def _label_changes(service: ServiceView, facts: UnifiedEvent) -> list[Change]:
    """Changes of a workload's template labels that took it out of the selector."""
    changes = service.changes_of(facts.key)
    return [
        _of_workload(change)
        for change in changes
        if change.field.startswith("spec.template.metadata.labels") and _was_selected(service, change)
    ]


def _was_selected(service: ServiceView, change: Change) -> bool:
    wanted = service.spec.selector
    return any(
        change.field.endswith((f"labels.{key}", f"labels[{key}]")) and change.before == value
        for key, value in wanted.items()
    )


def _of_workload(change: Change) -> Change:
    kind, _, name = change.entity.name.partition(".")
    return Change(
        entity=ObjectKey(kind, change.entity.namespace, name),
        uid=change.uid,
        field=change.field,
        before=change.before,
        after=change.after,
        actor=change.actor,
        at=change.at,
        event_id=change.event_id,
    )


def _meant(service: ServiceView, change: Change | None) -> list[UnifiedEvent]:
    """The ready pods that the Service could mean: best match first."""
    if change and change.entity == service.key:
        before = selector_before(service, change)
        return _ready(service.moment.labelled("PodFacts", service.key.namespace, before))
    if change:
        pods = service.moment.bearing("PodFacts", service.key.namespace, (change.entity.name,))
        return [pod for pod in _ready(pods) if pod.root == str(change.entity)]
    words = (service.key.name, *service.spec.selector.values())
    pods = _ready(service.moment.bearing("PodFacts", service.key.namespace, words))
    scored = [(score, pod) for pod in pods if (score := _likeness(service, pod))]
    best = max((score for score, _ in scored), default=0)
    return [pod for score, pod in scored if score == best]


def _ready(pods: list[UnifiedEvent]) -> list[UnifiedEvent]:
    return [pod for pod in pods if facts_of(pod).ready and not facts_of(pod).deleting]


def _likeness(service: ServiceView, pod: UnifiedEvent) -> int:
    """How much of what the Service asks for the pod has: labels that match, then the Service's name in its own."""
    labels = pod.k8s_context.labels
    matching = sum(1 for key, value in service.spec.selector.items() if labels.get(key) == value)
    same_keys = sum(1 for key in service.spec.selector if key in labels)
    root = (pod.owner or pod.key).name
    named = root == service.key.name or service.key.name in labels.values()
    if not matching and not named:
        return 0
    return 4 * matching + 2 * named + same_keys


def _differing(service: ServiceView, pod: UnifiedEvent) -> str:
    labels = pod.k8s_context.labels
    wrong = [
        f"it asks for {key}={value}, the pods have {f'{key}={labels[key]}' if key in labels else f'no {key}'}"
        for key, value in sorted(service.spec.selector.items())
        if labels.get(key) != value
    ]
    return "; ".join(wrong)


def _proof(service: ServiceView, change: Change | None, meant: list[UnifiedEvent]) -> tuple[Evidence, ...]:
    pod = meant[0]
    return with_change(
        change,
        service.fact(f"selects {_words(service.spec.selector)}: 0 endpoints"),
        evidence(pod, f"pod {pod.key.name} is ready, labelled {_words(pod.k8s_context.labels)}"),
    )


def _words(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _next(service: ServiceView, change: Change | None, pod: UnifiedEvent) -> tuple[str, ...]:
    namespace = service.key.namespace
    if change and change.entity != service.key:
        return (undo(change.entity),)
    labels = pod.k8s_context.labels
    borne = {key: labels[key] for key in sorted(service.spec.selector) if key in labels}
    if not borne:
        return (f"kubectl -n {namespace} edit service {service.key.name}  # selector against the pods' labels",)
    whole = ",".join(f"{key}={value}" for key, value in borne.items())  # the command replaces all of the selector
    return (f"kubectl -n {namespace} set selector service {service.key.name} '{whole}'",)


@rule("service.no_ready_endpoints", version=1)
def no_ready_endpoints(service: ServiceView) -> Iterator[Finding]:
    """The Service selects pods, and none of them is ready: their own symptoms say why."""
    if service.ready_endpoints:
        return
    unready = [pod for pod in service.backends if not facts_of(pod).ready]
    if not unready:
        yield from _no_pods_yet(service)
        return
    yield Finding(
        code="service.no_ready_endpoints",
        blame=service.key,
        workload=unready[0].owner,
        summary=f"none of the {len(unready)} pods behind Service {service.key.name} is ready",
        confidence=0.9,
        evidence=(service.fact(f"0 of {len(unready)} endpoints are ready"),),
        attributes={"pods": len(unready)},
        through=tuple(pod_key(pod) for pod in unready),
        next=(f"kubectl -n {service.key.namespace} get pods -l {_words(service.spec.selector).replace(', ', ',')}",),
    )


def _no_pods_yet(service: ServiceView) -> Iterator[Finding]:
    """The workload that the Service selects wants pods and has none: its own symptom says why."""
    wanting = [facts for facts in service.workloads if workload_facts_of(facts).replicas != 0]
    if service.backends or not wanting:
        return
    owners = tuple(owner_of_facts(facts) for facts in wanting)
    yield Finding(
        code="service.no_ready_endpoints",
        blame=service.key,
        workload=owners[0],
        summary=f"{owners[0].kind} {owners[0].name} behind Service {service.key.name} has no pods",
        confidence=0.85,
        evidence=(service.fact(f"0 pods of {owners[0].kind} {owners[0].name}"),),
        attributes={"pods": 0},
        through=owners,
        next=(f"kubectl -n {service.key.namespace} describe {owners[0].kind.lower()} {owners[0].name}",),
    )


@rule("service.port_mismatch", "service.protocol_mismatch", version=1)
def port_mismatch(service: ServiceView) -> Iterator[Finding]:
    """Endpoints are ready, and a port of the Service leads to one that no container of theirs serves."""
    for astray in service.astray if service.ready_endpoints else ():
        yield _port_finding(service, astray)


def _port_finding(service: ServiceView, astray: StrayPort) -> Finding:
    code = "service.protocol_mismatch" if astray.other_protocol else "service.port_mismatch"
    pod = service.ready_backends[0]
    change = next((one for one in service.target_changes if one.at <= service.at), None)
    served = ", ".join(_port_words(port) for port in facts_of(pod).ports) or ", ".join(map(str, facts_of(pod).probed))
    is_named = isinstance(astray.target, str)
    return Finding(
        code=code,
        blame=service.key,
        workload=pod.owner,
        change=change,
        summary=f"port {astray.port.port}/{astray.port.protocol} of Service {service.key.name} leads to "
        f"{astray.target}, its pods serve {served or 'no named port'}",
        confidence=0.95 if change or is_named or astray.other_protocol else 0.88,
        evidence=with_change(
            change,
            evidence(pod, f"pod {pod.key.name} serves {served or 'no named port'}", entity=pod_key(pod)),
            service.fact(f"{astray.port.port}/{astray.port.protocol} -> {astray.target}"),
        ),
        attributes={"port": astray.port.port, "target_port": astray.target, "protocol": astray.port.protocol},
        ruled_out=(
            RuledOut(code="service.selector_mismatch", because=f"it selects {len(service.ready_backends)} ready pods"),
        ),
        next=(_port_next(service, astray, change),),
    )


def _port_words(port: k8s.ContainerPort) -> str:
    return f"{f'{port.name}=' if port.name else ''}{port.container_port}/{port.protocol}"


def _port_next(service: ServiceView, astray: StrayPort, change: Change | None) -> str:
    namespace, name = service.key.namespace, service.key.name
    before = change.before if change and change.field.endswith(".targetPort") else None
    place = next(index for index, port in enumerate(service.spec.ports) if port == astray.port)
    if not isinstance(before, int | str) or before == astray.target:
        return f"kubectl -n {namespace} edit service {name}  # spec.ports[{place}] against the pods' containerPorts"
    value = before if isinstance(before, int) else f'"{before}"'
    path = f"/spec/ports/{place}/targetPort"
    patch = f'[{{"op":"replace","path":"{path}","value":{value}}}]'
    return f"kubectl -n {namespace} patch service {name} --type=json -p '{patch}'"
