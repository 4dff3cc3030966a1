"""Which Services settings name as what a program talks to, by the forms in which addresses are written."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from tapio.raw import ObjectKey
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
_MOST_TEXT = 20_000  # characters read of one setting: addresses stand at the beginning, data does not


def services_named(settings: Iterable[tuple[str, str]], namespace: str) -> set[ObjectKey]:
    """The Services that settings would mean in a namespace, whether there are such or not.

    Of each setting its name (empty where it has none) and its text.
    """
    hosts = {host for name, text in settings for host in _hosts(name, text[:_MOST_TEXT])}
    return {key for host in hosts if (key := _service(host, namespace))}


def spelled_out(pod: k8s.PodSpec) -> Iterator[tuple[str, str]]:
    """The settings that the pod's own spec holds."""
    for container in (*pod.init_containers, *pod.containers):
        yield from ((variable.name, variable.value) for variable in container.env if variable.value)
        yield from (("", text) for text in (*container.args, *container.command))


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
