"""Which Services a container's own settings name: its environment, arguments, command, and the ConfigMaps it reads."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.clues.names import service_named, service_view
from tapio.correlators.views import ContainerView, ServiceView
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_WORD = re.compile(r"[\w-]+")  # what a Service's name is, or is not: it has no dots
# A name with a namespace behind it: what is asked for elsewhere is always written so.
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_QUALIFIED = re.compile(rf"(?<![\w.-]){_LABEL}(?:\.{_LABEL}){{1,5}}(?![\w-])")


def told_of(container: ContainerView) -> list[ServiceView]:
    """The Services that its settings name, those of its own namespace first."""
    moment, namespace = container.pod.moment, container.pod.key.namespace
    texts = list(_settings(container))
    words = {word for text in texts for word in _WORD.findall(text)}
    near = [one.key for one in moment.all("Service", namespace) if one.key.name in words]
    views = (service_view(moment, key) for key in dict.fromkeys([*near, *_elsewhere(container, texts)]))
    return [view for view in views if view]


def _elsewhere(container: ContainerView, texts: list[str]) -> Iterator[ObjectKey]:
    """The Services that are named with their namespace, where there are such."""
    for host in dict.fromkeys(host for text in texts for host in _QUALIFIED.findall(text)):
        key = service_named(container.pod.moment, host, container.pod.key.namespace)
        if key:
            yield key


def _settings(container: ContainerView) -> Iterator[str]:
    spec = container.spec
    yield from (variable.value for variable in spec.env)
    yield from (*spec.args, *spec.command)
    for reference in container.pod.references:
        event = container.pod.moment.state(reference.key) if reference.container in ("", container.name) else None
        if event and isinstance(event.object, k8s.ConfigMap):
            yield from event.object.data.values()
