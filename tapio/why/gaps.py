"""A source's gaps as people read them: of which kinds of objects, and intervals that overlap told as one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from tapio.why.explanation import GapPart

_TURNED_OFF = ("forbidden", "not served")  # how the API server's collector says that it never saw a kind
_NAMED = 2  # kinds by name, the others by number


class Cause(NamedTuple):
    """`expired: Pod` is the cause `expired`, which hid objects of the kind `Pod`; without a kind it hid them all."""

    word: str
    kind: str

    @property
    def is_turned_off(self) -> bool:
        """Whether the kind is not seen at all, while the source sees all the others."""
        return self.word in _TURNED_OFF


def cause_of(text: str) -> Cause:
    """Reads a gap's cause; what follows its last colon is a kind only where it is one word."""
    word, _, kind = text.rpartition(": ")
    return Cause(word, kind) if word and kind.isalnum() else Cause(text, "")


class Span(NamedTuple):
    """An interval with everything that was not seen in it; `to` is None while that lasts."""

    start: datetime
    to: datetime | None
    causes: tuple[Cause, ...]

    def words(self) -> str:
        """`expired: Pod, Event and 31 more kinds`."""
        return "; ".join(_told(word, self.causes) for word in dict.fromkeys(cause.word for cause in self.causes))


def spans(gaps: Iterable[GapPart]) -> list[Span]:
    """The gaps but those of kinds that are still turned off, oldest first, overlapping ones joined."""
    found: list[Span] = []
    for gap in sorted(gaps, key=lambda gap: gap.start):
        cause = cause_of(gap.cause)
        if cause.is_turned_off and not gap.to:
            continue
        last = found[-1] if found else None
        if last is None or (last.to and last.to < gap.start):
            found.append(Span(gap.start, gap.to, (cause,)))
        else:
            found[-1] = Span(last.start, max(last.to, gap.to) if last.to and gap.to else None, (*last.causes, cause))
    return found


def turned_off(gaps: Iterable[GapPart]) -> str:
    """`Node, Secret and 3 more kinds`: what the source still may not see; empty where it may see everything."""
    still = (cause_of(gap.cause) for gap in gaps if not gap.to)
    return _some(list(_kinds(cause for cause in still if cause.is_turned_off)))


def _told(word: str, causes: Sequence[Cause]) -> str:
    kinds = list(_kinds(cause for cause in causes if cause.word == word))
    return f"{word}: {_some(kinds)}" if kinds else word


def _kinds(causes: Iterable[Cause]) -> Iterator[str]:
    """The kinds, Pods and their Events first, for they are what most answers rest on."""
    known = {cause.kind for cause in causes if cause.kind}
    return iter(sorted(known, key=lambda kind: (kind != "Pod", kind != "Event", kind)))


def _some(kinds: Sequence[str]) -> str:
    more = len(kinds) - _NAMED
    return ", ".join(kinds) if more <= 1 else f"{', '.join(kinds[:_NAMED])} and {more} more kinds"
