"""A Service with what backs it."""

from datetime import datetime
from functools import cached_property

from tapio.correlators.views.view import View
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s


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
    def pods(self) -> list[UnifiedEvent]:
        """The facts of every live pod in the namespace."""
        facts = self.moment.all("PodFacts", self.key.namespace)
        return [event for event in facts if isinstance(event.object, k8s.PodFacts)]

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
