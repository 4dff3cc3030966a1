"""What a source had seen until a moment, from what it has seen by now."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from tapio.graph import Gap, HistoryEntry, SourceCoverage

Source = tuple[str, str]  # the source and the node it ran on


def by_source(entries: Iterable[HistoryEntry]) -> dict[Source, list[HistoryEntry]]:
    """The entries that a source saw itself, under that source: what was derived from them is no event of its own."""
    seen: defaultdict[Source, list[HistoryEntry]] = defaultdict(list)
    for entry in entries:
        if entry.source and entry.event_id == entry.raw_id:
            seen[entry.source, entry.node].append(entry)
    return seen


def tallied(source: Source, entries: list[HistoryEntry]) -> SourceCoverage:
    """What these entries add to a source's coverage."""
    times = [entry.at for entry in entries]
    return SourceCoverage(source=source[0], node=source[1], first=min(times), last=max(times), events=len(entries))


def together(*parts: SourceCoverage) -> SourceCoverage:
    """One source's coverage from what was counted of it and what it declared: spans joined, counts added."""
    firsts = [part.first for part in parts if part.first]
    lasts = [part.last for part in parts if part.last]
    return replace(
        parts[-1],
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        events=sum(part.events for part in parts),
    )


def declared(known: SourceCoverage | None, new: SourceCoverage) -> SourceCoverage:
    """One source's declarations, those before and the new ones: a correlator remembers only the last of them."""
    if known is None:
        return new
    gaps = tuple(dict.fromkeys((*known.gaps, *new.gaps)))
    return replace(new, gaps=gaps, lost=max(new.lost, sum(gap.lost for gap in gaps)))


def seen_until(rows: Iterable[SourceCoverage], at: datetime) -> Iterator[SourceCoverage]:
    """Each source that had begun by `at`, later gaps left out and a gap that ended later still open.

    `events` and `lost` are counts by now: nobody keeps what they were at each moment.
    """
    for row in rows:
        gaps = tuple(_gap_until(gap, at) for gap in settled(row.gaps) if gap.start <= at)
        if gaps or row.first is None or row.first <= at:
            yield replace(row, gaps=gaps, first=_no_later(row.first, at), last=_until(row, at))


def settled(gaps: Iterable[Gap]) -> list[Gap]:
    """The gaps as they turned out, oldest first.

    An open one ends with the first end that was said of its cause later; one that ends where it began was withdrawn:
    what it missed came after all. Gaps of one cause that overlap are one, but for those that count what was lost.
    """
    counted = [gap for gap in gaps if gap.lost]
    by_cause: defaultdict[str, list[Gap]] = defaultdict(list)
    for gap in gaps:
        if not gap.lost:
            by_cause[gap.cause].append(gap)
    joined = [gap for alike in by_cause.values() for gap in _joined(_ended(alike))]
    return sorted((*counted, *joined), key=lambda gap: (gap.start, gap.cause))


def _ended(alike: list[Gap]) -> Iterator[Gap]:
    """Gaps of one cause, those that were withdrawn left out."""
    for gap in alike:
        ends = [gap.end] if gap.end else [one.end for one in alike if one.end and one.end >= gap.start]
        end = min(ends, default=None)
        if end != gap.start:
            yield replace(gap, end=end)


def _joined(gaps: Iterable[Gap]) -> list[Gap]:
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.start):
        last = found[-1] if found else None
        if last is None or (last.end and last.end < gap.start):
            found.append(gap)
        else:
            found[-1] = replace(last, end=max(last.end, gap.end) if last.end and gap.end else None)
    return found


def _gap_until(gap: Gap, at: datetime) -> Gap:
    return replace(gap, end=_no_later(gap.end, at))


def _no_later(moment: datetime | None, at: datetime) -> datetime | None:
    return moment if moment is not None and moment <= at else None


def _until(row: SourceCoverage, at: datetime) -> datetime | None:
    if row.last is None or row.first is None or row.first > at:
        return None
    return min(row.last, at)
