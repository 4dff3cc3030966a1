"""What is new, changed or over between two lists of incidents. Pure."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from tapio.cli.screens import hung, incident
from tapio.why.clock import Clock
from tapio.why.kinds import short_form
from tapio.why.lists.incidents import IncidentList, IncidentRow


class News(StrEnum):
    """What is told of an incident: `present` is what was there already when the watch began."""

    PRESENT = "present"
    NEW = "new"
    CHANGED = "changed"
    OVER = "over"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell, as of `at`: the incident as it is, of one that is over as it was; `before` is how a changed
    one was.
    """

    type: News
    at: datetime | None
    incident: IncidentRow
    before: IncidentRow | None = None


def present(found: IncidentList) -> Iterator[Notice]:
    """Every incident of a first list."""
    return (Notice(type=News.PRESENT, at=found.at, incident=row) for row in found.items)


def differences(before: IncidentList, after: IncidentList) -> Iterator[Notice]:
    """What is over, then what is new or changed, the worst first."""
    was = _matched(before.items, after.items)
    kept = set(was.values())
    for place, row in enumerate(before.items):
        if place not in kept:
            yield Notice(type=News.OVER, at=after.at, incident=row)
    for place, row in enumerate(after.items):
        old = before.items[was[place]] if place in was else None
        if old is None:
            yield Notice(type=News.NEW, at=after.at, incident=row)
        elif _told(old) != _told(row):
            yield Notice(type=News.CHANGED, at=after.at, incident=row, before=old)


def _matched(before: Sequence[IncidentRow], after: Sequence[IncidentRow]) -> dict[int, int]:
    """Where each incident of the second list stood in the first. An id holds for one moment: what goes on is known by
    its cause and its subject, else by its cause (another pod shows it), else by its subject (another cause is found).
    """
    found: dict[int, int] = {}
    for key in _KEYS:
        taken = set(found.values())
        known = {key(row): place for place, row in enumerate(before) if place not in taken}
        for place, row in enumerate(after):
            name = key(row)
            if name is not None and place not in found and name in known:
                found[place] = known.pop(name)
    return found


def _cause(row: IncidentRow) -> Hashable:
    return (row.code, row.entity and row.entity.key) if row.code else None


def _subject(row: IncidentRow) -> Hashable:
    return row.subject.key


_KEYS: tuple[Callable[[IncidentRow], Hashable], ...] = (lambda row: (_cause(row), _subject(row)), _cause, _subject)


def _told(row: IncidentRow) -> dict[str, str]:
    """What a person wants to hear of when it changes. A symptom of a known cause comes and goes with each restart, and
    a confidence moves with each event.
    """
    seen = {} if row.code else {"symptom": str(row.symptom.code)}
    return {"cause": row.code or "unknown", "status": row.status, "pods": str(row.pods), **_blamed(row), **seen}


def _blamed(row: IncidentRow) -> dict[str, str]:
    return {"to blame": short_form(row.entity.key)} if row.entity else {}


# --- As text ---------------------------------------------------------------------------------------------------------


def screen(notice: Notice, clock: Clock, width: int) -> Iterator[str]:
    """A paragraph: when, what became of it, and the incident as the list tells it."""
    row = notice.incident
    head = f"{clock.local(notice.at or row.symptom.since)}  {notice.type.upper():<7}  "
    if notice.type is News.OVER:
        yield from hung(head, f"{_named(row)}, since {clock.local(row.symptom.since)}", width)
        return
    yield from incident(row, head, clock, width)
    if notice.before:
        yield from hung(" " * len(head), f"was: {', '.join(_was(notice.before, row))}", width)


def _named(row: IncidentRow) -> str:
    blamed = f"  {short_form(row.entity.key)}" if row.entity else ""
    return f"{row.code or 'cause unknown'}{blamed}, seen in {short_form(row.subject.key)}"


def _was(before: IncidentRow, now: IncidentRow) -> Iterator[str]:
    told = {"symptom": before.symptom.code, **_told(now)}
    return (f"{name} {value}" for name, value in _told(before).items() if told.get(name) != value)
