"""A question in words: which object it names, where one alone can be meant. No grammar, only kinds and known names."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from tapio.errors import AmbiguousTargetError, UnknownTargetError
from tapio.graph import Entity, GraphReader
from tapio.why.explain import moment_of
from tapio.why.kinds import find_kind, short_form
from tapio.why.question import Question

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]*")
_SHOWN = 5
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod"})
# Kinds' short words that are English too; "is no pod ready" does not ask about a Node.
_ENGLISH = frozenset({"no", "limits", "limit", "event", "events", "host", "component", "quota"})


def in_words(target: str) -> bool:
    """Whether the target is a word or a sentence rather than TYPE/NAME."""
    return bool(target) and ("/" not in target or len(target.split()) > 1)


def understand(question: Question, graph: GraphReader) -> Question:
    """The question with its sentence replaced by the object that it names; one without a sentence as it is.

    Raises:
        UnknownTargetError: no known name is in it; the message says what was understood.
        AmbiguousTargetError: several objects may be meant.
    """
    if not in_words(question.target):
        return question
    at = moment_of(question, graph)
    words = _WORD.findall(question.target)
    kinds = {kind.name for word in words if word.lower() not in _ENGLISH and (kind := find_kind(word.strip("./")))}
    known = graph.entities(at, namespace=question.namespace)
    namespace = _namespace(words, known)
    found = _inside(namespace, _named(words, kinds, known))
    chosen = _one(_living(found, at), kinds, graph, at)
    if chosen:
        return msgspec.structs.replace(question, target=short_form(chosen.key), uid=chosen.uid)
    if namespace and all(entity.key.name == namespace for entity in found):
        return msgspec.structs.replace(question, target=f"ns/{namespace}")
    raise _not_understood(question.target, kinds, found)


def _named(words: Sequence[str], kinds: set[str], entities: Iterable[Entity]) -> list[Entity]:
    """The objects whose name a word is, or begins; of the kinds said, where some are."""
    names = {word.strip("./-").rpartition("/")[2].lower() for word in words}
    fitting = [entity for entity in entities if not kinds or entity.key.kind in kinds]
    exact = [entity for entity in fitting if entity.key.name in names]
    if exact:
        return exact
    begun = tuple(f"{name}-" for name in names if len(name) > 1 and not find_kind(name))
    return [entity for entity in fitting if entity.key.name.startswith(begun)]


def _namespace(words: Sequence[str], known: Iterable[Entity]) -> str:
    """The only namespace that a word names: all else that is called so has its name from it, as accounts have."""
    spaces = {entity.key.namespace for entity in known if entity.key.namespace} & {word.strip("./-") for word in words}
    return spaces.pop() if len(spaces) == 1 else ""


def _inside(namespace: str, found: Sequence[Entity]) -> Sequence[Entity]:
    """Those in the namespace that is said, too; a word that is a name as well narrows nothing."""
    inside = [entity for entity in found if entity.key.namespace == namespace]
    return inside if inside and all(entity.key.name != namespace for entity in found) else found


def _living(found: Sequence[Entity], at: datetime) -> list[Entity]:
    living = [entity for entity in found if entity.lives_at(at)]
    return living or list(found)


def _one(found: Sequence[Entity], kinds: set[str], graph: GraphReader, at: datetime) -> Entity | None:
    """The only one; else the only one in trouble; else, with no kind said, the workload of that name or of them all."""
    if len({entity.key for entity in found}) == 1:
        return found[0]
    troubled = [entity for entity in found if graph.symptoms(at, entity.key)]
    if len(troubled) == 1:
        return troubled[0]
    if kinds:
        return None
    tops = [entity for entity in found if entity.key == entity.root and entity.key.kind in _WORKLOADS]
    return tops[0] if len({entity.key for entity in tops}) == 1 else None


def _not_understood(text: str, kinds: set[str], found: Sequence[Entity]) -> UnknownTargetError | AmbiguousTargetError:
    if found:
        names = tuple(sorted({short_form(entity.key) for entity in found}))[:_SHOWN]
        return AmbiguousTargetError(f"{text!r} may mean several things", candidates=names)
    said = f"a {' or a '.join(sorted(kinds))}" if kinds else "no kind"
    return UnknownTargetError(
        f"{text!r}: understood {said}, and no name that is known",
        hint="write TYPE/NAME, as in pod/web-0, or nothing for the worst incident",
    )
