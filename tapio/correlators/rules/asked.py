"""What a container that is in trouble asks for: Services, by name or by address, and who told it to."""

import re

from tapio.correlators.rules.dependency_text import Address
from tapio.correlators.temporal import reference_changes, rollout_changes
from tapio.correlators.views import ContainerView, ServiceView
from tapio.correlators.world import Moment
from tapio.graph import Change
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_SERVICE_NAME = 2  # labels of name.namespace
_IN_CLUSTER = ("svc",)
DNS_PORT = 53
_SYSTEM = ("default", "kube-system")


def in_trouble(container: ContainerView) -> bool:
    """Whether its words speak of what keeps it (or the pod that it initialises) from working now."""
    if container.last_end and container.unwell:
        return container.last_end.reason != "OOMKilled"
    return bool(container.running_since) and not container.status.ready and not container.pod.ready


def service_key(host: str, namespace: str) -> ObjectKey | None:
    """The Service that a name means in the cluster: `db`, `db.shop`, `db.shop.svc.cluster.local`."""
    name, *rest = host.lower().split(".")
    if not rest:
        return ObjectKey("Service", namespace, name)
    if len(rest) + 1 == _SERVICE_NAME or rest[1] in _IN_CLUSTER:
        return ObjectKey("Service", rest[0] if rest[0] not in _IN_CLUSTER else namespace, name)
    return None


def service_at(container: ContainerView, address: Address) -> ServiceView | None:
    """The Service that an address means: by its name, or by its cluster IP, in its own or the system's namespaces.

    A look through every namespace would make each verdict depend on all of them.
    """
    moment, own = container.pod.moment, container.pod.key.namespace
    if not address.host.replace(".", "").isdigit():
        key = service_key(address.host, own)
        return service_view(moment, key) if key else None
    for namespace in dict.fromkeys([own, *_SYSTEM]):
        for event in moment.all("Service", namespace):
            if _has_address(event, address.host):
                return service_view(moment, event.key)
    return None


def _has_address(event: UnifiedEvent, address: str) -> bool:
    return isinstance(event.object, k8s.Service) and event.object.spec.cluster_ip == address


def service_view(moment: Moment, key: ObjectKey) -> ServiceView | None:
    """The Service of that name, where it is known."""
    event, history = moment.state(key), moment.history(key)
    return ServiceView(moment, event, history) if event and history and isinstance(event.object, k8s.Service) else None


def offers(spec: k8s.ServiceSpec, port: int) -> bool:
    """Whether the Service has the port (0 for one that is not known); one without an address of its own leads straight
    to the pods' ports.
    """
    if not port or spec.cluster_ip == "None" or spec.type == "ExternalName":
        return True
    return any(one.port == port for one in spec.ports)


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


def has(text: str, value: str) -> bool:
    """Whether a text holds a value as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text) is not None
