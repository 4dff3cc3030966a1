"""One subject through time: at each moment that matters a verdict, and what of it is new.

A verdict is drawn at every event of the subject, at every event of whatever its last verdict looked at, and when time
alone would change it. An event that comes late redraws the verdicts from its moment on, so the timeline follows from
the events alone.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter

import msgspec

from tapio.correlators.hierarchy import EdgeName
from tapio.correlators.world import Watched
from tapio.graph import Edge, Link, SubjectTimeline, Symptom
from tapio.unified import ObjectKey

_POINT_LIMIT = 32
_at = attrgetter("at")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What holds of a subject from one moment to the next; the rows made of it say when."""

    edges: tuple[EdgeName, ...] = ()
    symptom: Symptom | None = None
    links: tuple[Link, ...] = ()


class Point(msgspec.Struct, frozen=True):
    """A moment at which the verdict became another."""

    at: datetime
    uid: str
    verdict: Verdict


class Timeline:
    """A subject's verdicts, the newest last; equal neighbours are one."""

    __slots__ = ("points", "subject", "watching")

    def __init__(self, subject: ObjectKey) -> None:
        self.subject = subject
        self.points: list[Point] = []
        self.watching: set[Watched] = set()  # everything that any verdict looked at

    def before(self, at: datetime) -> Point | None:
        """The verdict that held just before `at`."""
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
        place = bisect_left(self.points, since, key=_at)
        kept = self.points[:place]
        for point in drawn:
            if not kept or (kept[-1].verdict, kept[-1].uid) != (point.verdict, point.uid):
                kept.append(point)
        changed = kept != self.points
        self.points = kept[-_POINT_LIMIT:]
        return changed

    def rows(self, partition: str, since: datetime) -> SubjectTimeline:
        """What the store shall hold of the subject from `since` on."""
        uid = self.points[bisect_right(self.points, since, key=_at) - 1].uid if self.points else ""
        edges, symptoms, links = [], [], []
        for start, end, point in self._spans():
            if end is not None and end <= since:
                continue
            for type_, source, target in point.verdict.edges:
                edges.append(Edge(type=type_, source=source, target=target, valid_from=start, valid_to=end))
            if point.verdict.symptom:
                symptoms.append(msgspec.structs.replace(point.verdict.symptom, valid_from=start, valid_to=end))
            links += [msgspec.structs.replace(link, valid_from=start, valid_to=end) for link in point.verdict.links]
        return SubjectTimeline(
            partition=partition,
            subject=self.subject,
            uid=uid,
            since=since,
            edges=tuple(_joined(edges)),
            symptoms=tuple(symptoms),
            links=tuple(links),
            state=self.packed(),
        )

    def _spans(self) -> Iterator[tuple[datetime, datetime | None, Point]]:
        ends: list[datetime | None] = [point.at for point in self.points[1:]]
        for point, end in zip(self.points, [*ends, None], strict=True):
            yield point.at, end, point

    def packed(self) -> bytes:
        """The timeline as bytes, for the store to keep."""
        watching = sorted((tuple(watched) for watched in self.watching), key=lambda one: (len(one), one))
        return _encoder.encode((self.points, watching))

    @classmethod
    def unpacked(cls, subject: ObjectKey, state: bytes) -> "Timeline":
        """The inverse of `packed`."""
        timeline = cls(subject)
        timeline.points, watching = _decoder.decode(state)
        timeline.watching = {_watched(*one) for one in watching}
        return timeline


def _watched(kind: str, namespace: str, name: str | None = None) -> Watched:
    return (kind, namespace) if name is None else ObjectKey(kind, namespace, name)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[list[Point], list[tuple[str, ...]]])


def _joined(edges: list[Edge]) -> Iterator[Edge]:
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
