"""What a container depends on and cannot reach, as its own last words name it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from tapio.correlators.rules.clues.absent import as_change, deletion_of
from tapio.correlators.rules.clues.asked import DNS_PORT, in_trouble, service_at, setting_change
from tapio.correlators.rules.clues.dependency_text import speaks_of_silence, unanswered, unresolved
from tapio.correlators.rules.clues.names import has, offers, service_key, service_named, service_view
from tapio.correlators.rules.clues.told import told_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct, named, undo_or_correct
from tapio.correlators.seconds import came_before
from tapio.correlators.views import ContainerView, ServiceView, evidence, facts_of, pod_key, selects, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

# Endpoints and the proxies' rules follow a pod's readiness within seconds.
_SETTLED = timedelta(seconds=15)
_UNNAMED = 0.75  # for a dependency that only the settings name


class _Unreached(NamedTuple):
    """A host that the container names and does not reach, and where its words say so."""

    host: str
    port: int | None
    line: str
    service: ObjectKey | None  # what the name would be in the cluster; None for a name of the world outside


@rule("runtime.dependency_address", "service.missing", version=1, decided_by=("kubeapi", "systemd"))
def dependency_address(container: ContainerView) -> Iterator[Finding]:
    """The container asks for a name that has no address, and no Service bears it.

    A Service that was deleted is to blame itself. A name that was never there is the fault of whoever wrote it: the
    client's environment, arguments or configuration, with the change that set it.
    """
    missing = missing_dependency(container)
    if missing is None:
        return
    deletion = deletion_of(container.pod, missing.service) if missing.service else None
    change = setting_change(container, missing.host)
    if deletion is not None and (change is None or came_before(change.at, deletion.timestamp)):
        yield _service_missing(container, missing, as_change(deletion))
    else:
        yield _wrong_address(container, missing, change)


@rule("runtime.dependency_port", version=1, decided_by=("kubeapi", "systemd"))
def dependency_port(container: ContainerView) -> Iterator[Finding]:
    """The container asks a Service for a port that the Service does not have."""
    if not in_trouble(container):
        return
    for address, line in unanswered(container.last_words):
        service = service_at(container, address)
        if service is None or offers(service.spec, address.port):
            continue
        change = setting_change(container, str(address.port))
        missing = _Unreached(address.host, address.port, line, service.key)
        yield _wrong_port(container, missing, service.spec, change)
        return


@rule("runtime.dependency_down", version=1, decided_by=("kubeapi", "ebpf", "systemd"))
def dependency_down(container: ContainerView) -> Iterator[Finding]:
    """The container asks a Service that exists, for a port that it has, and that leads to nobody: why lies there.

    A Service without an address of its own has none at all while nothing backs it, so its name is unknown then. Where
    a change has only just led the client there, that change is the cause: runtime.crash_after_change.
    """
    if not in_trouble(container):
        return
    for view, line in asked_services(container):
        if _is_anothers(view, container) and (not view.ready_endpoints or view.astray):
            if setting_change(container, view.key.name) is None:
                yield _down(container, view, line)
            return
    told = _unnamed(container)
    if told:
        yield msgspec.structs.replace(_down(container, *told), confidence=_UNNAMED)


def _unnamed(container: ContainerView) -> tuple[ServiceView, str] | None:
    """The one Service of its settings that nothing backs, and a line that tells of silence without saying whose."""
    line = speaks_of_silence(container.last_words)
    if not line or any(asked_services(container)):
        return None
    empty = [one for one in told_of(container) if _is_anothers(one, container) and not one.ready_endpoints]
    return (empty[0], line) if len(empty) == 1 else None


def _is_anothers(service: ServiceView, container: ContainerView) -> bool:
    """Whether other pods back the Service: one that waits for its own has no ready pod because of itself."""
    pod = container.pod
    is_own = service.key.namespace == pod.key.namespace and selects(service.spec.selector, pod.labels)
    return bool(service.spec.selector) and not is_own


@rule("network.refused", version=1, decided_by=("kubeapi", "ebpf"))
def refused(container: ContainerView) -> Iterator[Finding]:
    """Pods that had been ready for a while refuse the container: none of them listens where their Service leads.

    They are ready without a look at that port, or listen on their own loopback only. A refusal from before they were
    ready says nothing of them.
    """
    if not in_trouble(container):
        return
    for service, line in asked_services(container):
        if "refused" in line.lower() and service.ready_backends and not service.astray:
            if _had_been_ready(service, _said_at(container)) and setting_change(container, service.key.name) is None:
                yield _refused_by(container, service, line)
            return


def _said_at(container: ContainerView) -> datetime:
    end = container.last_end
    if end and container.unwell:
        return end.at
    return container.log_tail[-1].timestamp if container.log_tail else container.pod.at


def _had_been_ready(service: ServiceView, at: datetime) -> bool:
    turned = (facts_of(pod).turned_at or pod.timestamp for pod in service.ready_backends)
    return all(at - one >= _SETTLED for one in turned)


def _refused_by(container: ContainerView, service: ServiceView, line: str) -> Finding:
    pod = service.ready_backends[0]
    backend = pod.owner or pod_key(pod)
    missing = _Unreached(service.key.name, None, line, service.key)
    look = (
        f"kubectl -n {service.key.namespace} exec {pod.key.name} -- netstat -ltn   # against the Service's targetPort"
    )
    return Finding(
        code="network.refused",
        blame=backend,
        workload=backend,
        summary=f"the pods behind Service {service.key.name} are ready and refuse container {container.name}",
        confidence=0.7,
        evidence=(
            evidence(pod, f"pod {pod.key.name} was ready", at=facts_of(pod).turned_at, entity=pod_key(pod)),
            *_proof(container, missing, None),
        ),
        attributes=_attributes(container, missing, "") | {"service": named(service.key)},
        ruled_out=(RuledOut(code="runtime.dependency_down", because=f"{len(service.ready_backends)} pods are ready"),),
        next=(look,),
    )


def asked_services(container: ContainerView) -> Iterator[tuple[ServiceView, str]]:
    """The Services that its last words say it did not reach; the name service is network.dns_failed's matter."""
    for address, line in unanswered(container.last_words):
        service = service_at(container, address) if address.port != DNS_PORT else None
        if service and offers(service.spec, address.port):
            yield service, line
    for host, line in unresolved(container.last_words):
        key = service_named(container.pod.moment, host, container.pod.key.namespace)
        service = service_view(container.pod.moment, key) if key else None
        if service and service.spec.cluster_ip == "None":
            yield service, line


def missing_dependency(container: ContainerView) -> _Unreached | None:
    """The newest name that the container's last words call unknown, while no Service bears it."""
    if not in_trouble(container):
        return None
    for host, line in unresolved(container.last_words):
        service = service_key(host, container.pod.key.namespace)
        named = service_named(container.pod.moment, host, container.pod.key.namespace)
        if named is None or container.pod.moment.state(named) is None:
            return _Unreached(host, None, line, service)
    return None


def _named_in(container: ContainerView, value: str) -> str:
    """The field of the container that names the value; empty where none does."""
    spec = container.spec
    for variable in spec.env:
        if has(variable.value, value):
            return container.field(f"env[{variable.name}].value")
    if has("\n".join(spec.args), value):
        return container.field("args")
    return container.field("command") if has("\n".join(spec.command), value) else ""


def _configured_in(container: ContainerView, value: str) -> ObjectKey | None:
    """The ConfigMap that the container reads and that holds the value."""
    pod = container.pod
    for reference in pod.references:
        event = pod.moment.state(reference.key)
        config = event.object if event and reference.container in ("", container.name) else None
        if isinstance(config, k8s.ConfigMap) and any(has(text, value) for text in config.data.values()):
            return reference.key
    return None


# --- Wording ---------------------------------------------------------------------------------------------------------


def _wrong_address(container: ContainerView, missing: _Unreached, change: Change | None) -> Finding:
    workload = container.pod.workload
    field = _named_in(container, missing.host)
    holder = None if field else _configured_in(container, missing.host)
    blame = change.entity if change else workload
    place = field or (f"a value of {named(holder)}" if holder else "")
    sure = 0.94 if change else 0.9 if place else 0.75
    absent = _known_absent(container, missing)
    return Finding(
        code="runtime.dependency_address",
        blame=blame,
        workload=workload,
        change=change,
        summary=f"container {container.name} asks for {missing.host}, which has no address{absent}",
        confidence=sure,
        evidence=_proof(container, missing, change),
        attributes=_attributes(container, missing, field),
        ruled_out=(RuledOut(code="runtime.crash_app", because=f"its last words name {missing.host}"),),
        next=_address_next(container, change, field, missing),
    )


def _known_absent(container: ContainerView, missing: _Unreached) -> str:
    """What is known beyond what the program says: where no Service of the namespace was seen, nothing is."""
    seen = missing.service and any(True for _ in container.pod.moment.ever("Service", missing.service.namespace))
    return ": no such Service exists" if seen else ""


def _service_missing(container: ContainerView, missing: _Unreached, change: Change) -> Finding:
    at = f"{change.at:%H:%M:%S}"
    return Finding(
        code="service.missing",
        blame=change.entity,
        workload=container.pod.workload,
        change=change,
        summary=f"Service {change.entity.name}, which container {container.name} asks for, was deleted at {at}",
        confidence=0.93,
        evidence=_proof(container, missing, change),
        attributes=_attributes(container, missing, _named_in(container, missing.host)),
        ruled_out=(RuledOut(code="runtime.dependency_address", because="a Service of that name was there"),),
        next=(f"create {named(change.entity)} again",),
    )


def _wrong_port(container: ContainerView, missing: _Unreached, spec: k8s.ServiceSpec, change: Change | None) -> Finding:
    has = ", ".join(str(one.port) for one in spec.ports)
    field = _named_in(container, str(missing.port))
    service = missing.service.name if missing.service else missing.host
    return Finding(
        code="runtime.dependency_port",
        blame=change.entity if change else container.pod.workload,
        workload=container.pod.workload,
        change=change,
        summary=f"container {container.name} asks Service {service} for port {missing.port}; it has {has}",
        confidence=0.93 if change else 0.9,
        evidence=_proof(container, missing, change),
        attributes=_attributes(container, missing, field),
        ruled_out=(RuledOut(code="runtime.dependency_address", because=f"Service {service} exists"),),
        next=(undo_or_correct(container.pod.workload, change, field or container.field("env"), f"port {has}"),),
    )


def _proof(container: ContainerView, missing: _Unreached, change: Change | None) -> tuple[Evidence, ...]:
    facts: list[Evidence] = []
    end = container.last_end
    logged = next((one for one in reversed(container.log_tail) if _logs(one.attributes, missing.line)), None)
    if logged is not None:
        facts.append(evidence(logged, f'{container.name} logs "{missing.line[:160]}"'))
    elif end is not None:
        facts.append(evidence(end.event, f'{container.name} ends with "{missing.line[:160]}"', at=end.at))
    return with_change(change, *facts) or (container.pod.fact(missing.line[:160]),)


def _logs(attributes: object, line: str) -> bool:
    return any(line in one for one in getattr(attributes, "lines", ()))


def _attributes(container: ContainerView, missing: _Unreached, field: str) -> dict[str, object]:
    attributes: dict[str, object] = {"container": container.name, "host": missing.host}
    optional = {"port": missing.port, "field": field, "last_line": missing.line}
    return attributes | {name: value for name, value in optional.items() if value}


def _down(container: ContainerView, service: ServiceView, line: str) -> Finding:
    missing = _Unreached(service.key.name, None, line, service.key)
    roots = [one.owner for one in service.backends if one.owner]
    backend = next(iter(roots), service.key) if not service.ready_endpoints else service.key
    return Finding(
        code="runtime.dependency_down",
        blame=backend,
        workload=backend if backend != service.key else container.pod.workload,
        summary=f"container {container.name} needs Service {service.key.name}, and {_lacks(service)}",
        confidence=0.88,
        evidence=(*_proof(container, missing, None), service.fact(_lacks(service))),
        attributes=_attributes(container, missing, "") | {"service": named(service.key)},
        ruled_out=(RuledOut(code="runtime.crash_app", because=f"its last words name {service.key.name}"),),
        through=(service.key,),
        next=(f"kubectl -n {service.key.namespace} describe service {service.key.name}",),
    )


def _lacks(service: ServiceView) -> str:
    return "its port leads to none that its pods serve" if service.ready_endpoints else "nothing ready backs it"


def _address_next(container: ContainerView, change: Change | None, field: str, missing: _Unreached) -> tuple[str, ...]:
    workload = container.pod.workload
    if change is not None and change.entity != workload:
        return (f"restore {change.field} in {named(change.entity)}",)
    if change is not None:
        return (undo_or_correct(workload, change, field or container.field("env")),)
    return (correct(workload, field or container.field("env"), f"a host that exists, not {missing.host}"),)
