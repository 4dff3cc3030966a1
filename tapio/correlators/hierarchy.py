"""Who owns, runs on, reads, selects and is to call whom: the edges that one entity's state draws."""

from collections.abc import Iterator

from tapio.correlators.views import PodView, RouteView, ServiceView, View, pod_key
from tapio.graph.records import EdgeType
from tapio.unified import ObjectKey
from tapio.unified.addresses import services_named, spelled_out

EdgeName = tuple[EdgeType, ObjectKey, ObjectKey]
_CLUSTER_WIDE = frozenset({"Node", "Namespace", "PersistentVolume"})


def edges(view: View, before: tuple[EdgeName, ...]) -> tuple[EdgeName, ...]:
    """Every edge that the entity's state draws at this moment, each once, in one order.

    `before` are those of the verdict before: a pod draws the same as long as its spec is the same, which it mostly is.
    """
    if before and isinstance(view, PodView) and view.unmoved:
        return before
    name_of = view.moment.name_of
    return tuple((type_, name_of(source), name_of(target)) for type_, source, target in sorted(set(_edges(view))))


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
    for service in services_named(spelled_out(pod.spec), pod.key.namespace):
        yield EdgeType.TALKS_TO, pod.key, service
    if pod.spec.service_account_name:
        yield EdgeType.USES, pod.key, ObjectKey("ServiceAccount", pod.key.namespace, pod.spec.service_account_name)
