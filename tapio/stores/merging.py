"""What a write does to what is there: an entity is widened, a subject's timeline is cut at `since` and continued."""

from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from tapio.graph import Edge, Entity, Link, SubjectTimeline, Symptom
from tapio.stores import ordering
from tapio.stores.moments import lasts

Record = TypeVar("Record", Edge, Symptom, Link)


def merged(known: Entity | None, new: Entity) -> Entity:
    """Created at the earliest time said, deleted at the earliest time said; all else as the newest write has it."""
    if known is None:
        return new
    ends = [end for end in (known.valid_to, new.valid_to) if end is not None]
    return replace(new, valid_from=min(known.valid_from, new.valid_from), valid_to=min(ends, default=None))


def continued(known: SubjectTimeline | None, new: SubjectTimeline) -> SubjectTimeline:
    """All rows of the subject after the write: what was over before `since`, then the new rows."""
    if known is None:
        return new
    return replace(
        new,
        edges=_before(known.edges, new.since) + new.edges,
        symptoms=_before(known.symptoms, new.since) + new.symptoms,
        links=_before(known.links, new.since) + new.links,
    )


def without_closed(timeline: SubjectTimeline, before: datetime) -> SubjectTimeline:
    """The timeline without the rows that were over before then."""
    return replace(
        timeline,
        edges=tuple(row for row in timeline.edges if lasts(row, before)),
        symptoms=tuple(row for row in timeline.symptoms if lasts(row, before)),
        links=tuple(row for row in timeline.links if lasts(row, before)),
    )


def open_part(timeline: SubjectTimeline) -> SubjectTimeline:
    """The rows that a write at the same `since` would replace, so that writing this again changes nothing."""
    since = timeline.since
    return replace(
        timeline,
        edges=tuple(ordering.edges_in_order(row for row in timeline.edges if _reaches(row, since))),
        symptoms=tuple(ordering.oldest_onset_first(row for row in timeline.symptoms if _reaches(row, since))),
        links=tuple(ordering.links_in_order(row for row in timeline.links if _reaches(row, since))),
    )


def _before(rows: tuple[Record, ...], since: datetime) -> tuple[Record, ...]:
    return tuple(row for row in rows if not _reaches(row, since))


def _reaches(row: Edge | Symptom | Link, since: datetime) -> bool:
    return row.valid_from >= since or row.valid_to is None or row.valid_to > since
