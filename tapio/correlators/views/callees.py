"""Which Services a pod's settings name as what its containers talk to, by the forms in which addresses are written."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from tapio.correlators.views.pod import PodView
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_LABEL = r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL}){{0,5}}"
# What plainly is an address: with a scheme, behind credentials, with a port, or with the cluster's own domain; and what
# a text must hold for a look to be worth it.
_ADDRESSES = tuple(
    (sign, re.compile(pattern))
    for sign, pattern in (
        ("://", rf"\b[a-z][a-z0-9+.-]{{1,20}}://(?:[^\s/@\"']{{1,100}}@)?({_NAME})(?![\w.-])"),
        (":", rf"(?:^|[\s,;=@\"'(\[])({_NAME}):\d{{2,5}}(?!\d)"),
        (".svc", rf"(?<![\w.-])({_LABEL}(?:\.{_LABEL}){{0,2}}\.svc(?:\.{_LABEL}){{0,4}})(?![\w-])"),
    )
)
# A variable with such a name holds an address, be it the bare name of a Service.
_OF_ADDRESS = re.compile(
    r"(?:^|[_.-])(?:host(?:s|name)?|addr(?:ess(?:es)?)?|servers?|service|svc|backends?|endpoints?|ur[li]|upstream|brokers?)$",
    re.IGNORECASE,
)
_BARE = re.compile(rf"{_NAME}\Z")
_OWN = "localhost"
_ALL = ""  # a reference that names no item reads them all
_MOST_TEXT = 20_000  # characters read of one setting: addresses stand at the beginning, data does not
# What every pod's account or mesh brings along holds certificates alone.
_CERTIFICATES = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"})


def callees(pod: PodView) -> list[ObjectKey]:
    """The Services that the pod's settings would mean, whether there are such or not; each once, in order of names."""
    hosts = {host for name, text in _settings(pod) for host in _hosts(name, text[:_MOST_TEXT])}
    return sorted({key for host in hosts if (key := _service(host, pod.key.namespace))})


def _settings(pod: PodView) -> Iterator[tuple[str, str]]:
    """The name (empty where it has none) and the text of each setting."""
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        yield from ((variable.name, variable.value) for variable in container.env if variable.value)
        yield from (("", text) for text in (*container.args, *container.command))
    for key, items in _config_maps(pod).items():
        event = pod.moment.state(key)
        data: Mapping[str, str] = event.object.data if event and isinstance(event.object, k8s.ConfigMap) else {}
        yield from ((name, text) for name, text in data.items() if name in items or _ALL in items)


def _config_maps(pod: PodView) -> dict[ObjectKey, set[str]]:
    """Which items of which ConfigMaps the pod reads."""
    read: defaultdict[ObjectKey, set[str]] = defaultdict(set)
    for one in pod.references:
        if one.key.kind == "ConfigMap" and one.key.name not in _CERTIFICATES:
            read[one.key].add(one.item)
    return read


@lru_cache(maxsize=2_000)  # replicas have the same settings, and a pod is looked at often
def _hosts(name: str, text: str) -> tuple[str, ...]:
    found = [host for sign, pattern in _ADDRESSES if sign in text for host in pattern.findall(text)]
    if _OF_ADDRESS.search(name):
        found += [part for part in re.split(r"[\s,;]+", text) if _BARE.match(part)]
    return tuple(found)


def _service(host: str, namespace: str) -> ObjectKey | None:
    """The Service that a host's name would mean: `db`, `db.shop`, `db.shop.svc...`, `db-0.db.shop.svc...`."""
    name, *rest = host.split(".")
    if name == _OWN:
        return None
    if not rest:
        return ObjectKey("Service", namespace, name)
    if len(rest) == 1:
        return ObjectKey("Service", namespace if rest[0] == "svc" else rest[0], name)
    if rest[1] == "svc":
        return ObjectKey("Service", rest[0], name)
    return ObjectKey("Service", rest[1], rest[0]) if rest[2:3] == ["svc"] else None
