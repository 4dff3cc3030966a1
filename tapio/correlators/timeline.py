"""One subject through time: at each moment that matters a verdict, and what of it is new.

A verdict is drawn at every event of the subject, at every event of whatever a verdict of then or later looked at, and
when time alone would change it. An event that comes late redraws the verdicts from its moment on, so the timeline
follows from the events alone.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from tapio.correlators.hierarchy import EdgeName
from tapio.correlators.world import Bearing, Group, Watched
from tapio.graph import Edge, Evidence, Link, SubjectTimeline, Symptom
from tapio.unified import ObjectKey

_POINT_LIMIT = 32
_NOBODY: frozenset[str] = frozenset()
_at = attrgetter("at")


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What holds of a subject from one moment to the next; the rows made of it say when."""

    edges: tuple[EdgeName, ...] = ()
    symptom: Symptom | None = None
    links: tuple[Link, ...] = ()

    def says_the_same(self, other: "Verdict") -> bool:
        """Whether it differs from the other in its evidence's events alone: the newest state that shows the same is no
        news, and a heartbeat would otherwise make a new verdict of a node's every few seconds.
        """
        return (
            self.edges == other.edges
            and _bare_symptom(self.symptom) == _bare_symptom(other.symptom)
            and [_bare_link(link) for link in self.links] == [_bare_link(link) for link in other.links]
        )


def _bare_symptom(symptom: Symptom | None) -> Symptom | None:
    return symptom and msgspec.structs.replace(symptom, evidence=_texts(symptom.evidence))


def _bare_link(link: Link) -> Link:
    return msgspec.structs.replace(link, evidence=_texts(link.evidence))


def _texts(facts: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Each fact without the event that showed it."""
    return tuple(msgspec.structs.replace(fact, at=_ANY, event_id="") for fact in facts)


_ANY = datetime.fromtimestamp(0, UTC)


class Point(msgspec.Struct, frozen=True, gc=False):
    """A moment at which the verdict became another, and everything that was looked at for it, each once."""

    at: datetime
    uid: str
    verdict: Verdict
    seen: tuple[Watched, ...] = ()

    def same(self, other: "Point") -> bool:
        """Whether the other says the same of the same life."""
        return self.uid == other.uid and (self.verdict is other.verdict or self.verdict == other.verdict)

    def saw_no_less(self, other: "Point") -> bool:
        """Whether all that the other looked at was looked at for this one. Mostly it is the same in the same order."""
        return self.seen == other.seen or set(self.seen) >= set(other.seen)

    def with_more(self, other: "Point") -> "Point":
        """This one, with what was looked at for the other."""
        if self.saw_no_less(other):
            return self
        return msgspec.structs.replace(self, seen=tuple(dict.fromkeys((*self.seen, *other.seen))))

    def repeats(self, other: "Point") -> bool:
        """Whether it differs from the other in nothing."""
        is_same = self.at == other.at and self.same(other)
        return self is other or (is_same and self.saw_no_less(other) and other.saw_no_less(self))


class _Span(NamedTuple):
    """A verdict and until when it holds."""

    point: Point
    end: datetime | None

    def edges(self) -> Iterator[Edge]:
        for type_, source, target in self.point.verdict.edges:
            yield Edge(type=type_, source=source, target=target, valid_from=self.point.at, valid_to=self.end)

    def symptoms(self) -> Iterator[Symptom]:
        if self.point.verdict.symptom:
            yield msgspec.structs.replace(self.point.verdict.symptom, valid_from=self.point.at, valid_to=self.end)

    def links(self) -> Iterator[Link]:
        for link in self.point.verdict.links:
            yield msgspec.structs.replace(link, valid_from=self.point.at, valid_to=self.end)


class Timeline:
    """A subject's verdicts, the newest last; equal neighbours are one."""

    __slots__ = ("_joined_at", "_past", "_withdrawn", "points", "subject", "written")

    def __init__(self, subject: ObjectKey) -> None:
        self.subject = subject
        self.points: tuple[Point, ...] = ()
        self.written = 0  # how often it went to the store, which has a row for each uid, each as old as its last change
        self._joined_at: datetime | None = None
        self._past: tuple[Point, ...] = ()  # forgotten since the store was last written
        self._withdrawn = _NOBODY  # uids that the store may still have verdicts of, and that have none any more

    def before(self, at: datetime) -> Point | None:
        """The verdict that held just before `at`."""
        if self.points and self.points[-1].at < at:
            return self.points[-1]
        place = bisect_left(self.points, at, key=_at)
        return self.points[place - 1] if place else None

    def had_symptom(self, at: datetime, drawn: list[Point]) -> bool:
        """Whether any verdict before `at` that memory reaches had a real symptom (an ordinary start is none).

        `drawn` are the verdicts drawn anew, which take the place of those kept from their moment on.
        """
        since = drawn[0].at if drawn else at
        earlier = [*self.points[: bisect_left(self.points, since, key=_at)], *drawn]
        return any(one.verdict.symptom and one.verdict.symptom.expected_by is None for one in earlier)

    def replace(self, since: datetime, drawn: list[Point]) -> bool:
        """Puts newly drawn verdicts in place of all from `since` on; False when that changes nothing."""
        if self._goes_on(since, drawn):
            return False
        place = bisect_left(self.points, since, key=_at)
        kept = list(self.points[:place])
        for point in drawn:
            if kept and kept[-1].same(point):
                kept[-1] = kept[-1].with_more(point)
            else:
                kept.append(point)
        changed = len(kept) != len(self.points) or not all(map(Point.repeats, kept, self.points))
        is_joined = bool(place) and _starts(self.points, place) not in (None, _starts(kept, place))
        if is_joined:  # the store may hold the verdict before as ended here, where it goes on now
            self._joined_at = min(self._joined_at or since, kept[place - 1].at)
        self._withdrawn = self._withdrawn.union(point.uid for point in self.points[place:]) or _NOBODY
        self._past = (*(point for point in self._past if point.at < since), *kept[:-_POINT_LIMIT])
        self.points = tuple(kept[-_POINT_LIMIT:])
        return changed

    def _goes_on(self, since: datetime, drawn: list[Point]) -> bool:
        """Whether what was drawn only says once more what the newest verdict says, which is what mostly happens."""
        if len(drawn) > 1 or not self.points or self.points[-1].at >= since:
            return False
        newest = self.points[-1]
        return newest.same(drawn[0]) and newest.saw_no_less(drawn[0])

    def looked_at(self, groups: set[Watched], since: datetime) -> bool:
        """Whether any verdict that holds at `since` or later looked at one of these."""
        if self.points[-1].at <= since:
            return not groups.isdisjoint(self.points[-1].seen)
        place = max(bisect_right(self.points, since, key=_at) - 1, 0)
        return any(not groups.isdisjoint(point.seen) for point in self.points[place:])

    def rows(self, partition: str, since: datetime) -> Iterator[SubjectTimeline]:
        """What the store shall hold of the subject from `since` on: one for each uid that bore the name.

        What ended exactly at `since` is among it, for the store may still have it as open.
        """
        self.written += 1
        spans = list(self._spans())
        since = min(since, self._joined_at or since)
        state = self.packed()
        for uid in dict.fromkeys(span.point.uid for span in spans if _reaches(span.end, since)):
            lived = [span for span in spans if span.point.uid == uid]
            reached = [span for span in lived if _reaches(span.end, since)]
            edges = _joined(edge for span in lived for edge in span.edges())
            yield SubjectTimeline(
                partition=partition,
                subject=self.subject,
                uid=uid,
                since=since,
                edges=tuple(edge for edge in edges if _reaches(edge.valid_to, since)),
                symptoms=tuple(symptom for span in reached for symptom in span.symptoms()),
                links=tuple(link for span in reached for link in span.links()),
                state=state,
            )
        for uid in sorted(self._withdrawn - {span.point.uid for span in spans}):
            yield SubjectTimeline(partition=partition, subject=self.subject, uid=uid, since=since, state=state)
        self._withdrawn = _NOBODY
        self._past = ()
        self._joined_at = None

    def _spans(self) -> Iterator["_Span"]:
        points = [*self._past, *self.points]
        ends: list[datetime | None] = [point.at for point in points[1:]]
        for point, end in zip(points, [*ends, None], strict=True):
            yield _Span(point, end)

    def packed(self) -> bytes:
        """The timeline as bytes, for the store to keep."""
        points = [_Packed(one.at, one.uid, one.verdict, _names(one.seen)) for one in self.points]
        return _encoder.encode(_State(self.written, points))

    @classmethod
    def unpacked(cls, subject: ObjectKey, state: bytes, reuse: Callable[[Any], Any]) -> "Timeline":
        """The inverse of `packed`; `reuse` gives for a value one that is equal and may be there already."""
        timeline = cls(reuse(subject))
        packed = _decoder.decode(state)
        timeline.written = packed.written
        timeline.points = tuple(
            reuse(Point(one.at, one.uid, one.verdict, tuple(map(_watched, one.seen)))) for one in packed.points
        )
        return timeline


def _starts(points: Sequence[Point], place: int) -> datetime | None:
    return points[place].at if place < len(points) else None


class _Packed(msgspec.Struct, array_like=True):
    """A point as it is stored: what was looked at by the parts of its name."""

    at: datetime
    uid: str
    verdict: Verdict
    seen: list[tuple[str, ...]]


class _State(msgspec.Struct, array_like=True):
    """A timeline as it is stored."""

    written: int
    points: list[_Packed]


def _names(seen: Iterable[Watched]) -> list[tuple[str, ...]]:
    return sorted((tuple(watched) for watched in seen), key=lambda one: (len(one), one))


_WATCHED: dict[int, type[Watched]] = {len(type_._fields): type_ for type_ in (ObjectKey, Group, Bearing)}


def _watched(one: tuple[str, ...]) -> Watched:
    """What was looked at, told apart by how many parts its name has."""
    return _WATCHED[len(one)](*one)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


def _reaches(end: datetime | None, since: datetime) -> bool:
    return end is None or end >= since


def _joined(edges: Iterable[Edge]) -> Iterator[Edge]:
    """An edge that holds through several verdicts is one edge."""
    open_: dict[tuple[str, ObjectKey, ObjectKey], Edge] = {}
    for edge in edges:
        name = (edge.type, edge.source, edge.target)
        last = open_.get(name)
        if last and last.valid_to == edge.valid_from:
            open_[name] = msgspec.structs.replace(last, valid_to=edge.valid_to)
            continue
        if last:
            yield last
        open_[name] = edge
    yield from open_.values()
