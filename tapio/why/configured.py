"""Which Services a pod's ConfigMaps name, as of a moment: read when somebody asks, for many pods share what changes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from tapio.graph import GraphReader
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s
from tapio.unified.addresses import services_named
from tapio.unified.references import EVERY_ITEM, references
from tapio.why.quiet import newest_events
from tapio.why.scope import Subject, entity_of

# What every pod's account or mesh brings along holds the certificates that it trusts, and no settings.
TRUSTED = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"})


def services_configured(graph: GraphReader, pod: ObjectKey, at: datetime) -> set[ObjectKey]:
    """The Services that those items of ConfigMaps name that the pod reads."""
    found = _object(graph, pod, at)
    read = _config_maps(found.spec, pod.namespace) if isinstance(found, k8s.Pod) else {}
    return services_named(_settings(graph, read, at), pod.namespace)


def _config_maps(spec: k8s.PodSpec, namespace: str) -> Mapping[ObjectKey, set[str]]:
    """Which items of which ConfigMaps the pod reads."""
    read: defaultdict[ObjectKey, set[str]] = defaultdict(set)
    for one in references(spec, namespace):
        if one.key.kind == "ConfigMap" and one.key.name not in TRUSTED:
            read[one.key].add(one.item)
    return read


def _settings(graph: GraphReader, read: Mapping[ObjectKey, set[str]], at: datetime) -> Iterator[tuple[str, str]]:
    for key, items in read.items():
        found = _object(graph, key, at)
        data = found.data if isinstance(found, k8s.ConfigMap) else {}
        yield from ((name, text) for name, text in data.items() if name in items or EVERY_ITEM in items)


def _object(graph: GraphReader, key: ObjectKey, at: datetime) -> object:
    """The newest state of what lives under the name; None where none is known."""
    entity = entity_of(graph, Subject(key), at)
    if entity is None or not entity.lives_at(at):
        return None
    return next((event.object for event in newest_events(graph, key, at) if event.object), None)
