"""Event times as stores compare them: whole microseconds since 1970 in UTC, and a last moment for what is not over."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tapio.graph import Edge, GraphBatch, Link, SubjectTimeline, Symptom
from tapio.times import micros

__all__ = ["FOREVER", "Held", "end_micros", "end_moment", "holds", "micros", "moment", "over", "require_zones"]

FOREVER = 2**63 - 1  # SQLite's greatest integer: `valid_to` of what still holds, so that one comparison serves both
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Held = Edge | Symptom | Link


def end_micros(moment: datetime | None) -> int:
    """`micros` of an end, which may be open."""
    return FOREVER if moment is None else micros(moment)


def moment(value: int) -> datetime:
    """The inverse of `micros`."""
    return _EPOCH + value * _MICROSECOND


def end_moment(value: int) -> datetime | None:
    """The inverse of `end_micros`."""
    return None if value == FOREVER else moment(value)


def holds(record: Held, at: datetime) -> bool:
    """Whether the record holds at `at`: from `valid_from` on, and no longer at `valid_to`."""
    return record.valid_from <= at and not over(record, at)


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
