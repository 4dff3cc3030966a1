"""What happened, in the order of time: lives, changes, happenings, symptoms, and what rules read in states."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from tapio.graph import Evidence, GraphReader, Symptom
from tapio.times import micros
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified.names import STATES
from tapio.why.coincident import described
from tapio.why.explanation import Ref
from tapio.why.lists.asking import Asked, asked, neighbours, nothing_came, subjects
from tapio.why.lists.paging import Page, Place, paged
from tapio.why.question import Question
from tapio.why.refs import plain_ref, utc

_LINES = 5  # of a container's log, the last ones


class Happened(StrEnum):
    """What sort of entry it is."""

    CREATED = "created"
    CHANGED = "changed"
    EVENT = "event"
    OBSERVED = "observed"
    SYMPTOM = "symptom"
    RECOVERED = "recovered"
    DELETED = "deleted"


_ORDER = tuple(Happened)  # within one second: a life begins before anything happens in it


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `event_id` is empty for what follows from several events."""

    at: datetime
    type: Happened
    entity: Ref
    text: str
    source: str = ""
    event_id: str = ""


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What happened from `since` to `at` (null while no event has come), the oldest first."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["Timeline"] = "Timeline"
    since: datetime | None
    at: datetime | None
    items: tuple[Entry, ...]
    next: str | None = None


def timeline(question: Question, graph: GraphReader, page: Page = Page()) -> Timeline:  # noqa: B008  a frozen value
    """What happened to the target and to what it owns, with the changes that may have reached it; to everything in the
    namespace; or, where neither is named, to what is in trouble and what was changed.

    Raises:
        UsageError, UnknownTargetError, AmbiguousTargetError: the question or the page is none, or names nothing known.
    """
    if nothing_came(question, graph):
        return Timeline(since=None, at=None, items=())
    about = asked(question, graph, page)
    keys = subjects(about, graph)
    entries = _once(_entries(about, keys, graph))
    within = [entry for entry in entries if about.since <= entry.at <= about.at]
    items, going_on = paged(within, _place, about.at, page)
    return Timeline(since=utc(about.since), at=utc(about.at), items=items, next=going_on)


def _once(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Each thing once: what is told as a change or as a symptom is not told again as observed."""
    entries = list(entries)
    changed = {entry.event_id for entry in entries if entry.type is Happened.CHANGED}
    courses = {entry.text.partition(": ")[2] for entry in entries if entry.type is Happened.SYMPTOM}
    first: dict[Place, Entry] = {}
    for entry in entries:
        if entry.type is not Happened.OBSERVED or (entry.event_id not in changed and entry.text not in courses):
            first.setdefault(_place(entry), entry)
    return first.values()


def _place(entry: Entry) -> Place:
    entity = entry.entity
    order = _ORDER.index(entry.type)
    return micros(entry.at), order, entity.kind, entity.namespace, entity.name, entry.text, entry.event_id


def _entries(about: Asked, keys: list[ObjectKey], graph: GraphReader) -> Iterator[Entry]:
    for key in keys:
        yield from _observed(key, about, graph)
        yield from _lives(key, about, graph)
        yield from _happenings(key, frozenset(keys), about, graph)
        yield from _symptoms(key, about, graph)
    changed = neighbours(keys, graph, about.at) if about.target else keys
    for key in changed:
        yield from _changes(key, about, graph)


def _lives(key: ObjectKey, about: Asked, graph: GraphReader) -> Iterator[Entry]:
    for entity in graph.entities(about.at, kind=key.kind, namespace=key.namespace, name=key.name):
        ref = plain_ref(key, entity.uid)
        yield Entry(at=utc(entity.valid_from), type=Happened.CREATED, entity=ref, text="created")
        if entity.valid_to is not None:
            yield Entry(at=utc(entity.valid_to), type=Happened.DELETED, entity=ref, text="deleted")


def _changes(key: ObjectKey, about: Asked, graph: GraphReader) -> Iterator[Entry]:
    for change in graph.changes(about.since, about.at, entity=key):
        by = f" by {change.actor}" if change.actor else ""
        yield Entry(
            at=utc(change.at),
            type=Happened.CHANGED,
            entity=plain_ref(key, change.uid),
            text=f"{change.field} {described(change.before, change.after)}{by}",
            event_id=change.event_id,
        )


def _happenings(key: ObjectKey, told: frozenset[ObjectKey], about: Asked, graph: GraphReader) -> Iterator[Entry]:
    """What was said of the object; what a controller said of making it is told of the controller, where it is told."""
    for event in _newest_words(graph.events(key, about.since, about.at)):
        if event.id != event.raw_id and _maker(event) in told:
            continue
        yield Entry(
            at=utc(event.timestamp),
            type=Happened.EVENT,
            entity=plain_ref(key, event.k8s_context.uid),
            text=_said(event),
            source=event.source,
            event_id=event.id,
        )


def _maker(event: UnifiedEvent) -> ObjectKey | None:
    owners = event.k8s_context.owner_references
    return ObjectKey(owners[0].kind, event.k8s_context.namespace, owners[0].name) if owners else None


def _newest_words(events: Iterable[UnifiedEvent]) -> Iterable[UnifiedEvent]:
    """Happenings; of a record that is counted up (`BackOff x9`) the newest version alone."""
    newest: dict[str, UnifiedEvent] = {}
    for event in events:
        if event.event_name not in STATES:  # lives, changes and evidence tell what a state means
            record = event.attributes.record if event.attributes else ""
            newest[record or event.id] = event
    return newest.values()


def _said(event: UnifiedEvent) -> str:
    attributes = event.attributes
    if attributes and attributes.lines:
        return f"{attributes.container} logged: {' | '.join(attributes.lines[-_LINES:])}"
    times = f" x{attributes.count}" if attributes and attributes.count > 1 else ""
    words = ": ".join(part for part in (event.reason, event.message) if part)
    return f"{words or event.event_name}{times}"


def _symptoms(key: ObjectKey, about: Asked, graph: GraphReader) -> Iterator[Entry]:
    """Onset and end of each symptom; how its message went on in between is told by what was observed."""
    courses: defaultdict[str, list[Symptom]] = defaultdict(list)
    for symptom in (*graph.symptoms(about.at, key), *graph.past_symptoms(key, about.at)):
        if symptom.expected_by is None:
            courses[symptom.id].append(symptom)
    for course in courses.values():
        yield from _course(max(course, key=lambda one: one.valid_from), about.at)


def _course(last: Symptom, at: datetime) -> Iterator[Entry]:
    ref = plain_ref(last.subject, last.uid)
    said = f": {last.message}" if last.message else ""
    yield Entry(at=utc(last.since), type=Happened.SYMPTOM, entity=ref, text=f"{last.code}{said}")
    if last.valid_to is not None and last.valid_to <= at:
        yield Entry(at=utc(last.valid_to), type=Happened.RECOVERED, entity=ref, text=f"{last.code} is over")


def _observed(key: ObjectKey, about: Asked, graph: GraphReader) -> Iterator[Entry]:
    """What rules read in states: an exit, a restart."""
    found: list[Evidence] = [one for link in graph.links(key, about.at) for one in link.evidence]
    found += [one for symptom in graph.symptoms(about.at, key) for one in symptom.evidence]
    for evidence in found:
        yield Entry(
            at=utc(evidence.at),
            type=Happened.OBSERVED,
            entity=plain_ref(evidence.entity),
            text=evidence.text,
            source=evidence.source,
            event_id=evidence.event_id,
        )
