"""The lists as text: what comes first stands first, nothing is wider than the terminal, nothing is cut away."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from tapio.why.clock import Clock
from tapio.why.coincident import described
from tapio.why.columns import printable, wrap_words
from tapio.why.explanation import ChangePart, Ref
from tapio.why.gaps import Span, spans
from tapio.why.kinds import short_form
from tapio.why.lists.changes import ChangeList, ChangeRow
from tapio.why.lists.evidence import Evidence, EvidenceItem
from tapio.why.lists.impact import ImpactReport, PodHit
from tapio.why.lists.incidents import IncidentList, IncidentRow
from tapio.why.lists.sources import SourceList, SourceRow
from tapio.why.lists.timeline import Timeline

_NOTHING_CAME = "nothing is known yet: no event has come"
_FEW = 10  # pods that are named though nothing is wrong with them
_LEAST = 20  # columns that wrapped text has at least


def hung(margin: str, text: str, width: int) -> Iterator[str]:
    """The text beside its margin, in lines of at most `width`."""
    lines = wrap_words(printable(text), max(_LEAST, width - len(margin)))
    for number, line in enumerate(lines):
        yield f"{' ' * len(margin) if number else margin}{line}".rstrip()


# --- Incidents -------------------------------------------------------------------------------------------------------


def incidents(found: IncidentList, clock: Clock, width: int, again: str = "") -> Iterator[str]:
    """A paragraph per incident: the cause and what to blame, the change, what it shows.

    `again` are the flags that ask the same place, after a blank.
    """
    if not found.items or not found.at:
        yield f"nothing is wrong at {clock.both(found.at)}" if found.at else _NOTHING_CAME
        return
    for row in found.items:
        yield from incident(row, f"{clock.local(row.symptom.since)}  ", clock, width)
    count = len(found.items)
    worst = _short(found.items[0].subject)
    yield f"{count} incident{'s' if count > 1 else ''} at {clock.both(found.at)}; the first one in full:"
    yield f"tapio why{again} {worst}"


def incident(row: IncidentRow, margin: str, clock: Clock, width: int) -> Iterator[str]:
    """One incident beside its margin."""
    blank = " " * len(margin)
    sure = f" ({row.confidence:.2f})" if row.confidence is not None else ""
    blamed = f"  {_short(row.entity)}" if row.entity else ""
    yield from hung(margin, f"{row.code or 'cause unknown'}{sure}{blamed}", width)
    yield from hung(blank, _said(row, clock), width)
    pods = f", {row.pods} pods" if row.pods > 1 else ""
    yield from hung(blank, f"seen in {_short(row.subject)}: {row.symptom.code}{pods}", width)


def _said(row: IncidentRow, clock: Clock) -> str:
    """The change; where another object than the blamed was changed, what is wrong with that goes before."""
    change = row.change
    if change is None:
        return row.summary
    if change.entity is msgspec.UNSET:
        return _change(change, clock)
    return f"{row.summary}; {_short(change.entity)} {_change(change, clock)}"


def _change(change: ChangePart, clock: Clock) -> str:
    by = f" by {change.actor}" if change.actor else ""
    return f"{change.field} {described(change.before, change.after)} at {clock.local(change.at)}{by}"


# --- What happened, what changed -------------------------------------------------------------------------------------


def timeline(found: Timeline, clock: Clock, width: int) -> Iterator[str]:
    """A line per thing, under the object it happened to."""
    if not found.items:
        yield _empty("nothing happened", found, clock)
    for name, entries in groupby(found.items, key=lambda entry: _short(entry.entity)):
        group = list(entries)
        last = f"{clock.local(group[0].at)}  "
        yield from hung(last, name, width)
        for entry in group:
            time = f"{clock.local(entry.at)}  "
            yield from hung(f"{time if time != last else ' ' * len(time)}  ", entry.text, width)
            last = time


def changes(found: ChangeList, clock: Clock, width: int) -> Iterator[str]:
    """The newest first: what, by whom, whether a cause rests on it, then the fields."""
    if not found.items:
        yield _empty("nothing changed", found, clock)
    for row in found.items:
        margin = f"{clock.local(row.at)}  "
        by = f" by {row.actor}" if row.actor else ""
        badge = f"linked: {', '.join(row.linked)}" if row.linked else "coincident"
        yield from hung(margin, f"{_short(row.entity)}{by}  [{badge}]", width)
        yield from _fields(row, " " * (len(margin) + 2), width)


def _fields(row: ChangeRow, margin: str, width: int) -> Iterator[str]:
    for field in row.fields:
        yield from hung(margin, f"{field.field} {described(field.before, field.after)}", width)


def _empty(what: str, found: Timeline | ChangeList, clock: Clock) -> str:
    if not found.since or not found.at:
        return _NOTHING_CAME
    return f"{what} from {clock.local(found.since)} to {clock.both(found.at)}; --since looks further back"


# --- Who is hit ------------------------------------------------------------------------------------------------------


def impact(found: ImpactReport, clock: Clock, width: int) -> Iterator[str]:
    """The cause where there is one, then the pods, those in trouble first, and who stands before them."""
    yield from hung("", f"{_short(found.subject)} at {clock.both(found.at)}", width)
    if found.code:
        blamed = f"  {_short(found.entity)}" if found.entity else ""
        yield from hung("cause      ", f"{found.code}{blamed}", width)
    yield from _pods(found.pods, width)
    parts = (
        ("workloads  ", [_short(one) for one in found.workloads]),
        ("services   ", [f"svc/{one.namespace}/{one.name} {one.ready}/{one.total} ready" for one in found.services]),
        ("ingresses  ", [_short(one) for one in found.ingresses]),
        ("called by  ", [_short(one) for one in found.callers]),
    )
    for margin, named in parts:
        if named:
            yield from hung(margin, ", ".join(named), width)
    if not any((found.pods, *(named for _, named in parts))):
        yield "nothing that is known leans on it"


def _pods(pods: Sequence[PodHit], width: int) -> Iterator[str]:
    troubled = [one for one in pods if one.symptom]
    if pods:
        yield f"pods       {len(pods)}, {len(troubled) or 'none'} in trouble"
    for one in pods[: max(_FEW, len(troubled))]:
        yield from hung("           ", f"{_short(one.pod)}  {one.symptom or 'well'}", width)
    if (more := len(pods) - max(_FEW, len(troubled))) > 0:
        yield f"           and {more} more that are well"


# --- Evidence --------------------------------------------------------------------------------------------------------


def evidence(found: Evidence, clock: Clock, width: int) -> Iterator[str]:
    """Each event: when, of what, what was read in it, and the raw document."""
    yield f"{found.of} {found.id}"
    yield from hung("", found.summary, width)
    for item in found.items:
        yield ""
        yield from _event(item, clock, width)


def _event(item: EvidenceItem, clock: Clock, width: int) -> Iterator[str]:
    at = clock.both(item.at) if item.at else "at a time not known"
    about = f"  {_short(item.entity)}" if item.entity else ""
    yield from hung(f"{item.event_id}  ", f"{at}  {item.source}{about}", width)
    for text in item.texts:
        yield from hung("  read: ", text, width)
    if item.missing:
        yield from hung("  ", item.missing, width)
    if item.raw is not None:
        document = msgspec.json.format(msgspec.json.encode(item.raw), indent=2).decode()
        yield from (f"  {line}" for line in document.splitlines())  # JSON escapes what is not printable


# --- Sources ---------------------------------------------------------------------------------------------------------


def sources(found: SourceList, clock: Clock, width: int) -> Iterator[str]:
    """A paragraph per source and node: what it saw, where it was blind, what it may not read."""
    if not found.sources:
        yield "no source has reported yet"
    for row in found.sources:
        yield from _source(row, clock, width)


def _source(row: SourceRow, clock: Clock, width: int) -> Iterator[str]:
    span = f"{clock.local(row.first)} to {clock.both(row.last)}" if row.first and row.last else "no event yet"
    named = " ".join(part for part in (row.source, row.node) if part)
    yield from hung(f"{named}  ", f"{row.events} events, {span}, {row.lost} lost", width)
    for gap in spans(row.gaps):
        yield from hung("  gap     ", _gap(gap, clock), width)
    for why, unread in groupby(sorted(row.unread, key=lambda one: (one.why, one.kind)), key=lambda one: one.why):
        yield from hung("  unread  ", f"{', '.join(one.kind for one in unread)} ({why})", width)


def _gap(gap: Span, clock: Clock) -> str:
    return f"{clock.local(gap.start)} to {clock.local(gap.to) if gap.to else 'now'}: {gap.words()}"


def _short(ref: Ref) -> str:
    return short_form(ref.key)
