"""What changed: field, before, after and who, linked to what is wrong or only near it in time."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

from tapio.graph import Change, GraphReader
from tapio.times import micros
from tapio.unified import ObjectKey
from tapio.why.explanation import Ref
from tapio.why.lists.asking import Asked, asked, neighbours, nothing_came, subjects
from tapio.why.lists.paging import Page, Place, paged
from tapio.why.question import Question
from tapio.why.refs import plain_ref, utc
from tapio.why.scope import Subject, is_labelled, is_quiet, says_nothing


class FieldPart(msgspec.Struct, frozen=True, kw_only=True):
    """One field: null is absent, left out is not known."""

    field: str
    before: Any = msgspec.UNSET
    after: Any = msgspec.UNSET


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one object. `linked` names the causes (by code) that rest on it; with none it is coincident."""

    at: datetime
    event_id: str
    entity: Ref
    actor: str | None
    fields: tuple[FieldPart, ...]
    linked: tuple[str, ...]


class ChangeList(msgspec.Struct, frozen=True, kw_only=True):
    """The changes from `since` to `at` (null while no event has come), the newest first."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["ChangeList"] = "ChangeList"
    since: datetime | None
    at: datetime | None
    items: tuple[ChangeRow, ...]
    next: str | None = None


def changes(question: Question, graph: GraphReader, page: Page = Page()) -> ChangeList:  # noqa: B008  a frozen value
    """The changes of the target and of whatever may carry one to it; of the namespace; or of everything.

    Raises:
        UsageError, UnknownTargetError, AmbiguousTargetError: the question or the page is none, or names nothing known.
    """
    if nothing_came(question, graph):
        return ChangeList(since=None, at=None, items=())
    about = asked(question, graph, page)
    together: defaultdict[tuple[str, ObjectKey], list[Change]] = defaultdict(list)
    for change in _found(about, graph):
        together[change.event_id, change.entity].append(change)
    groups, going_on = paged(together.values(), _place, about.at, page)
    codes = _linked(graph, about.at)
    rows = tuple(_row(group, codes) for group in groups)
    return ChangeList(since=utc(about.since), at=utc(about.at), items=rows, next=going_on)


def _found(about: Asked, graph: GraphReader) -> Iterable[Change]:
    if about.target is None:
        found = graph.changes(about.since, about.at, namespace=about.question.namespace)
        selector = about.question.selector
        if not selector.requirements:
            return found
        return [one for one in found if is_labelled(graph, Subject(one.entity, one.uid), about.at, selector)]
    near = neighbours(subjects(about, graph), graph, about.at)
    return (change for key in near for change in graph.changes(about.since, about.at, entity=key))


def _place(group: list[Change]) -> Place:
    first = group[0]
    return -micros(first.at), *first.entity, first.event_id


def _linked(graph: GraphReader, at: datetime) -> dict[str, set[str]]:
    """Event -> the codes of the causes that rest on it, of everything in trouble at `at`."""
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for subject in {symptom.subject for symptom in graph.symptoms(at)}:
        for link in graph.links(subject, at):
            if link.change is not None and not is_quiet(link) and not says_nothing(link):
                codes[link.change.event_id].add(link.code)
    return codes


def _row(group: list[Change], codes: dict[str, set[str]]) -> ChangeRow:
    first = group[0]
    return ChangeRow(
        at=utc(first.at),
        event_id=first.event_id,
        entity=plain_ref(first.entity, first.uid),
        actor=first.actor,
        fields=tuple(
            FieldPart(field=change.field, before=change.before, after=change.after)
            for change in sorted(group, key=lambda change: change.field)
        ),
        linked=tuple(sorted(codes.get(first.event_id, ()))),
    )
