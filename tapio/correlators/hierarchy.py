"""Who owns, runs on, reads, selects and is to call whom: the edges that one entity's state draws."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from tapio.correlators.views import PodView, RouteView, ServiceView, View, callees, pod_key
from tapio.correlators.world import Watched
from tapio.graph.records import EdgeType
from tapio.unified import ObjectKey

EdgeName = tuple[EdgeType, ObjectKey, ObjectKey]
_CLUSTER_WIDE = frozenset({"Node", "Namespace", "PersistentVolume"})


def edges(view: View) -> tuple[EdgeName, ...]:
    """Every edge that the entity's state draws at this moment, each once, in one order."""
    name_of = view.moment.name_of
    return tuple((type_, name_of(source), name_of(target)) for type_, source, target in sorted(set(_edges(view))))


def draws_the_same(view: View, seen: Iterable[Watched], since: datetime) -> bool:
    """Whether the entity's edges are surely those of the verdict of `since`, for which `seen` was looked at.

    So it is with a pod as long as its spec and the ConfigMaps with its settings are the same, which they mostly are.
    """
    if not isinstance(view, PodView) or not view.unmoved:
        return False
    settings = [one for one in seen if one.kind == "ConfigMap" and isinstance(one, ObjectKey)]
    return all(view.moment.stands_since(since, key) for key in settings)


def _edges(view: View) -> Iterator[EdgeName]:
    for owner in view.event.k8s_context.owner_references:
        namespace = "" if owner.kind in _CLUSTER_WIDE else view.key.namespace
        yield EdgeType.OWNS, ObjectKey(owner.kind, namespace, owner.name), view.key
    if isinstance(view, PodView):
        yield from _of_pod(view)
    elif isinstance(view, ServiceView):
        for pod in view.backends:
            yield EdgeType.SELECTS, view.key, pod_key(pod)
    elif isinstance(view, RouteView):
        for service in view.services:
            yield EdgeType.ROUTES_TO, view.key, service


def _of_pod(pod: PodView) -> Iterator[EdgeName]:
    if pod.spec.node_name:
        yield EdgeType.RUNS_ON, pod.key, ObjectKey("Node", "", pod.spec.node_name)
    for reference in pod.references:
        yield EdgeType.MOUNTS if reference.how == "volume" else EdgeType.USES, pod.key, reference.key
    for volume in pod.spec.volumes:
        if volume.persistent_volume_claim:
            claim = volume.persistent_volume_claim.claim_name
            yield EdgeType.MOUNTS, pod.key, ObjectKey("PersistentVolumeClaim", pod.key.namespace, claim)
    for service in callees(pod):
        yield EdgeType.TALKS_TO, pod.key, service
    if pod.spec.service_account_name:
        yield EdgeType.USES, pod.key, ObjectKey("ServiceAccount", pod.key.namespace, pod.spec.service_account_name)
