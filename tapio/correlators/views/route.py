"""An Ingress with the Services that it leads to."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from tapio.correlators.views.view import View
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s


class StrayBackend(NamedTuple):
    """A backend that leads nowhere: from which host and path, to which Service, and what that lacks."""

    where: str
    service: ObjectKey
    port: k8s.Port
    exists: bool


class RouteView(View):
    """An Ingress."""

    @property
    def ingress(self) -> k8s.Ingress:
        assert isinstance(self.event.object, k8s.Ingress)  # noqa: S101  built for routes alone
        return self.event.object

    @cached_property
    def backends(self) -> list[tuple[str, k8s.ServiceBackend]]:
        """Host and path, and the Service behind them; what is no Service is not looked at."""
        return list(self._backends())

    def _backends(self) -> Iterator[tuple[str, k8s.ServiceBackend]]:
        spec = self.ingress.spec
        if spec.default_backend and spec.default_backend.service:
            yield "*", spec.default_backend.service
        for rule in spec.rules:
            for path in rule.http.paths if rule.http else ():
                if path.backend.service:
                    yield f"{rule.host or '*'}{path.path or '/'}", path.backend.service

    @property
    def services(self) -> list[ObjectKey]:
        return [ObjectKey("Service", self.key.namespace, one.name) for _, one in self.backends]

    @cached_property
    def astray(self) -> list[StrayBackend]:
        """The backends whose Service, or whose port of it, is not there; none where no Service was ever known."""
        if not any(any(True for _ in self.moment.ever("Service", one)) for one in (self.key.namespace, "default")):
            return []
        found = (self._looked_up(where, backend) for where, backend in self.backends)
        return [one for one in found if one]

    def _looked_up(self, where: str, backend: k8s.ServiceBackend) -> StrayBackend | None:
        key = ObjectKey("Service", self.key.namespace, backend.name)
        port: k8s.Port = backend.port.name or backend.port.number
        event = self.moment.state(key)
        if event is None or not isinstance(event.object, k8s.Service):
            return StrayBackend(where, key, port, exists=False)
        known = {number for one in event.object.spec.ports for number in (one.port, one.name)}
        named = event.object.spec.type != "ExternalName"
        return StrayBackend(where, key, port, exists=True) if named and port and port not in known else None
