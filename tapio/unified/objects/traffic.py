"""Who may talk to whom, and what leads to Services from outside."""

from typing import Any

import msgspec

from tapio.unified.objects.part import LabelSelector, ObjectMeta, Part, Port


class PolicyPort(Part, frozen=True, kw_only=True):
    """A port that a rule allows; without a port any of the protocol."""

    port: Port = 0
    end_port: int = 0
    protocol: str = "TCP"


class IPBlock(Part, frozen=True, kw_only=True):
    cidr: str = ""
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")


class PolicyPeer(Part, frozen=True, kw_only=True):
    """Whom a rule allows; a selector that is there and empty selects all."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class IngressRule(Part, frozen=True, kw_only=True):
    from_: tuple[PolicyPeer, ...] = msgspec.field(default=(), name="from")
    ports: tuple[PolicyPort, ...] = ()


class EgressRule(Part, frozen=True, kw_only=True):
    to: tuple[PolicyPeer, ...] = ()
    ports: tuple[PolicyPort, ...] = ()


class PolicySpec(Part, frozen=True, kw_only=True):
    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] = ("Ingress",)
    ingress: tuple[IngressRule, ...] = ()
    egress: tuple[EgressRule, ...] = ()


class NetworkPolicy(Part, frozen=True, kw_only=True, tag_field="kind", tag="NetworkPolicy"):
    metadata: ObjectMeta = ObjectMeta()
    spec: PolicySpec = PolicySpec()


class BackendPort(Part, frozen=True, kw_only=True):
    name: str = ""
    number: int = 0


class ServiceBackend(Part, frozen=True, kw_only=True):
    name: str = ""
    port: BackendPort = BackendPort()


class IngressBackend(Part, frozen=True, kw_only=True):
    service: ServiceBackend | None = None
    resource: dict[str, Any] | None = None


class HTTPPath(Part, frozen=True, kw_only=True):
    path: str = ""
    backend: IngressBackend = IngressBackend()


class HTTPPaths(Part, frozen=True, kw_only=True):
    paths: tuple[HTTPPath, ...] = ()


class HostRule(Part, frozen=True, kw_only=True):
    host: str = ""
    http: HTTPPaths | None = None


class IngressTLS(Part, frozen=True, kw_only=True):
    secret_name: str = ""


class IngressSpec(Part, frozen=True, kw_only=True):
    ingress_class_name: str = ""
    default_backend: IngressBackend | None = None
    rules: tuple[HostRule, ...] = ()
    tls: tuple[IngressTLS, ...] = ()


class Ingress(Part, frozen=True, kw_only=True, tag_field="kind", tag="Ingress"):
    metadata: ObjectMeta = ObjectMeta()
    spec: IngressSpec = IngressSpec()
