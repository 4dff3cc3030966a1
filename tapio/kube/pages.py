"""The documents of a LIST and the lines of a watch, decoded once."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from tapio.kube.client import KubeClient
from tapio.kube.kinds import Kind

PAGE = 500  # client-go's page size for a listing that is not served from the watch cache

# With no other form to fall back on: a server that cannot leave the rest out must refuse (406), not send it.
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


class MalformedError(ValueError):
    """A line or document that is no Kubernetes object; the message says why."""


class _ListMeta(msgspec.Struct, rename="camel", gc=False):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """One page. `items` lack the `kind` and `apiVersion` that a watch gives."""

    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)
    items: list[dict[str, Any]] | None = None


class Line(msgspec.Struct, gc=False):
    """One line of a watch."""

    type: str
    object: dict[str, Any]


_pages = msgspec.json.Decoder(Page)
_lines = msgspec.json.Decoder(Line)


async def pages(client: KubeClient, kind: Kind, namespace: str | None = None) -> AsyncGenerator[Page]:
    """The pages of one consistent listing, oldest state first asked of the server's quorum, never of a stale cache.

    Raises:
        ApiError: refused; `expired` when the continue token outlived what the server keeps.
        ServerAwayError: no answer.
        MalformedError: the answer is no list.
    """
    params = {"limit": str(PAGE)}
    accept = _METADATA.format("List") if kind.metadata_only else None
    while True:
        page = _page(await client.get(kind.path(namespace), params, accept=accept))
        yield page
        if not page.metadata.continue_:
            return
        params = {"limit": str(PAGE), "continue": page.metadata.continue_}


def watching(kind: Kind) -> str | None:
    """The form in which a kind's watch is asked for."""
    return _METADATA.format("") if kind.metadata_only else None


def named(kind: Kind, obj: dict[str, Any]) -> dict[str, Any]:
    """An object under its own kind: a listing leaves it out, and metadata alone calls itself PartialObjectMetadata."""
    if kind.metadata_only:
        return {"kind": kind.name, "apiVersion": kind.api_version, "metadata": obj.get("metadata")}
    return {"kind": kind.name, "apiVersion": kind.api_version, **obj}


def read_line(line: bytes) -> Line:
    """One line of a watch.

    Raises:
        MalformedError: it is none.
    """
    try:
        return _lines.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"a watch line cannot be read: {error}: {line[:80]!r}") from error


def identity_of(obj: dict[str, Any]) -> tuple[str, str]:
    """(uid, resourceVersion) of an object.

    Raises:
        MalformedError: it has none.
    """
    meta = obj.get("metadata")
    if isinstance(meta, dict) and (version := meta.get("resourceVersion")):
        return meta.get("uid") or f"{meta.get('namespace', '')}/{meta.get('name', '')}", version
    raise MalformedError(f"an object without resourceVersion: {str(obj)[:80]}")


def _page(document: bytes) -> Page:
    try:
        return _pages.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"a listing cannot be read: {error}") from error
