"""The events behind an id: of an explanation, a link or an event."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from tapio.errors import UnknownTargetError
from tapio.graph import Evidence as Observation
from tapio.graph import GraphReader
from tapio.times import rfc3339
from tapio.unified import UnifiedEvent
from tapio.why.explain import explain, explain_each, moment_of
from tapio.why.explanation import Explanation, Ref
from tapio.why.incidents import troubles_in
from tapio.why.kinds import short_form
from tapio.why.question import Question
from tapio.why.refs import plain_ref, utc

_MOST_TARGETS = 2000  # objects asked about one by one while looking for an answer's id: a second or two
_GONE = "the raw event is no longer kept"


class EvidenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """One event: what was read in it, what it means (`event`) and what its source said (`raw`).

    Either is null where it is not there any more; `missing` says why.
    """

    event_id: str
    at: datetime | None
    source: str
    entity: Ref | None
    texts: tuple[str, ...]
    event: UnifiedEvent | None
    raw: Any = None
    missing: str = ""

    @property
    def raw_id(self) -> str:
        """The id of the raw event behind it."""
        return (self.event.raw_id if self.event else "") or self.event_id


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What `id` rests on, in the order of time."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["Evidence"] = "Evidence"
    id: str
    of: Literal["explanation", "link", "event"]
    summary: str
    items: tuple[EvidenceItem, ...]


class _Read(msgspec.Struct, frozen=True):
    """What an answer read in an event."""

    event_id: str
    at: datetime
    source: str
    entity: Ref
    text: str


def evidence(named: str, question: Question, graph: GraphReader, given: Iterable[Question] = ()) -> Evidence:
    """The events behind `named`. An explanation is found by asking again: what `given` lists first, then about every
    incident and every object, as of the question's time and with its flags.

    Raises:
        UnknownTargetError: there is no such event, link or explanation then; the message says what was tried.
    """
    event = graph.event(named)
    if event is not None:
        return Evidence(id=named, of="event", summary=_summary(event), items=(_item(event.id, (), event),))
    at = moment_of(question, graph)
    if named.startswith("link-"):
        return _of_link(named, graph, at)
    for answer in _answers(question, graph, at, given):
        if answer.id == named:
            return _of_explanation(answer, graph)
    raise _unknown(named, at)


def with_raw(found: Evidence, raws: Mapping[str, Any]) -> Evidence:
    """The evidence with its raw events, by raw id; what is not among them is said to be missing."""
    replace = msgspec.structs.replace
    items = [
        replace(item, raw=raws[item.raw_id]) if item.raw_id in raws else replace(item, missing=item.missing or _GONE)
        for item in found.items
    ]
    return replace(found, items=tuple(items))


def _answers(question: Question, graph: GraphReader, at: datetime, given: Iterable[Question]) -> Iterator[Explanation]:
    for before in given:
        yield explain(before, graph)
    worst = msgspec.structs.replace(question, target="", uid="", at=at)
    yield explain(worst, graph)
    yield from explain_each(worst, graph)
    troubles = troubles_in(graph, at, question.namespace)
    troubled = {(one.subject, one.uid) for one in (*troubles.open, *troubles.starting)}
    living = {(entity.key, entity.uid) for entity in graph.entities(at, namespace=question.namespace)}
    for key, uid in (*sorted(troubled), *sorted(living - troubled)[:_MOST_TARGETS]):
        target = msgspec.structs.replace(worst, target=short_form(key), namespace="", uid=uid)
        try:
            yield explain(target, graph)
        except UnknownTargetError:  # only Events speak of it
            continue


def _of_explanation(answer: Explanation, graph: GraphReader) -> Evidence:
    subject = short_form(answer.subject.key)
    first = answer.causes[0] if answer.causes else None
    read = [
        _Read(step.event_id, step.at, step.source, step.entity, step.text)
        for cause in answer.causes
        for step in cause.chain
    ]
    summary = f"{subject}: {first.code}, {first.summary}" if first else f"{subject}: {answer.status}"
    return Evidence(id=answer.id, of="explanation", summary=summary, items=_items(read, graph))


def _of_link(named: str, graph: GraphReader, at: datetime) -> Evidence:
    for subject in sorted({symptom.subject for symptom in graph.symptoms(at)}):
        for link in graph.links(subject, at):
            if link.id == named:
                summary = f"{short_form(link.subject)}: {link.code}, {link.summary}"
                return Evidence(id=named, of="link", summary=summary, items=_items(map(_read, link.evidence), graph))
    raise _unknown(named, at)


def _read(seen: Observation) -> _Read:
    return _Read(seen.event_id, utc(seen.at), seen.source, plain_ref(seen.entity), seen.text)


def _items(read: Iterable[_Read], graph: GraphReader) -> tuple[EvidenceItem, ...]:
    by_event: dict[str, list[_Read]] = {}
    for one in read:
        if one.event_id:
            by_event.setdefault(one.event_id, []).append(one)
    items = [_item(event_id, group, graph.event(event_id)) for event_id, group in by_event.items()]
    return tuple(sorted(items, key=lambda item: (item.at is None, item.at, item.event_id)))


def _item(event_id: str, read: Iterable[_Read], event: UnifiedEvent | None) -> EvidenceItem:
    group = list(read)
    first = group[0] if group else None
    entity = plain_ref(event.key, event.k8s_context.uid) if event else None
    return EvidenceItem(
        event_id=event_id,
        at=utc(event.timestamp) if event else first.at if first else None,
        source=event.source if event else first.source if first else "",
        entity=entity or (first.entity if first else None),
        texts=tuple(dict.fromkeys(one.text for one in group)),
        event=event,
        missing="" if event else "the graph does not hold the event",
    )


def _summary(event: UnifiedEvent) -> str:
    words = ": ".join(part for part in (event.reason, event.message) if part) or event.event_name
    return f"{short_form(event.key)}: {words}"


def _unknown(named: str, at: datetime) -> UnknownTargetError:
    return UnknownTargetError(
        f"{named} is no event that is known, and no explanation or link as of {rfc3339(at)}",
        hint="an explanation's id holds for the flags and the moment it was asked with: --at takes its JSON's `at`",
    )
