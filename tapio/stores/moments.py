"""Event times as stores compare them: whole microseconds since 1970 in UTC, and a last moment for what is not over."""

from collections.abc import Iterator
from datetime import datetime

from tapio.graph import Edge, Entity, GraphBatch, Link, SubjectTimeline, Symptom
from tapio.times import from_micros, micros

FOREVER = 2**63 - 1  # SQLite's greatest integer: `valid_to` of what still holds, so that one comparison serves both

Held = Edge | Symptom | Link


def end_micros(end: datetime | None) -> int:
    """`micros` of an end, which may be open."""
    return FOREVER if end is None else micros(end)


def end_moment(value: int) -> datetime | None:
    """The inverse of `end_micros`."""
    return None if value == FOREVER else from_micros(value)


def holds(record: Held, at: datetime) -> bool:
    """Whether the record holds at `at`: from `valid_from` on, and no longer at `valid_to`."""
    return record.valid_from <= at and not over(record, at)


def lasts(record: Entity | Held, until: datetime) -> bool:
    """Whether the record holds at `until` still, or ends just then."""
    return record.valid_to is None or record.valid_to >= until


def over(record: Held, at: datetime) -> bool:
    return record.valid_to is not None and record.valid_to <= at


def require_zones(batch: GraphBatch) -> None:
    """Refuses a batch with a time that names no zone, before anything of it is written.

    Raises:
        ValueError: there is such a time.
    """
    for each in _moments(batch):
        if each is not None and each.tzinfo is None:
            raise ValueError(f"a time without a zone in a batch: {each.isoformat()}")


def _moments(batch: GraphBatch) -> Iterator[datetime | None]:
    yield from (entry.at for entry in batch.history)
    yield from (change.at for change in batch.changes)
    for entity in batch.entities:
        yield entity.valid_from
        yield entity.valid_to
    for timeline in batch.timelines:
        yield timeline.since
        yield from _held_moments(timeline)


def _held_moments(timeline: SubjectTimeline) -> Iterator[datetime | None]:
    held: tuple[Held, ...] = (*timeline.edges, *timeline.symptoms, *timeline.links)
    for record in held:
        yield record.valid_from
        yield record.valid_to
    yield from (symptom.since for symptom in timeline.symptoms)
