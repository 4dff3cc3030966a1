"""NetworkPolicies that keep a container from what it asks for: packets are dropped, so nobody answers."""

from collections.abc import Iterator
from typing import NamedTuple

from tapio.correlators.rules.clues.absent import creation_of
from tapio.correlators.rules.clues.allowed import OUTSIDE, Door, Side, blocking
from tapio.correlators.rules.clues.asked import DNS_PORT, in_trouble, service_at
from tapio.correlators.rules.clues.dependency_text import Address, is_silence, speaks_of_silence, unanswered, unserved
from tapio.correlators.rules.clues.names import is_ip, offers
from tapio.correlators.rules.clues.told import told_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.nameservice import cluster_dns
from tapio.correlators.seconds import came_before
from tapio.correlators.temporal import in_time
from tapio.correlators.views import ContainerView, ServiceView, evidence, facts_of, with_change
from tapio.graph import Change, RuledOut
from tapio.unified import UnifiedEvent


class _Silence(NamedTuple):
    """What the container asked and got no answer from: the far side, its door, and the line that says so."""

    what: str
    side: Side
    door: Door
    line: str


@rule("network.policy_denied", version=1, decided_by=("kubeapi", "ebpf"))
def policy_denied(container: ContainerView) -> Iterator[Finding]:
    """What the container asks for is there, no answer comes, and a NetworkPolicy does not let the two talk.

    The policies are read as Kubernetes reads them. One that came after the trouble had begun is not its cause.
    """
    if not in_trouble(container):
        return
    pod = container.pod
    client = Side(pod.key.namespace, pod.labels, pod.status.pod_ip)
    for silence in _silences(container):
        policies = blocking(pod.moment, client, silence.side, silence.door)
        found = next(((one, change) for one in policies if (change := _in_time(container, one)) is not _LATE), None)
        if found:
            yield _denied(container, silence, *found)
            return


def _silences(container: ContainerView) -> Iterator[_Silence]:
    moment = container.pod.moment
    for address, line in unanswered(container.last_words):
        if not address.port:
            continue  # what policies allow, they allow by port
        service = service_at(container, address) if is_silence(line) else None
        if service and service.ready_endpoints and offers(service.spec, address.port):
            yield from _behind(service, address, line)
        elif service is None and is_silence(line) and is_ip(address.host):
            yield _Silence(f"{address.host}:{address.port}", _outside(address), Door(address.port), line)
    line = speaks_of_silence(container.last_words)
    for service in told_of(container) if line and is_silence(line) else ():
        for port in service.spec.ports if service.ready_endpoints else ():
            yield from _behind(service, Address(service.key.name, port.port), line)
    dns = cluster_dns(moment)
    for host, line in unserved(container.last_words):
        if dns and dns.ready_endpoints:
            what = f"the name server, for {host}" if host else "the name server"
            yield from (_Silence(what, side, Door(DNS_PORT, frozenset({"dns"}), "UDP"), line) for side in _sides(dns))


def _outside(address: Address) -> Side:
    return OUTSIDE._replace(address=address.host)


def _behind(service: ServiceView, address: Address, line: str) -> Iterator[_Silence]:
    """The pods behind a Service: their port is what policies speak of, not the Service's."""
    target = next((one.target_port or one.port for one in service.spec.ports if one.port == address.port), address.port)
    for backend, side in zip(service.ready_backends, _sides(service), strict=True):
        ports = facts_of(backend).ports
        number = next((one.container_port for one in ports if target in (one.name, one.container_port)), target)
        names = frozenset(one.name for one in ports if one.container_port == number and one.name)
        if isinstance(number, int):
            yield _Silence(f"Service {service.key.name}", side, Door(number, names), line)


def _sides(service: ServiceView) -> list[Side]:
    return [Side(one.key.namespace, one.k8s_context.labels, facts_of(one).pod_ip) for one in service.ready_backends]


_LATE = "late"


def _in_time(container: ContainerView, policy: UnifiedEvent) -> Change | str | None:
    """The change that made the policy what it is, None where that is long ago; `_LATE` where the trouble is older."""
    pod = container.pod
    onset = pod.onset or pod.at
    changes = [one for one in pod.changes_of(policy.key) if one.field.startswith("spec")]
    change = next(iter(changes), None) or creation_of(pod, policy)
    if change and not came_before(change.at, onset):
        return _LATE
    return change if change and in_time(change, onset) else None


def _denied(container: ContainerView, silence: _Silence, policy: UnifiedEvent, change: Change | str | None) -> Finding:
    change = change if isinstance(change, Change) else None
    said = container.pod.fact(f'{container.name} says: "{silence.line[:160]}"')
    key, door = policy.key, silence.door
    edit = f"kubectl -n {key.namespace} edit networkpolicy {key.name}   # allow {door.protocol} port {door.number}"
    return Finding(
        code="network.policy_denied",
        blame=key,
        workload=container.pod.workload,
        change=change,
        summary=f"NetworkPolicy {key.name} does not let container {container.name} reach {silence.what}",
        confidence=0.92 if change else 0.85,
        evidence=with_change(
            change,
            evidence(policy, f"NetworkPolicy {key.name} selects one side and allows no such traffic"),
            said,
        ),
        attributes={"container": container.name, "to": silence.what, "port": door.number},
        ruled_out=(
            RuledOut(code="runtime.dependency_down", because="it says that no answer came, not that it was refused"),
        )
        if silence.side.namespace == ""
        else (RuledOut(code="runtime.dependency_down", because=f"{silence.what} is there"),),
        next=(edit,),
    )
