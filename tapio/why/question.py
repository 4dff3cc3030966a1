"""What is asked, and which object of the graph it is asked about."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

import msgspec

from tapio.errors import AmbiguousTargetError, UnknownTargetError, UsageError
from tapio.graph import Entity, GraphReader
from tapio.unified import ObjectKey
from tapio.why.kinds import WORDS, find_kind, short_form
from tapio.why.labels import Selector

_NEAR = 5  # names shown: as many as a person compares at a glance
_ALIKE = 0.5  # difflib's ratio: pod names share long prefixes, so half alike is still a likely typing error

_WRITTEN = "write TYPE/NAME with kubectl's words for kinds, as in pod/web-0"
_OF_ALL = "nothing in its place asks about the worst incident"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is `type/name` or `type/namespace/name`, empty for the worst incident (in `namespace`, where given).

    `at` is the moment asked about (the newest event's when left out), `since` how far back from it gaps and changes
    count (from shortly before the onset when left out), `uid` chooses among objects that had one name. `selector` says
    by labels what a list without a target is about.
    """

    target: str = ""
    namespace: str = ""
    uid: str = ""
    at: datetime | None = None
    since: timedelta | None = None
    min_confidence: float = 0.0
    selector: Selector = Selector()


class Target(msgspec.Struct, frozen=True):
    """A target as written: the kind as its own name, or the word itself where no table knows it."""

    kind: str
    namespace: str
    name: str


def parse_target(text: str, namespace: str = "") -> Target:
    """Reads `type/name` and `type/namespace/name`; a namespace does not narrow kinds that have none.

    Raises:
        UsageError: the text has another form, or names another namespace than `namespace`.
    """
    parts = text.strip().split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(f"{text!r} is no target", hint="write TYPE/NAME or TYPE/NAMESPACE/NAME, as in pod/web-0")
    kind = find_kind(parts[0])
    name = kind.name if kind else parts[0]
    if kind and not kind.namespaced:
        return Target(name, "", parts[-1])
    if len(parts) == 2:  # noqa: PLR2004  type and name
        return Target(name, namespace, parts[1])
    if namespace and namespace != parts[1]:
        raise UsageError(f"{text!r} is in namespace {parts[1]}, and namespace {namespace} was asked for")
    return Target(name, parts[1], parts[2])


def resolve(question: Question, graph: GraphReader, at: datetime) -> Entity:
    """The object asked about, as known at `at`: of several with one name the newest, or the one `uid` names.

    Raises:
        UsageError: the target cannot be read.
        UnknownTargetError: there is no such object; the error carries names like it.
        AmbiguousTargetError: objects of several namespaces (or kinds that share a word) match.
    """
    target = parse_target(question.target, question.namespace)
    found = _matching(target, graph, at)
    if question.uid:
        found = [entity for entity in found if entity.uid == question.uid]
    if not found:
        raise _unknown(question, target, graph, at)
    living = [entity for entity in found if entity.lives_at(at)]
    found = living or found
    keys = {entity.key for entity in found}
    if len(keys) > 1:
        names = tuple(sorted(short_form(key) for key in keys))
        raise AmbiguousTargetError(f"{question.target} is in several places", candidates=names)
    return found[0]


def check_namespace(namespace: str, graph: GraphReader, at: datetime) -> None:
    """Raises UnknownTargetError where nothing is known of the namespace: an empty list would say that all is well."""
    if graph.entities(at, namespace=namespace) or graph.entities(at, kind="Namespace", name=namespace):
        return
    known = sorted({entity.key.namespace or entity.key.name for entity in graph.entities(at) if _in_space(entity)})
    near = get_close_matches(namespace, known, n=_NEAR) or known[:_NEAR]
    raise UnknownTargetError(f"no namespace {namespace} is known", near=tuple(near))


def _in_space(entity: Entity) -> bool:
    return bool(entity.key.namespace) or entity.key.kind == "Namespace"


def _matching(target: Target, graph: GraphReader, at: datetime) -> Sequence[Entity]:
    if find_kind(target.kind):
        found = graph.entities(at, kind=target.kind, namespace=target.namespace, name=target.name)
        return found or (_namespace(target, graph, at) if target.kind == "Namespace" else ())
    named = graph.entities(at, namespace=target.namespace, name=target.name)
    return [entity for entity in named if _is_word_for(target.kind, entity.key.kind)]


def _namespace(target: Target, graph: GraphReader, at: datetime) -> Sequence[Entity]:
    """A namespace of which only the inhabitants are known, as in a capture of a few pods."""
    inhabitants = graph.entities(at, namespace=target.name)
    if not inhabitants:
        return ()
    key = ObjectKey("Namespace", "", target.name)
    return (Entity(key=key, uid="", root=key, valid_from=min(entity.valid_from for entity in inhabitants)),)


def _is_word_for(word: str, kind: str) -> bool:
    """Whether `rollouts` or `Rollout` may mean the kind Rollout, which no table knows."""
    return word.lower().partition(".")[0] in (kind.lower(), f"{kind.lower()}s", f"{kind.lower()}es")


def _unknown(question: Question, target: Target, graph: GraphReader, at: datetime) -> UnknownTargetError:
    if question.uid and _matching(target, graph, at):
        uids = tuple(entity.uid for entity in _matching(target, graph, at))[:_NEAR]
        return UnknownTargetError(f"no {question.target} has the uid {question.uid}", near=uids)
    if find_kind(target.kind) is None and not _knows_kind(target.kind, graph, at):
        near = tuple(get_close_matches(target.kind.lower(), sorted(WORDS), n=_NEAR, cutoff=0.6))
        return UnknownTargetError(f"no kind is called {target.kind!r}", near=near, hint=_WRITTEN)
    said = "/" in question.target.strip().partition("/")[2]  # its namespace, by the target itself
    where = f" in namespace {target.namespace}" if target.namespace and not said else ""
    return UnknownTargetError(f"no {question.target}{where} is known", near=_near(target, graph, at), hint=_OF_ALL)


def _knows_kind(word: str, graph: GraphReader, at: datetime) -> bool:
    return any(_is_word_for(word, entity.key.kind) for entity in graph.entities(at))


def _near(target: Target, graph: GraphReader, at: datetime) -> tuple[str, ...]:
    """Names like the one asked for: the same name elsewhere, then names that begin so, then names spelt like it; of
    other kinds where its own has none.
    """
    kind = target.kind if find_kind(target.kind) else ""
    return _alike(target, kind, graph, at) or (_alike(target, "", graph, at) if kind else ())


def _alike(target: Target, kind: str, graph: GraphReader, at: datetime) -> tuple[str, ...]:
    keys = sorted({entity.key for entity in graph.entities(at, kind=kind)}, key=lambda key: _distance(key, target))
    likely = [key for key in keys if key.name == target.name or key.name.startswith(target.name)]
    spelt = get_close_matches(target.name, sorted({key.name for key in keys}), n=_NEAR, cutoff=_ALIKE)
    close = [key for name in spelt for key in keys if key.name == name]
    return _first(short_form(key) for key in (*likely, *close))


def _distance(key: ObjectKey, target: Target) -> tuple[bool, bool, ObjectKey]:
    return key.name != target.name, key.namespace != target.namespace, key


def _first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:_NEAR]
