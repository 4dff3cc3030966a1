"""The documents of a LIST and the lines of a watch, read as far as it takes to tell objects apart."""

from collections.abc import AsyncGenerator
from functools import cache
from typing import NamedTuple

import msgspec

from tapio.kube.client import KubeClient
from tapio.kube.kinds import Kind
from tapio.kube.said import Parts

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
    items: list[Parts] | None = None


class Line(msgspec.Struct, gc=False):
    """One line of a watch."""

    type: str
    object: Parts


_pages = msgspec.json.Decoder(Page)
_lines = msgspec.json.Decoder(Line)
_fields = msgspec.json.Decoder(Parts)
_strings = msgspec.json.Decoder(str)


async def pages(client: KubeClient, kind: Kind, namespace: str | None = None) -> AsyncGenerator[Page]:
    """The pages of one consistent listing: of the state that etcd's quorum holds, never of a server's stale cache.

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


def named(kind: Kind, parts: Parts) -> Parts:
    """An object under its own kind: a listing leaves it out, and metadata alone calls itself PartialObjectMetadata."""
    own = {"kind": _quoted(kind.name), "apiVersion": _quoted(kind.api_version)}
    if kind.metadata_only:
        return {**own, "metadata": parts["metadata"]}
    return {**own, **parts}


@cache
def _quoted(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))


def read_line(line: bytes) -> Line:
    """One line of a watch.

    Raises:
        MalformedError: it is none.
    """
    try:
        return _lines.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"a watch line cannot be read: {error}: {line[:80]!r}") from error


class Identity(NamedTuple):
    """Which version of which object it is, and the fields of its metadata, not yet read."""

    uid: str
    version: str
    metadata: Parts


def identity_of(parts: Parts) -> Identity:
    """The identity of an object.

    Raises:
        MalformedError: it has none.
    """
    try:
        meta = _fields.decode(parts["metadata"])
        version = text_of(meta, "resourceVersion")
        if version:
            uid = text_of(meta, "uid") or f"{text_of(meta, 'namespace')}/{text_of(meta, 'name')}"
            return Identity(uid, version, meta)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        pass
    shown = {name: bytes(part)[:40] for name, part in parts.items()}
    raise MalformedError(f"an object without resourceVersion: {str(shown)[:80]}")


def text_of(parts: Parts, name: str) -> str:
    """A field that is a string; empty where it is absent.

    Raises:
        msgspec.DecodeError: it is something else.
    """
    part = parts.get(name)
    return _strings.decode(part) if part is not None else ""


def _page(document: bytes) -> Page:
    try:
        return _pages.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"a listing cannot be read: {error}") from error
