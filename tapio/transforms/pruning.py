"""What is left out of an object's state beyond the fields that nobody reads. The raw event keeps the whole of it."""

from collections.abc import Iterator
from itertools import chain

import msgspec
from msgspec.structs import force_setattr

from tapio.unified import objects as k8s

_KEPT_VALUE = 256  # characters of one ConfigMap value that rules may read


def pruned(state: k8s.KubernetesObject) -> k8s.KubernetesObject:
    """The state as it is told on; it was read a moment ago, and nobody else has seen it."""
    if isinstance(state, k8s.ConfigMap):
        return _shortened(state)
    if isinstance(state, k8s.Pod):
        _name_token_volume(state.spec)
    return state


def _shortened(config: k8s.ConfigMap) -> k8s.ConfigMap:
    if all(len(value) <= _KEPT_VALUE for value in config.data.values()):
        return config
    return msgspec.structs.replace(config, data={key: value[:_KEPT_VALUE] for key, value in config.data.items()})


def _name_token_volume(spec: k8s.PodSpec) -> None:
    """Calls the volume of the account's token the same in every pod."""
    mounts = (mount for container in (*spec.init_containers, *spec.containers) for mount in container.volume_mounts)
    every: Iterator[k8s.Volume | k8s.VolumeMount] = chain(spec.volumes, mounts)
    for one in every:
        name = k8s.volume_name(one.name)
        if name is not one.name:
            force_setattr(one, "name", name)
