"""What each source could see, where it was blind, and what it may not read."""

from datetime import datetime
from typing import Literal

import msgspec

from tapio.graph import Gap, GraphReader, SourceCoverage
from tapio.why.explain import moment_of
from tapio.why.explanation import GapPart
from tapio.why.gaps import cause_of
from tapio.why.question import Question
from tapio.why.refs import gap_part, utc


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A kind that the source cannot read, since when and why."""

    kind: str
    why: str
    since: datetime


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One source on one node (empty for the cluster's own): from its first event to its last."""

    source: str
    node: str
    first: datetime | None
    last: datetime | None
    events: int
    lost: int
    gaps: tuple[GapPart, ...]
    unread: tuple[Unread, ...]


class SourceList(msgspec.Struct, frozen=True, kw_only=True):
    """Every source as of `at` (null while no event has come)."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["SourceList"] = "SourceList"
    at: datetime | None
    sources: tuple[SourceRow, ...]


def sources(graph: GraphReader, at: datetime | None = None) -> SourceList:
    """What each source saw until `at` (None: the newest event's time); empty where nothing has come."""
    if at is None and graph.newest() is None:
        return SourceList(at=None, sources=())
    moment = moment_of(Question(at=at), graph)
    seen = sorted(graph.coverage(moment), key=lambda one: (one.source, one.node))
    return SourceList(at=moment, sources=tuple(map(_row, seen)))


def _row(seen: SourceCoverage) -> SourceRow:
    denied = [gap for gap in seen.gaps if gap.end is None and cause_of(gap.cause).is_turned_off]
    gaps = sorted((gap for gap in seen.gaps if gap not in denied), key=lambda gap: (gap.start, gap.cause))
    return SourceRow(
        source=seen.source,
        node=seen.node,
        first=utc(seen.first) if seen.first else None,
        last=utc(seen.last) if seen.last else None,
        events=seen.events,
        lost=seen.lost,
        gaps=tuple(map(gap_part, gaps)),
        unread=tuple(sorted(map(_unread, denied), key=lambda one: one.kind)),
    )


def _unread(gap: Gap) -> Unread:
    cause = cause_of(gap.cause)
    return Unread(kind=cause.kind, why=cause.word, since=utc(gap.start))
