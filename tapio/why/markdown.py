"""The answer as Markdown, to paste into an incident's channel or a ticket: whole, and in UTC, for its readers are
anywhere.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from tapio.why import phrases
from tapio.why.clock import Clock
from tapio.why.coincident import described
from tapio.why.columns import printable
from tapio.why.explanation import Cause, ChangePart, Explanation, Status, Step
from tapio.why.kinds import short_form

# What would be markup in a line of GitHub's Markdown; an underscore within a word is none.
_MARKUP = re.compile(r"[\\`*<\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
_STEPS = ("#", "at (UTC)", "what", "of", "source")


def plain(text: str) -> str:
    """The text as it reads, on one line: what a container logged makes no links and no markup."""
    return _MARKUP.sub(lambda sign: f"\\{sign[0]}", printable(text))


def code(text: str) -> str:
    """The text in a code span; empty for none."""
    shown = printable(text).replace("`", "'")
    return f"`{shown}`" if shown else ""


def utc(moment: datetime) -> str:
    """`2026-11-23 06:10:16 UTC`: what is pasted is read on another day, in another zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of cells that are Markdown already."""
    yield _row(headings)
    yield "|---" * len(headings) + "|"
    yield from map(_row, rows)


def answer(explanation: Explanation) -> Iterator[str]:
    """The lines: what failed and since when, the cause, its evidence, what was ruled out, who is hit, what to do."""
    told = explanation.symptom.since if explanation.symptom else explanation.at
    clock = Clock(UTC, told)
    yield f"### {_heading(explanation)}"
    for part in _parts(explanation, clock):
        yield ""
        yield from part
    rule = phrases.rule_of(explanation)
    found = f", rule {code(rule)}" if rule else ""
    yield ""
    yield f"As of {utc(explanation.at)}; explanation {code(explanation.id)}{found}"


def _heading(explanation: Explanation) -> str:
    subject, symptom = explanation.subject, explanation.symptom
    name = code(short_form(subject.key))
    return f"{name}: {symptom.code} since {utc(symptom.since)}" if symptom else f"{name}: {phrases.calm(explanation)}"


def _parts(explanation: Explanation, clock: Clock) -> Iterator[Iterable[str]]:
    for cause in explanation.causes:
        yield _cause(cause, clock, calm=phrases.is_calm(explanation))
    if not explanation.causes:
        yield [f"**Cause** {plain(phrases.unknown(explanation))}"]
    if explanation.causes and explanation.causes[0].chain:
        yield _evidence(explanation.causes[0].chain, clock)
    yield [f"- **{label}**: {plain(text)}" for label, text in _else(explanation, clock) if text]
    if explanation.next:
        yield _next(explanation.next)


# --- The cause and its evidence --------------------------------------------------------------------------------------


def _cause(cause: Cause, clock: Clock, *, calm: bool) -> Iterator[str]:
    label = "OK" if calm else "Cause" if cause.rank == 1 else "Or"
    yield f"**{label}** ({cause.confidence:.2f}): {code(phrases.full_name(cause.entity))}, {plain(cause.code)}"
    yield ""
    yield f"- {plain(cause.summary)}"
    if cause.change:
        yield f"- {_change(cause.change, clock)}"
    if cause.workload and cause.workload != cause.entity:
        yield f"- workload {code(phrases.full_name(cause.workload))}"


def _change(change: ChangePart, clock: Clock) -> str:
    of = f"{code(phrases.full_name(change.entity))} " if change.entity else ""
    by = f" by {plain(change.actor)}" if change.actor else ""
    return f"{of}{code(f'{change.field} {described(change.before, change.after)}')} at {clock.both(change.at)}{by}"


def _evidence(chain: Sequence[Step], clock: Clock) -> Iterator[str]:
    rows = (
        (str(number), clock.local(step.at), plain(step.text), _of(step), plain(step.source))
        for number, step in enumerate(chain, 1)
    )
    return table(_STEPS, rows)


def _of(step: Step) -> str:
    return code(short_form(step.entity.key))


# --- What else -------------------------------------------------------------------------------------------------------


def _else(explanation: Explanation, clock: Clock) -> Iterator[tuple[str, str]]:
    if explanation.status is Status.INCOMPLETE:
        yield "Blind", phrases.blind(explanation, clock)
    yield "Impact", phrases.impact_of(explanation.impact)
    looked = explanation.looked_at
    yield "Looked at", phrases.examined(looked) if looked is not msgspec.UNSET else ""
    yield "Not", phrases.examined(explanation.ruled_out)
    yield "Coincident, not linked", phrases.also(explanation, clock)
    yield "Coverage", phrases.seen_by(explanation.coverage.sources, clock)


def _next(advice: Iterable[str]) -> Iterator[str]:
    yield "**Next** (never run by Tapio)"
    yield ""
    for number, step in enumerate(phrases.steps_of(advice), 1):
        yield f"{number}. {code(step) if step.startswith('kubectl ') else plain(step)}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
