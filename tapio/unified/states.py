"""Reading the states of objects: what a pod, its replicas and its template have in common is one object in memory."""

from collections.abc import Callable
from sys import intern
from typing import Any, TypeVar, Union

import msgspec
from msgspec.structs import force_setattr

from tapio.unified import objects as k8s
from tapio.unified.parts import Layered, Parts, Reader, shared

T = TypeVar("T")
Labels = Parts[dict[str, str]]

_WORKLOADS = (k8s.Deployment, k8s.ReplicaSet, k8s.StatefulSet, k8s.DaemonSet, k8s.Job)


class Objects:
    """Reads objects. `labels` are those of contexts, which templates and selectors repeat."""

    def __init__(self, kept: int, labels: Labels) -> None:
        pod_specs = Parts(_pod_specs(kept), kept)
        workload_specs = Parts(_workload_specs(pod_specs, labels), kept)
        layered = [
            Layered[Any](k8s.Pod, {"spec": pod_specs.of}),
            *(Layered[Any](workload, {"spec": workload_specs.of}) for workload in _WORKLOADS),
            Layered[Any](k8s.Service, {"spec": Layered(k8s.ServiceSpec, {"selector": labels.of}).decode}),
            Layered[Any](k8s.WorkloadFacts, {"template_labels": labels.of}),
            _pod_facts(kept),
        ]
        self._openers = {one.sealed: one.opened for one in layered}
        others = set(k8s.KubernetesObject.__args__) - {one.type for one in layered}
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[None, *self._openers, *others])

    def decode(self, raw: Any, /) -> k8s.KubernetesObject | None:  # noqa: ANN401  bytes that are not copied
        sealed = self._decoder.decode(raw)
        opener = self._openers.get(type(sealed))
        state: k8s.KubernetesObject | None = opener(sealed) if opener else sealed
        _share_words(state)
        return state


def _share_words(state: k8s.KubernetesObject | None) -> None:
    """Puts the words that every state repeats in the place of its own."""
    match state:
        case k8s.Pod(status=status):
            _share_words_of_conditions(status.conditions)
            for container in status.container_statuses:
                force_setattr(container, "name", intern(container.name))
                force_setattr(container, "image", intern(container.image))
        case k8s.PodFacts():
            force_setattr(state, "phase", intern(state.phase))
            force_setattr(state, "node_name", intern(state.node_name))
        case k8s.Deployment() | k8s.ReplicaSet() | k8s.Node():
            _share_words_of_conditions(state.status.conditions)


def _share_words_of_conditions(conditions: tuple[k8s.Condition, ...]) -> None:
    for condition in conditions:
        force_setattr(condition, "type", intern(condition.type))
        force_setattr(condition, "status", intern(condition.status))


def _pod_facts(kept: int) -> Layered[k8s.PodFacts]:
    ports, probed = shared(tuple[k8s.ContainerPort, ...], kept), shared(tuple[k8s.Port, ...], kept)
    return Layered(k8s.PodFacts, {"ports": ports.of, "probed": probed.of})


def _workload_specs(pod_specs: Parts[k8s.PodSpec], labels: Labels) -> Layered[k8s.WorkloadSpec]:
    metadata = Layered(k8s.TemplateMeta, {"labels": labels.of})
    templates = Layered(k8s.PodTemplate, {"metadata": metadata.decode, "spec": pod_specs.of})
    selectors = Layered(k8s.LabelSelector, {"match_labels": labels.of})
    return Layered(k8s.WorkloadSpec, {"template": templates.decode, "selector": _or_none(selectors)})


def _or_none(reader: Reader[T]) -> Callable[[Any], T | None]:
    return lambda raw: None if bytes(raw) == b"null" else reader.decode(raw)


def _pod_specs(kept: int) -> Layered[k8s.PodSpec]:
    containers = Parts(_containers(kept), kept)
    untyped = shared(dict[str, Any], kept).of
    return Layered(
        k8s.PodSpec,
        ones={
            "tolerations": shared(tuple[k8s.Toleration, ...], kept).of,
            "affinity": untyped,
            "node_selector": untyped,
            "overhead": untyped,
        },
        lists={"containers": containers, "init_containers": containers, "volumes": _volumes(kept)},
    )


def _volumes(kept: int) -> Parts[k8s.Volume]:
    """The volume of an account's token bears another name in every pod, and projects the same."""
    return Parts(Layered(k8s.Volume, {"projected": shared(k8s.ProjectedVolume | None, kept).of}), kept)


def _containers(kept: int) -> Layered[k8s.Container]:
    """A pod's container has the mount of its account's token, its template's has not; the rest they have in common."""
    probes = shared(k8s.Probe | None, kept).of
    return Layered(
        k8s.Container,
        ones={
            "env": shared(tuple[k8s.EnvVar, ...], kept).of,
            "resources": shared(k8s.Resources | None, kept).of,
            "liveness_probe": probes,
            "readiness_probe": probes,
            "startup_probe": probes,
        },
    )
