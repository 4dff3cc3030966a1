"""The answer in words: at most a screen of 24 lines, in the order a person on call needs it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import chain, repeat

import msgspec

from tapio.why import phrases
from tapio.why.clock import Clock
from tapio.why.columns import Block, Row, cut, fit_rows, printable
from tapio.why.explanation import (
    Explanation,
    Status,
    Step,
)
from tapio.why.kinds import kind_named

SCREEN = 24  # lines; the answer fits a terminal that nobody has made larger
_NARROWEST = 40
_STEP_LINES = 4  # of a wide terminal; of a narrow one a line less
_ROOMY = 60
_OTHERS = 2  # further causes that are named


class _Steps(msgspec.Struct, frozen=True):
    """What to do next, each step on lines of its own, so that a command can be taken from them."""

    steps: tuple[str, ...]

    def lines(self, width: int) -> list[str]:
        """The steps, the first one labelled NEXT."""
        labelled = zip(chain(("NEXT",), repeat("then")), self.steps, strict=False)
        found = [line for label, step in labelled for line in Block(label, step, _STEP_LINES).lines(width)]
        return cut(found, _STEP_LINES if width >= _ROOMY else _STEP_LINES - 1, width)


def render(
    explanation: Explanation,
    *,
    width: int,
    zone: tzinfo,
    today: datetime | None = None,
    more: str = "tapio evidence",
) -> list[str]:
    """The answer as plain lines no longer than `width` columns; the first word of each block is its label.

    `today` is the reader's (None: the answer's). Of another day the first line has the date, and the others only where
    they differ from it. `more` is the command that shows an explanation's evidence, without the id; empty where none
    can.
    """
    width = max(width, _NARROWEST)
    clock = _clock(explanation, zone, today or explanation.at)
    head = [line for block in _head(explanation, clock) for line in block.lines(width)]
    tail = [line for block in _tail(explanation, clock) for line in block.lines(width)]
    tail += [line for block in _footer(explanation, width, more) for line in block.lines(width)]
    rows = _rows(explanation, clock)
    return [*head, *fit_rows(rows, width, SCREEN - len(head) - len(tail)), *tail]


def _clock(explanation: Explanation, zone: tzinfo, today: datetime) -> Clock:
    is_of_today = explanation.at.astimezone(zone).date() == today.astimezone(zone).date()
    told = explanation.symptom.since if explanation.symptom else explanation.at
    return Clock(zone, today, today if is_of_today else told)


# --- What and why ----------------------------------------------------------------------------------------------------


def _head(explanation: Explanation, clock: Clock) -> Iterator[Block]:
    yield Block("WHY", phrases.asked_about(explanation, clock))
    if phrases.is_calm(explanation):
        yield from (Block(f"OK ({one.confidence:.2f})", f"{one.code}: {one.summary}") for one in explanation.causes)
    elif explanation.causes:
        yield from _causes(explanation, clock)
    else:
        yield Block("CAUSE", phrases.unknown(explanation), 3)
    if explanation.status is Status.INCOMPLETE:
        yield Block("BLIND", phrases.blind(explanation, clock))


def _causes(explanation: Explanation, clock: Clock) -> Iterator[Block]:
    first, *others = explanation.causes
    yield Block(f"CAUSE ({first.confidence:.2f})", phrases.cause(first, clock), 4)
    for cause in others[:_OTHERS]:
        yield Block(f"   OR ({cause.confidence:.2f})", phrases.cause(cause, clock), 1)


# --- The chain -------------------------------------------------------------------------------------------------------


def _rows(explanation: Explanation, clock: Clock) -> list[Row]:
    if not explanation.causes:
        return []
    cause = explanation.causes[0]
    said = "" if cause.change else cause.summary  # the CAUSE line has it
    steps = [step for step in cause.chain if not (step.rule and said.startswith(step.text))]
    named = (explanation.subject.name, cause.entity.name)
    times = [clock.local(step.at) for step in steps]
    wide = max(map(len, times), default=0)
    return [
        Row(f"{number:>3} {time:>{wide}} ", _step(step, named), step.source)
        for number, (step, time) in enumerate(zip(steps, times, strict=True), 1)
    ]


def _step(step: Step, named: Sequence[str]) -> str:
    """The text, with the entity before it where neither the text nor the lines above name it."""
    entity = step.entity
    is_known = entity.name in step.text or entity.name in named
    return step.text if is_known else f"{kind_named(entity.kind).short}/{entity.name} {step.text}"


# --- What else -------------------------------------------------------------------------------------------------------


def _tail(explanation: Explanation, clock: Clock) -> Iterator[Block | _Steps]:
    looked = explanation.looked_at
    if looked is not msgspec.UNSET and looked:
        yield Block("LOOKED", phrases.examined(looked), 8)
    elif explanation.ruled_out:
        yield Block("NOT", phrases.examined(explanation.ruled_out))
    if explanation.coincident:
        yield Block("ALSO", f"coincident, not linked: {phrases.also(explanation, clock)}")
    impact = phrases.impact_of(explanation.impact)
    if impact:
        yield Block("IMPACT", impact)
    yield Block("COVERAGE", phrases.seen_by(explanation.coverage.sources, clock))
    if explanation.next:
        yield _steps(explanation.next)


def _steps(advice: Sequence[str]) -> _Steps:
    """One advice may hold several steps; what is printed is never run, and the last one says so."""
    *before, last = phrases.steps_of(advice)
    return _Steps((*before, f"{last}   (never run by Tapio)"))


class _Command(msgspec.Struct, frozen=True):
    """A command on a line of its own, whole: cut, nobody could run it."""

    text: str

    def lines(self, width: int) -> list[str]:  # noqa: ARG002  as a block's
        """The one line, however long."""
        return [printable(self.text)]


def _footer(explanation: Explanation, width: int, more: str) -> Iterator[Block | _Command]:
    """One line, or one for each part where they do not fit: the command stays whole."""
    rule = phrases.rule_of(explanation)
    named = f"rule {rule}   " if rule else ""
    said, command = f"{named}explanation {explanation.id}", f"more: {more} {explanation.id}" if more else ""
    whole = f"{said}   {command}".rstrip()
    if len(whole) <= width:
        yield Block("", whole, 1)
        return
    yield Block("", said, 1)
    if command:
        yield _Command(command)
