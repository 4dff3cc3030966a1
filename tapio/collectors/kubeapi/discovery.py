"""Kinds that owner chains lead to and the table does not have: found through the API groups, watched by metadata."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tapio.kube import KINDS, Kind, KubeClient, Parts


class Owner(NamedTuple):
    """A kind as an owner reference names it."""

    api_version: str
    kind: str


class _Reference(msgspec.Struct, rename="camel", gc=False):
    api_version: str = ""
    kind: str = ""


class _Resource(msgspec.Struct, gc=False):
    name: str = ""
    kind: str = ""
    namespaced: bool = False
    verbs: tuple[str, ...] = ()


class _Resources(msgspec.Struct, gc=False):
    resources: tuple[_Resource, ...] = ()


_references = msgspec.json.Decoder(list[_Reference])
_resources = msgspec.json.Decoder(_Resources)


def strangers(metadata: Parts) -> Iterator[Owner]:
    """The kinds of an object's owners that the table does not have."""
    refs = metadata.get("ownerReferences")
    if refs is None:
        return
    try:
        named = _references.decode(refs)
    except msgspec.DecodeError:
        return
    for ref in named:
        if ref.kind and ref.api_version and ref.kind not in KINDS:
            yield Owner(ref.api_version, ref.kind)


async def discover(client: KubeClient, owner: Owner) -> Kind | None:
    """The kind as the server serves it; None where it cannot be watched.

    Raises:
        ApiError, UnreachableError, ForbiddenError: the server did not say.
    """
    root = "/api" if "/" not in owner.api_version else "/apis"
    document = await client.get(f"{root}/{owner.api_version}")
    try:
        served = _resources.decode(document).resources
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    for each in served:
        if each.kind == owner.kind and "/" not in each.name and {"list", "watch"} <= set(each.verbs):
            return Kind(owner.kind, owner.api_version, each.name, each.namespaced, tier=0, metadata_only=True)
    return None
