"""What a container that is in trouble asks for: Services, by name or by address, and who told it to."""

from tapio.correlators.rules.clues.dependency_text import Address
from tapio.correlators.rules.clues.names import has, is_ip, service_named, service_view
from tapio.correlators.rules.clues.told import told_of
from tapio.correlators.temporal import reference_changes, rollout_changes
from tapio.correlators.views import ContainerView, ServiceView, facts_of
from tapio.graph import Change
from tapio.unified import UnifiedEvent
from tapio.unified import objects as k8s

DNS_PORT = 53
_SYSTEM = ("default", "kube-system")


def in_trouble(container: ContainerView) -> bool:
    """Whether its words speak of what keeps it (or the pod that it initialises) from working now."""
    if container.last_end and container.unwell:
        return container.last_end.reason != "OOMKilled"
    return bool(container.running_since) and not container.status.ready and not container.pod.ready


def service_at(container: ContainerView, address: Address) -> ServiceView | None:
    """The Service that an address means: by its name, by its cluster IP, or by the address of a pod behind it.

    Looked through are its own and the system's namespaces, and what its settings name: a look through every namespace
    would make each verdict depend on all of them.
    """
    moment, own = container.pod.moment, container.pod.key.namespace
    if not is_ip(address.host):
        key = service_named(moment, address.host, own)
        return service_view(moment, key) if key else None
    for namespace in dict.fromkeys([own, *_SYSTEM]):
        for event in moment.all("Service", namespace):
            if _has_address(event, address.host):
                return service_view(moment, event.key)
    return next((one for one in told_of(container) if _leads_to(one, address.host)), None)


def _leads_to(service: ServiceView, address: str) -> bool:
    return service.spec.cluster_ip == address or any(facts_of(pod).pod_ip == address for pod in service.backends)


def _has_address(event: UnifiedEvent, address: str) -> bool:
    return isinstance(event.object, k8s.Service) and event.object.spec.cluster_ip == address


def setting_change(container: ContainerView, value: str) -> Change | None:
    """The change that brought the value in: of the template, or of a ConfigMap or Secret that the container reads."""
    pod = container.pod
    end = container.last_end
    onset = pod.onset or (end.at if end else pod.at)
    first = container.first_end(onset)
    read = reference_changes(container, onset, first.started_at if first else container.running_since)
    return next((one for one in (*rollout_changes(container, onset), *read) if _brings(one, value)), None)


def _brings(change: Change, value: str) -> bool:
    return has(str(change.after), value) and not has(str(change.before), value)
