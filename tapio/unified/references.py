"""What a pod reads: ConfigMaps and Secrets, as environment or as files."""

from collections.abc import Iterator
from typing import NamedTuple

from tapio.raw import ObjectKey
from tapio.unified import objects as k8s


class Reference(NamedTuple):
    """A ConfigMap or Secret that a pod reads: as files or environment, all of it or one key, and by which container."""

    key: ObjectKey
    how: str  # env | volume
    item: str  # the key read, or EVERY_ITEM
    container: str  # empty for a volume
    optional: bool


EVERY_ITEM = ""  # a reference that names no item reads them all


def references(spec: k8s.PodSpec, namespace: str) -> Iterator[Reference]:
    for container in (*spec.init_containers, *spec.containers):
        yield from _environment(container, namespace)
    for volume in spec.volumes:
        yield from _volume(volume, namespace)


def _environment(container: k8s.Container, namespace: str) -> Iterator[Reference]:
    for source in container.env_from:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref:
                yield Reference(ObjectKey(kind, namespace, ref.name), "env", "", container.name, ref.optional)
    for variable in container.env:
        if variable.value_from is None:
            continue
        for kind, ref in (
            ("ConfigMap", variable.value_from.config_map_key_ref),
            ("Secret", variable.value_from.secret_key_ref),
        ):
            if ref:
                yield Reference(ObjectKey(kind, namespace, ref.name), "env", ref.key, container.name, ref.optional)


def _volume(volume: k8s.Volume, namespace: str) -> Iterator[Reference]:
    if volume.config_map:
        yield Reference(
            ObjectKey("ConfigMap", namespace, volume.config_map.name), "volume", "", "", volume.config_map.optional
        )
    if volume.secret:
        yield Reference(
            ObjectKey("Secret", namespace, volume.secret.secret_name), "volume", "", "", volume.secret.optional
        )
    for part in volume.projected.sources if volume.projected else ():
        for kind, ref in (("ConfigMap", part.config_map), ("Secret", part.secret)):
            if ref:
                yield Reference(ObjectKey(kind, namespace, ref.name), "volume", "", "", ref.optional)
