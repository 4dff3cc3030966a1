"""The time and the objects that a list is about."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from tapio.graph import GraphReader
from tapio.unified import ObjectKey
from tapio.why.explain import moment_of
from tapio.why.lists.paging import Page, cursor_of
from tapio.why.question import Question, check_namespace, resolve
from tapio.why.scope import members

_BACK = timedelta(hours=2)  # how far back a list looks when nobody says: an incident and what led to it


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A list's question, with its time settled. `target` is None where no object is named."""

    question: Question
    since: datetime
    at: datetime
    target: ObjectKey | None = None
    uid: str = ""


def asked(question: Question, graph: GraphReader, page: Page) -> Asked:
    """Settles what the question is about; a cursor holds on to the moment of its first page.

    Raises:
        UsageError, UnknownTargetError, AmbiguousTargetError: as `resolve` does; UnknownTargetError: nothing is known,
            or nothing of the namespace.
    """
    cursor = cursor_of(page)
    at = cursor.at if cursor else moment_of(question, graph)
    since = at - (question.since if question.since is not None else _BACK)
    if not question.target:
        if question.namespace:
            check_namespace(question.namespace, graph, at)
        return Asked(question=question, since=since, at=at)
    entity = resolve(question, graph, at)
    return Asked(question=question, since=since, at=at, target=entity.key, uid=entity.uid)


def nothing_came(question: Question, graph: GraphReader) -> bool:
    """Whether a list is empty because no event has come yet; of a target, it is the target that is not known."""
    return not question.target and graph.newest() is None


def subjects(asked: Asked, graph: GraphReader) -> list[ObjectKey]:
    """The target with what it owns; else what is in the namespace or has the labels; else what is in trouble or was
    changed.
    """
    if asked.target is not None:
        return members(graph, asked.target, asked.at)
    namespace = asked.question.namespace
    selector = asked.question.selector
    if namespace or selector.requirements:
        found = graph.entities(asked.at, namespace=namespace)
        return sorted({entity.key for entity in found if selector.matches(entity.labels)})
    troubled = {symptom.subject for symptom in graph.symptoms(asked.at)}
    return sorted(troubled | {change.entity for change in graph.changes(asked.since, asked.at)})


def neighbours(keys: Iterable[ObjectKey], graph: GraphReader, at: datetime) -> set[ObjectKey]:
    """These, their owners, and what they run on, mount, use or are selected by: whatever may carry a change to them."""
    near = set(keys)
    for key in tuple(near):
        near |= {end for edge in graph.edges(key, at) for end in (edge.source, edge.target)}
        if key.kind != "Node":
            near |= {
                entity.root for entity in graph.entities(at, kind=key.kind, namespace=key.namespace, name=key.name)
            }
    return near
