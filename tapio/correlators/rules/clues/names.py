"""What a host's name means in the cluster: a Service, or one of its pods."""

import re

from tapio.correlators.views import ServiceView
from tapio.correlators.world import Moment
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_SERVICE_NAME = 2  # labels of name.namespace
_IN_CLUSTER = ("svc",)


def service_key(host: str, namespace: str) -> ObjectKey | None:
    """The Service that a name means in the cluster: `db`, `db.shop`, `db.shop.svc.cluster.local`, and
    `db-0.db.shop.svc`, which is a pod's name below its Service's.
    """
    name, *rest = host.lower().split(".")
    if not rest:
        return ObjectKey("Service", namespace, name)
    if len(rest) + 1 == _SERVICE_NAME or rest[1] in _IN_CLUSTER:
        return ObjectKey("Service", rest[0] if rest[0] not in _IN_CLUSTER else namespace, name)
    return ObjectKey("Service", rest[1], rest[0]) if rest[2:3] == ["svc"] else None


def pod_named(moment: Moment, host: str, namespace: str) -> tuple[ObjectKey, ServiceView] | None:
    """The pod that a name means below that of its Service without an address, `db-0.db`, and that Service."""
    name, *rest = host.lower().split(".")
    place = rest[1] if len(rest) > 1 and rest[1] not in _IN_CLUSTER else namespace
    governing = service_view(moment, ObjectKey("Service", place, rest[0])) if rest else None
    if governing is None or governing.spec.cluster_ip != "None":
        return None
    return ObjectKey("Pod", place, name), governing


def service_named(moment: Moment, host: str, namespace: str) -> ObjectKey | None:
    """The key of the Service that a name means, be it directly or by one of its pods; None for the world outside."""
    key = service_key(host, namespace)
    named = service_view(moment, key) if key else None
    if named:
        return _behind_alias(moment, named) or key
    below = pod_named(moment, host, namespace)
    return below[1].key if below else key


def _behind_alias(moment: Moment, service: ServiceView) -> ObjectKey | None:
    """The Service that one of type ExternalName is another name of."""
    key = service_key(service.spec.external_name, service.key.namespace) if service.spec.external_name else None
    return key if key and moment.state(key) is not None else None


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


def is_ip(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def has(text: str, value: str) -> bool:
    """Whether a text holds a value as a word of its own."""
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text) is not None
