"""The answer in words: at most a screen of 24 lines, in the order a person on call needs it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import chain, groupby, repeat

import msgspec

from tapio.why.clock import Clock
from tapio.why.coincident import described
from tapio.why.columns import Block, Row, cut, fit_rows, printable
from tapio.why.explanation import (
    Cause,
    ChangePart,
    Examined,
    Explanation,
    Impact,
    Ref,
    SourcePart,
    Status,
    Step,
)
from tapio.why.gaps import Span, spans, turned_off
from tapio.why.kinds import kind_named, short_form

SCREEN = 24  # lines; the answer fits a terminal that nobody has made larger
_NARROWEST = 40
_BETWEEN = " . "
_STEP_LINES = 4  # of a wide terminal; of a narrow one a line less
_ROOMY = 60
_CODES = 5  # that were looked at for one reason and are named
_OTHERS = 2  # further causes that are named
_OBVIOUS = ("spec.template.spec.", "spec.template.", "data.")  # where most changes are; the document has the full path


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
    yield Block("WHY", _why(explanation, clock))
    if explanation.status is Status.HEALTHY:
        yield from (Block(f"OK ({one.confidence:.2f})", f"{one.code}: {one.summary}") for one in explanation.causes)
        return
    if explanation.causes:
        yield from _causes(explanation, clock)
    else:
        yield Block("CAUSE", _unknown(explanation), 3)
    if explanation.status is Status.INCOMPLETE:
        yield Block("BLIND", _blind(explanation, clock))


def _why(explanation: Explanation, clock: Clock) -> str:
    subject, symptom = explanation.subject, explanation.symptom
    name = short_form(subject.kind, subject.namespace, subject.name)
    if symptom is None:
        return f"{name}  nothing wrong at {clock.both(explanation.at)}"
    return f"{name}  {symptom.code} since {clock.both(symptom.since)}"


def _causes(explanation: Explanation, clock: Clock) -> Iterator[Block]:
    first, *others = explanation.causes
    yield Block(f"CAUSE ({first.confidence:.2f})", _cause(first, clock), 4)
    for cause in others[:_OTHERS]:
        yield Block(f"   OR ({cause.confidence:.2f})", _cause(cause, clock), 1)


def _cause(cause: Cause, clock: Clock) -> str:
    change = cause.change
    if change is None:
        return f"{_full(cause.entity)}  {cause.summary}"
    if change.entity:
        return f"{_full(cause.entity)}  {cause.summary}; {_full(change.entity)} {_change(change, clock)}"
    return f"{_full(cause.entity)}  {_change(change, clock)}"


def _change(change: ChangePart, clock: Clock) -> str:
    by = f" by {change.actor}" if change.actor else ""
    return f"{_brief(change.field)} {described(change.before, change.after)}   {clock.local(change.at)}{by}"


def _brief(field: str) -> str:
    """`containers[app].image` of a pod template's path: what the entity's kind already says is left out."""
    prefix = next((prefix for prefix in _OBVIOUS if field.startswith(prefix)), "")
    return field.removeprefix(prefix)


def _full(ref: Ref) -> str:
    return "/".join(part for part in (ref.kind, ref.namespace, ref.name) if part)


def _unknown(explanation: Explanation) -> str:
    symptom = explanation.symptom
    said = f": {symptom.message}" if symptom and symptom.message else ""
    return f"unknown{said}"


def _blind(explanation: Explanation, clock: Clock) -> str:
    blind = [
        f"{f'{part.source} {part.node}'.strip()} {_span(span, clock)} ({span.words()})"
        for part in explanation.coverage.sources
        for span in spans(part.gaps)
    ]
    blind += [
        f"{part.source} may not read {unread}"
        for part in explanation.coverage.sources
        if (unread := turned_off(part.gaps))
    ]
    return f"{_BETWEEN.join(blind)}: what this answer needs may have happened there"


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
        yield Block("LOOKED", _examined(looked), 8)
    elif explanation.ruled_out:
        yield Block("NOT", _examined(explanation.ruled_out))
    if explanation.coincident:
        yield Block("ALSO", f"coincident, not linked: {_also(explanation, clock)}")
    impact = _impact(explanation.impact)
    if impact:
        yield Block("IMPACT", impact)
    yield Block("COVERAGE", _coverage(explanation.coverage.sources, clock))
    if explanation.next:
        yield _steps(explanation.next)


def _examined(parts: Iterable[Examined]) -> str:
    """`code, code (because)`: codes that were dropped for one reason stand together."""
    by_reason: dict[str, list[str]] = {}
    for part in parts:
        by_reason.setdefault(part.because, []).append(part.code)
    return _BETWEEN.join(f"{_some(codes)} ({because})" for because, codes in by_reason.items())


def _some(codes: Sequence[str]) -> str:
    """The first codes, and how many more: what they were dropped for says more than the last of them."""
    more = len(codes) - _CODES
    return ", ".join(codes) if more <= 1 else f"{', '.join(codes[:_CODES])} and {more} more"


def _steps(advice: Sequence[str]) -> _Steps:
    """One advice may hold several steps; what is printed is never run, and the last one says so."""
    *before, last = [step for one in advice for step in one.split(", then: ")]
    return _Steps((*before, f"{last}   (never run by Tapio)"))


def _also(explanation: Explanation, clock: Clock) -> str:
    onset = explanation.symptom.since if explanation.symptom else explanation.at
    nearest = sorted(explanation.coincident, key=lambda one: abs(one.at - onset))
    return _BETWEEN.join(f"{one.entity.kind}/{one.entity.name} {one.text} {clock.local(one.at)}" for one in nearest)


def _impact(impact: Impact) -> str:
    pods = [f"{impact.pods} pod{'' if impact.pods == 1 else 's'}"] if impact.pods else []
    services = [f"svc/{one.name} {one.ready}/{one.total} ready" for one in impact.services]
    behind = ", ".join([*pods, *services])
    ingresses = ", ".join(f"ingress/{one.name}" for one in impact.ingresses)
    routed = " -> ".join(part for part in (behind, ingresses) if part)
    callers = ", ".join(f"{kind_named(one.kind).short}/{one.name}" for one in impact.callers)
    return _BETWEEN.join(part for part in (routed, f"called by {callers}" if callers else "") if part)


def _coverage(sources: Sequence[SourcePart], clock: Clock) -> str:
    if not sources:
        return "no source reported"
    said = [_source(name, list(parts), clock) for name, parts in groupby(sources, key=lambda part: part.source)]
    lost = sum(part.lost for part in sources)
    return _BETWEEN.join([*said, f"{lost} events lost"])


def _source(name: str, parts: Sequence[SourcePart], clock: Clock) -> str:
    seeing = [part.node for part in parts if not spans(part.gaps)]
    named = f"{len(seeing)} nodes" if len(seeing) > 2 else " ".join(filter(None, seeing))  # noqa: PLR2004  two names fit
    fine = [f"{named} ok".strip()] if seeing else []
    blind = [f"{part.node} gap {_span(span, clock)}".strip() for part in parts for span in spans(part.gaps)]
    unread = [f"{part.node} without {kinds}".strip() for part in parts if (kinds := turned_off(part.gaps))]
    return f"{name} {', '.join([*fine, *blind, *unread])}"


def _span(gap: Span, clock: Clock) -> str:
    return f"{clock.local(gap.start)}-{clock.local(gap.to) if gap.to else 'now'}"


class _Command(msgspec.Struct, frozen=True):
    """A command on a line of its own, whole: cut, nobody could run it."""

    text: str

    def lines(self, width: int) -> list[str]:  # noqa: ARG002  as a block's
        """The one line, however long."""
        return [printable(self.text)]


def _footer(explanation: Explanation, width: int, more: str) -> Iterator[Block | _Command]:
    """One line, or one for each part where they do not fit: the command stays whole."""
    steps = explanation.causes[0].chain if explanation.causes else ()
    rule = next((step.rule for step in reversed(steps) if step.rule), None)
    named = f"rule {rule}   " if rule else ""
    said, command = f"{named}explanation {explanation.id}", f"more: {more} {explanation.id}" if more else ""
    whole = f"{said}   {command}".rstrip()
    if len(whole) <= width:
        yield Block("", whole, 1)
        return
    yield Block("", said, 1)
    if command:
        yield _Command(command)
