"""Reading unified events so that equal parts are one object in memory.

Most versions of an object repeat the one before: the same context, often the same state. A part whose bytes were read
before is not read again, and what is equal is identical, so comparing two versions costs next to nothing. The parts of
a pod that its replicas and its template have too (containers, volumes ...) are shared among them.
"""

from sys import intern
from typing import Any, Final, Union

import msgspec
from msgspec.structs import force_setattr

from tapio.errors import BadEventError
from tapio.unified import objects as k8s
from tapio.unified.event import EntityName, K8sContext, OwnerReference, TraceContext, UnifiedEvent
from tapio.unified.parts import Layered, Parts

_KEPT = 50_000  # parts of each sort: the newest versions of as many objects

_WORKLOADS = (k8s.Deployment, k8s.ReplicaSet, k8s.StatefulSet, k8s.DaemonSet, k8s.Job)
_UNTRACED: Final = TraceContext()
_NO_OBJECT: Final = msgspec.Raw(b"null")


class _Sealed(UnifiedEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event with the large parts not read yet."""

    k8s_context: msgspec.Raw  # type: ignore[assignment]  # it is put in place before anybody sees the event
    object: msgspec.Raw = _NO_OBJECT  # type: ignore[assignment]  # likewise


_sealed = msgspec.json.Decoder(_Sealed)


class SharingDecoder:
    """Reads unified events one after another, and remembers the parts of the newest."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._contexts = Parts(_Contexts(kept), kept)
        self._objects = Parts(_Objects(kept), kept)

    def decode(self, document: bytes) -> UnifiedEvent:
        """Reads one unified event.

        Raises:
            BadEventError: it is not JSON, or a field is missing or of the wrong type.
        """
        try:
            event = _sealed.decode(document)
            about = self._contexts.of(event.k8s_context)
            state = None if event.object is _NO_OBJECT else self._objects.of(event.object)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadEventError(f"not a unified event: {error}") from error
        force_setattr(event, "object", state)
        force_setattr(event, "k8s_context", about.context)
        self._share(event, about.entity)
        return event

    def _share(self, event: UnifiedEvent, entity: EntityName) -> None:
        """Puts in the place of the event's small parts those that are there already."""
        if event.entity == entity:
            force_setattr(event, "entity", entity)
        if event.trace_context == _UNTRACED:
            force_setattr(event, "trace_context", _UNTRACED)
        if event.raw_id == event.id:
            force_setattr(event, "raw_id", event.id)
        force_setattr(event, "source", intern(event.source))
        force_setattr(event, "root", intern(event.root))
        if event.node:
            force_setattr(event, "node", intern(event.node))


class _About(msgspec.Struct, frozen=True, gc=False):
    """A context, and the entity that an event of it mostly names."""

    context: K8sContext
    entity: EntityName


class _Contexts:
    """Reads contexts: the labels and owners that replicas have in common are shared."""

    def __init__(self, kept: int) -> None:
        ones = {
            "labels": _shared(dict[str, str], kept).of,
            "owner_references": _shared(tuple[OwnerReference, ...], kept).of,
        }
        self._layered = Layered(K8sContext, ones)

    def decode(self, raw: Any, /) -> _About:  # noqa: ANN401  bytes that are not copied
        context = self._layered.decode(raw)
        force_setattr(context, "kind", intern(context.kind))
        force_setattr(context, "namespace", intern(context.namespace))
        type_ = intern(context.kind.lower())
        return _About(context, EntityName(type=type_, name=context.name, namespace=context.namespace))


class _Objects:
    """Reads objects: what a pod has in common with its replicas and its template is shared."""

    def __init__(self, kept: int) -> None:
        pod_specs = Parts(_pod_specs(kept), kept)
        templates = Layered(k8s.PodTemplate, {"spec": pod_specs.of})
        workload_specs = Parts(Layered(k8s.WorkloadSpec, {"template": templates.decode}), kept)
        layered = [
            Layered[Any](k8s.Pod, {"spec": pod_specs.of}),
            *(Layered[Any](workload, {"spec": workload_specs.of}) for workload in _WORKLOADS),
        ]
        self._openers = {one.sealed: one.opened for one in layered}
        others = set(k8s.KubernetesObject.__args__) - {k8s.Pod, *_WORKLOADS}
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[None, *self._openers, *others])

    def decode(self, raw: Any, /) -> k8s.KubernetesObject | None:  # noqa: ANN401  bytes that are not copied
        sealed = self._decoder.decode(raw)
        opener = self._openers.get(type(sealed))
        if opener is None:
            state: k8s.KubernetesObject | None = sealed
            return state
        _share_words(sealed.status)
        opened: k8s.KubernetesObject = opener(sealed)
        return opened


def _share_words(status: k8s.PodStatus | k8s.WorkloadStatus) -> None:
    """Puts the words that every status repeats in the place of its own."""
    for condition in status.conditions:
        force_setattr(condition, "type", intern(condition.type))
        force_setattr(condition, "status", intern(condition.status))
    for container in getattr(status, "container_statuses", ()):
        force_setattr(container, "image", intern(container.image))


def _pod_specs(kept: int) -> Layered[k8s.PodSpec]:
    containers = Parts(_containers(kept), kept)
    tolerations = _shared(tuple[k8s.Toleration, ...], kept)
    untyped = _shared(dict[str, Any], kept)
    return Layered(
        k8s.PodSpec,
        ones={"tolerations": tolerations.of, "affinity": untyped.of, "node_selector": untyped.of},
        lists={"containers": containers, "init_containers": containers, "volumes": _shared(k8s.Volume, kept)},
    )


def _containers(kept: int) -> Layered[k8s.Container]:
    """A pod's container has the mount of its account's token, its template's has not; the rest they have in common."""
    probes = _shared(k8s.Probe, kept).of
    return Layered(
        k8s.Container,
        ones={
            "env": _shared(tuple[k8s.EnvVar, ...], kept).of,
            "resources": _shared(k8s.Resources, kept).of,
            "liveness_probe": probes,
            "readiness_probe": probes,
            "startup_probe": probes,
        },
    )


def _shared(type_: Any, kept: int) -> Parts[Any]:  # noqa: ANN401  any type that msgspec reads
    return Parts(msgspec.json.Decoder(type_), kept)
