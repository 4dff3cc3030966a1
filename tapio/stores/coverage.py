"""What a source had seen until a moment, from what it has seen by now."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from tapio.graph import Gap, SourceCoverage


def seen_until(rows: Iterable[SourceCoverage], at: datetime) -> Iterator[SourceCoverage]:
    """Each source that had begun by `at`, later gaps left out and a gap that ended later still open.

    `events` and `lost` are counts by now: nobody keeps what they were at each moment.
    """
    for row in rows:
        gaps = tuple(_gap_until(gap, at) for gap in row.gaps if gap.start <= at)
        if gaps or row.first is None or row.first <= at:
            yield replace(row, gaps=gaps, first=_no_later(row.first, at), last=_until(row, at))


def _gap_until(gap: Gap, at: datetime) -> Gap:
    return replace(gap, end=_no_later(gap.end, at))


def _no_later(moment: datetime | None, at: datetime) -> datetime | None:
    return moment if moment is not None and moment <= at else None


def _until(row: SourceCoverage, at: datetime) -> datetime | None:
    if row.last is None or row.first is None or row.first > at:
        return None
    return min(row.last, at)
