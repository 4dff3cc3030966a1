"""What the sources could see of an answer's time, and whether what they missed could change it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from tapio.graph import EdgeType, Gap, GraphReader, SourceCoverage
from tapio.unified import ObjectKey
from tapio.why.candidates import Candidate, Case
from tapio.why.explanation import Coverage, SourcePart
from tapio.why.gaps import cause_of
from tapio.why.refs import gap_part

LOWERED = 0.7  # what is left of a confidence when a needed source was blind; to be calibrated on recorded incidents
_STATES = "kubeapi"  # the source of every state: without it neither "nothing is wrong" nor "unknown" can be said


class Window(msgspec.Struct, frozen=True):
    """The time that an answer is about, both ends included."""

    start: datetime
    end: datetime

    def meets(self, gap: Gap) -> bool:
        """Whether the gap has a moment in this window."""
        return gap.start <= self.end and (gap.end is None or gap.end > self.start)


class Sight(msgspec.Struct, frozen=True):
    """What each source saw until the window's end."""

    sources: tuple[SourceCoverage, ...]
    window: Window

    def blind(self, source: str, nodes: Iterable[str], *, to: Collection[str] | None = None) -> bool:
        """Whether the source is installed and missed part of the window, on one of these nodes or for the cluster.

        With no node known, a gap on any node counts. A source that never was there has no gap. A gap of one kind of
        objects counts where `to` has that kind, and the source is not turned off to it for good; None asks for any gap.
        """
        wanted = set(nodes)
        return any(
            self.window.meets(gap)
            for seen in self.sources
            if seen.source == source and (not seen.node or not wanted or seen.node in wanted)
            for gap in seen.gaps
            if to is None or _hides(gap, to)
        )

    def part(self) -> Coverage:
        """The document's coverage: every source, with its gaps in the window."""
        parts = tuple(_source_part(seen, self.window) for seen in self.sources)
        return Coverage(complete=not any(part.gaps or part.lost for part in parts), sources=parts)


def _hides(gap: Gap, kinds: Collection[str]) -> bool:
    cause = cause_of(gap.cause)
    return not cause.kind or (cause.kind in kinds and not cause.is_turned_off)


def sight(graph: GraphReader, window: Window) -> Sight:
    """Reads what the sources saw, in a stable order."""
    seen = graph.coverage(window.end)
    return Sight(tuple(sorted(seen, key=lambda one: (one.source, one.node))), window)


def _source_part(seen: SourceCoverage, window: Window) -> SourcePart:
    gaps = sorted((gap for gap in seen.gaps if window.meets(gap)), key=lambda gap: (gap.start, gap.cause))
    untimed = max(0, seen.lost - sum(gap.lost for gap in seen.gaps))
    return SourcePart(
        source=seen.source,
        node=seen.node,
        gaps=tuple(gap_part(gap) for gap in gaps),
        lost=untimed + sum(gap.lost for gap in gaps),
    )


def cause_lacks(candidate: Candidate, sight: Sight, nodes: Sequence[str]) -> bool:
    """Whether a source that this conclusion needs was blind to what it is about: one that the rule would have asked, or
    every one that it did hear, for where any one of several decides, one is enough.
    """
    links = (*candidate.path, candidate.link)
    kinds = {key.kind for link in links for key in (link.subject, link.blame, *link.through)}
    kinds |= {evidence.entity.kind for link in links for evidence in link.evidence}
    missing = {source for link in links for source in link.missing}
    heard = {evidence.source for link in links for evidence in link.evidence if evidence.source}
    if any(sight.blind(source, nodes, to=kinds) for source in missing):
        return True
    return bool(heard) and all(sight.blind(source, nodes, to=kinds) for source in heard)


def unknown_lacks(case: Case, sight: Sight, nodes: Sequence[str]) -> bool:
    """Whether a source that could have said why was blind: the states', the symptoms', or one that a rule missed."""
    links = (*case.looked, *(candidate.link for candidate in case.candidates))
    needed = {_STATES, *(source for link in links for source in link.missing)}
    needed |= {evidence.source for symptom in case.open for evidence in symptom.evidence}
    return any(sight.blind(source, nodes) for source in needed)


def healthy_lacks(sight: Sight, kind: str) -> bool:
    """Whether the states cannot be told at the window's end: their source has not seen pods, or the kind asked about,
    since it went blind.
    """
    end = sight.window.end
    still = Sight(sight.sources, Window(end, end))
    return still.blind(_STATES, (), to={"Pod", kind})


def nodes_of(graph: GraphReader, keys: Collection[ObjectKey], at: datetime) -> tuple[str, ...]:
    """The nodes that these run on, or are."""
    nodes = {key.name for key in keys if key.kind == "Node"}
    for key in keys:
        edges = graph.edges(key, at) if key.kind == "Pod" else ()
        nodes |= {edge.target.name for edge in edges if edge.type == EdgeType.RUNS_ON and edge.source == key}
    return tuple(sorted(nodes))
