"""A text of documents one after another, as kubectl writes them: JSON or YAML, with containers' logs in between."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

Json = dict[str, Any]

# What `kubectl cluster-info dump` puts around the log of one container.
_LOG = re.compile(
    rb"^==== START logs for container (?P<container>\S+) of pod (?P<namespace>[^/\s]+)/(?P<pod>\S+) ====\n"
    rb"(?P<text>.*?)^==== END logs for container [^\n]* ====$",
    re.MULTILINE | re.DOTALL,
)
_BEGINS_AS_YAML = re.compile(r"(?:\s*(?:#[^\n]*)?\n)*(?:---|(?:apiVersion|kind|metadata|items):|- )")
_NO_LOG = (b"Request log error:", b"Create log error:")  # kubectl's words where it could not read one
_HEAD = 4096  # bytes in which a text shows how it begins
_json = json.JSONDecoder()
_whole = msgspec.json.Decoder()
_WATCHED = frozenset({"ADDED", "MODIFIED", "DELETED"})


class Seen(msgspec.Struct, frozen=True):
    """One object, and how a watch named it."""

    object: Json
    type: str = "ADDED"


class Log(msgspec.Struct, frozen=True):
    """What a dump holds of a container's log."""

    namespace: str
    pod: str
    container: str
    text: bytes


class Documents(msgspec.Struct, frozen=True):
    """All that a text holds, and why that is not everything."""

    objects: list[Seen] = msgspec.field(default_factory=list)
    logs: list[Log] = msgspec.field(default_factory=list)
    problems: list[str] = msgspec.field(default_factory=list)


def documents_of(text: bytes) -> Documents | None:
    """The documents, or None where the text is none that kubectl writes."""
    if not _begins_as_kubectls(text):
        return None
    found = Documents()
    after = 0
    for log in _LOG.finditer(text):
        _read(text[after : log.start()], found, text.count(b"\n", 0, after))
        if log["text"].strip() and not log["text"].startswith(_NO_LOG):
            found.logs.append(_log(log))
        after = log.end()
    _read(text[after:], found, text.count(b"\n", 0, after))
    return found


def _log(said: re.Match[bytes]) -> Log:
    namespace, pod, container = (said[name].decode(errors="replace") for name in ("namespace", "pod", "container"))
    return Log(namespace, pod, container, said["text"])


def _begins_as_kubectls(text: bytes) -> bool:
    """By the first document: an object, a list of objects, a watch's line; or one that is cut on its first line."""
    begin = text[:_HEAD].lstrip()
    if begin.startswith(b"==== START logs for container "):
        return True
    if not begin.startswith((b"{", b"[")):
        return bool(_BEGINS_AS_YAML.match(begin.decode(errors="replace")))
    if begin.partition(b"\n")[0].strip() in {b"{", b"["}:
        return True
    try:
        first, _ = _json.raw_decode(text.decode(errors="replace").lstrip())
    except (ValueError, RecursionError):
        return False
    return bool(list(_objects_in(first))) or _is_empty_list(first)


def _read(text: bytes, found: Documents, before: int) -> None:
    """Adds the objects of a text without logs, up to where it cannot be read; so many lines stand before it."""
    written = text.decode(errors="replace")
    begin = written.lstrip()
    if not begin:
        return
    read = _json_documents if begin.startswith(("{", "[")) else _yaml_documents
    for document in read(written, found.problems, before):
        objects = list(_objects_in(document))
        found.objects.extend(objects)
        if not objects and not _is_empty_list(document):
            found.problems.append("a document is no object of Kubernetes")


def _json_documents(text: str, problems: list[str], before: int) -> Iterator[Any]:
    try:
        yield _whole.decode(text)
    except msgspec.DecodeError:
        yield from _json_one_by_one(text, problems, before)


def _json_one_by_one(text: str, problems: list[str], before: int) -> Iterator[Any]:
    at, length = 0, len(text)
    while True:
        while at < length and text[at].isspace():
            at += 1
        if at == length:
            return
        try:
            document, at = _json.raw_decode(text, at)
        except json.JSONDecodeError as error:
            problems.append(f"not JSON from line {before + error.lineno} on: {error.msg}")
            return
        except RecursionError:
            problems.append("a document is nested too deep")
            return
        yield document


def _yaml_documents(text: str, problems: list[str], before: int) -> Iterator[Any]:
    import yaml  # noqa: PLC0415  20 ms that only YAML should cost

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
        """Leaves times as the text they are."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
        for first, known in Loader.yaml_implicit_resolvers.items()
    }
    try:
        yield from (document for document in yaml.load_all(text, Loader) if document is not None)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" from line {before + mark.line + 1} on" if mark else ""
        problems.append(f"not YAML{where}: {getattr(error, 'problem', None) or error}")


def _objects_in(document: Any) -> Iterator[Seen]:  # noqa: ANN401  a JSON value
    """The objects of a list, of a watch's line, or the one that the document is."""
    if isinstance(document, list):
        for each in document:
            yield from _objects_in(each)
        return
    if not isinstance(document, dict):
        return
    kind, items, inner = document.get("kind"), document.get("items"), document.get("object")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
        yield from (Seen(_named(item, kind, document)) for item in items if isinstance(item, dict))
    elif isinstance(inner, dict) and (told := str(document.get("type"))) in _WATCHED:
        yield Seen(inner, told)
    elif isinstance(kind, str) and isinstance(document.get("metadata"), dict) and "items" not in document:
        yield Seen(document)


def _named(item: Json, kind: str, of: Json) -> Json:
    """The API's own lists leave kind and apiVersion off their items."""
    kind_of_items = kind.removesuffix("List")
    return {"kind": kind_of_items, "apiVersion": of.get("apiVersion"), **item} if kind_of_items else item


def _is_empty_list(document: Any) -> bool:  # noqa: ANN401  a JSON value
    if not isinstance(document, dict):
        return isinstance(document, list) and not document
    kind, items = document.get("kind"), document.get("items", 0)
    return str(kind).endswith("List") and items in (None, [])
