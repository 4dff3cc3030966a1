"""A Service with what backs it."""

from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from tapio.correlators.views.view import View
from tapio.graph import Change
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s


class StrayPort(NamedTuple):
    """A port of a Service that leads nowhere, and where to; `other_protocol`: there, but by another protocol."""

    port: k8s.ServicePort
    target: k8s.Port
    other_protocol: bool


class ServiceView(View):
    """A Service with what backs it."""

    @property
    def spec(self) -> k8s.ServiceSpec:
        assert isinstance(self.event.object, k8s.Service)  # noqa: S101  built for services alone
        return self.event.object.spec

    @property
    def created_at(self) -> datetime:
        assert isinstance(self.event.object, k8s.Service)  # noqa: S101  built for services alone
        return self.event.object.metadata.creation_timestamp or self.event.timestamp

    @cached_property
    def backends(self) -> list[UnifiedEvent]:
        """The facts of the pods it selects."""
        facts = self.moment.labelled("PodFacts", self.key.namespace, self.spec.selector)
        return [event for event in facts if isinstance(event.object, k8s.PodFacts)]

    @cached_property
    def slices(self) -> list[UnifiedEvent]:
        """Its EndpointSlices."""
        owner = {"kubernetes.io/service-name": self.key.name}
        return self.moment.labelled("EndpointSlice", self.key.namespace, owner)

    @property
    def ready_endpoints(self) -> int:
        """Addresses that take traffic: by its slices where there are any, else by its pods."""
        if self.slices:
            return sum(_ready_addresses(event) for event in self.slices)
        return sum(1 for pod in self.backends if facts_of(pod).ready)

    @property
    def ready_in_words(self) -> str:
        return "1 endpoint is ready" if self.ready_endpoints == 1 else f"{self.ready_endpoints} endpoints are ready"

    @cached_property
    def workloads(self) -> list[UnifiedEvent]:
        """The facts of the workloads whose pods it would select, whether there are any pods or not."""
        return self.moment.labelled("WorkloadFacts", self.key.namespace, self.spec.selector)

    @cached_property
    def ready_backends(self) -> list[UnifiedEvent]:
        return [pod for pod in self.backends if facts_of(pod).ready and not facts_of(pod).deleting]

    @cached_property
    def astray(self) -> list[StrayPort]:
        """Its ports that lead nowhere in any ready backend; a headless Service leads to none by itself."""
        if self.spec.cluster_ip == "None" or not self.ready_backends:
            return []
        return [one for port in self.spec.ports if (one := self._astray(port))]

    def _astray(self, port: k8s.ServicePort) -> StrayPort | None:
        target = target_of(port)
        found = [_where(target, port.protocol, facts_of(pod)) for pod in self.ready_backends]
        if all(where in (_NOWHERE, _OTHER_PROTOCOL) for where in found):
            return StrayPort(port, target, other_protocol=_OTHER_PROTOCOL in found)
        moved = self._moved_away(target)
        return StrayPort(port, target, other_protocol=False) if moved and _THERE not in found else None

    def _moved_away(self, target: k8s.Port) -> bool:
        """Whether the target was changed from a port that the backends are known to serve to one that none is."""
        before = {_target_in(change.before) for change in self.target_changes if _target_in(change.after) == target}
        known = [_known(facts_of(pod)) for pod in self.ready_backends]
        return any(not before.isdisjoint(ports) for ports in known) and not any(target in ports for ports in known)

    @cached_property
    def intruders(self) -> list[UnifiedEvent]:
        """Ready backends that serve none of its ports, of other workloads than those that do.

        A port that is asked for by name leads to no pod without it, so only numbers count.
        """
        ports = [one for one in self.spec.ports if isinstance(target_of(one), int)]
        if self.spec.cluster_ip == "None" or not ports:
            return []
        serving = {pod.root for pod in self.ready_backends if _THERE in _served(ports, pod)}
        return [
            pod
            for pod in self.ready_backends
            if serving and pod.root not in serving and _served(ports, pod) == {_NOWHERE}
        ]

    @cached_property
    def target_changes(self) -> list[Change]:
        """Changes of its ports, newest first."""
        return [change for change in self.changes_of(self.key) if change.field.startswith("spec.ports")]


def target_of(port: k8s.ServicePort) -> k8s.Port:
    """The port that traffic is sent to: as the API server does where none is given, the Service's own."""
    return port.target_port or port.port


_THERE, _NOWHERE, _OTHER_PROTOCOL, _UNSAID = "there", "nowhere", "other protocol", "unsaid"


def _where(target: k8s.Port, protocol: str, pod: k8s.PodFacts) -> str:
    """Whether a pod serves the target, by what it declares. A name is found by declaration alone (pkg/api/v1/pod
    FindPort); a number may be served undeclared, so only pods that declare all their ports say that it is not.
    """
    same = [one for one in pod.ports if target in (one.container_port, one.name)]
    if any(one.protocol == protocol for one in same):
        return _THERE
    if same:
        return _OTHER_PROTOCOL
    if isinstance(target, str):
        return _NOWHERE
    return _UNSAID if pod.undeclared or target in pod.probed else _NOWHERE


def _served(ports: list[k8s.ServicePort], pod: UnifiedEvent) -> set[str]:
    return {_where(target_of(port), port.protocol, facts_of(pod)) for port in ports}


def _known(pod: k8s.PodFacts) -> set[k8s.Port]:
    """The ports that the pod says it serves, by number and by name."""
    return {*(one.container_port for one in pod.ports), *(one.name for one in pod.ports if one.name), *pod.probed}


def _target_in(value: object) -> k8s.Port:
    """The target that a changed value holds: the value itself, or that of a whole port."""
    target = value.get("targetPort") if isinstance(value, dict) else value
    return target if isinstance(target, int | str) else ""


def workload_facts_of(event: UnifiedEvent) -> k8s.WorkloadFacts:
    assert isinstance(event.object, k8s.WorkloadFacts)  # noqa: S101  callers chose such events
    return event.object


def pod_key(facts: UnifiedEvent) -> ObjectKey:
    """The pod that facts are about."""
    return ObjectKey("Pod", facts.key.namespace, facts.key.name)


def facts_of(event: UnifiedEvent) -> k8s.PodFacts:
    assert isinstance(event.object, k8s.PodFacts)  # noqa: S101  callers chose such events
    return event.object


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether an equality selector matches; an empty selector selects nothing (a Service's does not)."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _ready_addresses(event: UnifiedEvent) -> int:
    if not isinstance(event.object, k8s.EndpointSlice):
        return 0
    return sum(1 for endpoint in event.object.endpoints if endpoint.conditions.ready is not False)
