"""The cluster's name service, and names that it gives no answer for."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tapio.correlators.rules.clues.asked import DNS_PORT, in_trouble
from tapio.correlators.rules.clues.dependency_text import unresolved, unserved
from tapio.correlators.rules.clues.names import service_key, service_view
from tapio.correlators.rules.controllers import owner_of_facts
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct, named, target
from tapio.correlators.temporal import in_time
from tapio.correlators.views import ContainerView, PodView, ServiceView, with_change, workload_facts_of
from tapio.correlators.world import Moment
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

# Where distributions of Kubernetes put it: kubeadm and most others, OpenShift.
_HOMES = ("kube-system", "openshift-dns")
_CONFIGS = ("coredns", "coredns-custom", "kube-dns", "node-local-dns", "rke2-coredns-rke2-coredns")
_COMPONENT = ObjectKey("Component", "", "cluster-dns")
_OWN_RESOLVER = ("Default", "None")


def cluster_dns(moment: Moment) -> ServiceView | None:
    """The Service that pods ask for names: in the system's namespace, on port 53."""
    for namespace in _HOMES:
        for event in moment.all("Service", namespace):
            if isinstance(event.object, k8s.Service) and any(one.port == DNS_PORT for one in event.object.spec.ports):
                return service_view(moment, event.key)
    return None


class _Culprit(NamedTuple):
    """Who is to blame that names have no answer, by which change, how sure that is, and what shows it."""

    blame: ObjectKey
    why: str
    confidence: float
    change: Change | None = None
    proof: tuple[Evidence, ...] = ()
    next: str = ""


@rule("network.dns_failed", version=1, decided_by=("kubeapi", "ebpf", "systemd"))
def dns_failed(container: ContainerView) -> Iterator[Finding]:
    """No name server answers the container, or one says that a Service which exists does not.

    The pod's own resolver settings first, then the cluster's name service: its pods, and its configuration.
    """
    told = _untold_name(container) if in_trouble(container) else None
    if told is None:
        return
    host, line, is_denied = told
    is_last = container.last_words.rstrip().endswith(line)
    culprit = _of_the_pod(container.pod, host) or _of_the_service(container.pod, may_doubt=is_last and not is_denied)
    if culprit is None:
        return
    said = container.pod.fact(f'{container.name} says: "{line[:160]}"')
    yield Finding(
        code="network.dns_failed",
        blame=culprit.blame,
        workload=container.pod.workload,
        change=culprit.change,
        summary=f"container {container.name} gets no answer for {host or 'names'}: {culprit.why}",
        confidence=culprit.confidence,
        evidence=with_change(culprit.change, *culprit.proof, said),
        attributes={"container": container.name, "host": host, "last_line": line},
        ruled_out=(RuledOut(code="runtime.crash_app", because="its last words speak of name resolution"),),
        next=(culprit.next,),
    )


def _untold_name(container: ContainerView) -> tuple[str, str, bool] | None:
    """A name without an answer and the line that says so; whether it is denied although its Service exists."""
    for host, line in unserved(container.last_words):
        return host, line, False
    for host, line in unresolved(container.last_words):
        key = service_key(host, container.pod.key.namespace)
        service = service_view(container.pod.moment, key) if key else None
        if service and _has_an_address(service) and _was_there(container, service):
            return host, line, True
    return None


def _has_an_address(service: ServiceView) -> bool:
    """Whether its name stands for an address of its own, not for those of its pods or for another name."""
    return service.spec.cluster_ip != "None" and service.spec.type != "ExternalName"


def _was_there(container: ContainerView, service: ServiceView) -> bool:
    end = container.last_end
    asked_at = end.at if end and container.unwell else container.pod.at
    return service.created_at < asked_at


def _of_the_pod(pod: PodView, host: str) -> _Culprit | None:
    """A pod that asks its node's name servers (or its own) learns of no Service."""
    policy = pod.spec.dns_policy
    key = service_key(host, pod.key.namespace) if host else None
    if policy not in _OWN_RESOLVER or key is None or pod.moment.state(key) is None:
        return None
    change = next((one for one in pod.workload_changes if "dns" in one.field), None)
    field = "spec.template.spec.dnsPolicy"
    return _Culprit(
        pod.workload,
        f"its dnsPolicy is {policy}, so the cluster's name service is not asked",
        0.9,
        change,
        (pod.fact(f"dnsPolicy is {policy}"),),
        correct(pod.workload, field, "ClusterFirst"),
    )


def _of_the_service(pod: PodView, *, may_doubt: bool) -> _Culprit | None:
    """The name service by what is known of it; one that seems well is doubted only for a program's very last words."""
    dns = cluster_dns(pod.moment)
    configured = _reconfigured(pod)
    if dns and not dns.ready_endpoints:
        return _down(dns, configured)
    if configured:
        return _Culprit(
            configured.entity,
            "the name service was configured anew just before",
            0.85,
            configured,
            next=f"restore {configured.field} in {named(configured.entity)}",
        )
    if not may_doubt:
        return None
    owner = _owner(dns) if dns else None
    look = f"kubectl -n {owner.namespace} logs {target(owner)}" if owner else "kubectl -n kube-system get pods"
    return _Culprit(owner or _COMPONENT, "the name service does not answer, though it is there", 0.6, next=look)


def _down(dns: ServiceView, configured: Change | None) -> _Culprit:
    owner = _owner(dns) or dns.key
    change = _scaled_to_zero(dns) or configured
    zero = dns.fact(f"Service {dns.key.name}: no endpoint is ready")
    blame = configured.entity if configured and change is configured else owner
    why = "nothing that is ready backs the cluster's name service"
    back = f"kubectl -n {owner.namespace} rollout status {target(owner)}"
    if change and isinstance(change.before, int) and change.before:
        back = f"kubectl -n {owner.namespace} scale {target(owner)} --replicas={change.before}"
    return _Culprit(blame, why, 0.93, change, (zero,), back)


def _owner(dns: ServiceView) -> ObjectKey | None:
    found = [owner_of_facts(facts) for facts in dns.workloads]
    roots = [one.owner for one in dns.backends if one.owner]
    return next(iter([*found, *roots]), None)


def _scaled_to_zero(dns: ServiceView) -> Change | None:
    for facts in dns.workloads:
        if workload_facts_of(facts).replicas == 0:
            changes = [one for one in dns.changes_of(facts.key) if one.field == "spec.replicas" and one.after == 0]
            return next((_of(owner_of_facts(facts), one) for one in changes), None)
    return None


def _of(owner: ObjectKey, change: Change) -> Change:
    """The change of a fact as that of the workload it is about."""
    return msgspec.structs.replace(change, entity=owner)


def _reconfigured(pod: PodView) -> Change | None:
    """The newest change of the name service's configuration that came shortly before the trouble."""
    onset = pod.onset or pod.at
    keys = [ObjectKey("ConfigMap", home, name) for home in _HOMES for name in _CONFIGS]
    changes = (change for key in keys for change in pod.changes_of(key) if change.field.startswith("data"))
    return max((one for one in changes if in_time(one, onset)), key=lambda change: change.at, default=None)
