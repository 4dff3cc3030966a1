"""The parts of an answer in words, one line each, however it is laid out."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from tapio.why.clock import Clock
from tapio.why.coincident import described
from tapio.why.explanation import Cause, ChangePart, Examined, Explanation, Impact, Ref, SourcePart, Status
from tapio.why.gaps import Span, spans, turned_off
from tapio.why.kinds import kind_named, short_form

_BETWEEN = " . "
_CODES = 5  # that were looked at for one reason and are named
_OBVIOUS = ("spec.template.spec.", "spec.template.", "data.")  # where most changes are; the document has the full path


def asked_about(explanation: Explanation, clock: Clock) -> str:
    subject, symptom = explanation.subject, explanation.symptom
    name = short_form(subject.key)
    if symptom is None:
        return f"{name}  {calm(explanation)} at {clock.both(explanation.at)}"
    return f"{name}  {symptom.code} since {clock.both(symptom.since)}"


def is_calm(explanation: Explanation) -> bool:
    """Whether what it found says that nothing is wrong; a gap may still make it incomplete."""
    return explanation.symptom is None and bool(explanation.causes)


def calm(explanation: Explanation) -> str:
    return "nothing wrong" if explanation.status is Status.HEALTHY else "nothing wrong was seen"


# An object that came or went is told as that, not by the field that says when.
_LIFE = {"metadata.creationTimestamp": "created", "metadata.deletionTimestamp": "deleted"}


def cause(cause: Cause, clock: Clock) -> str:
    change = cause.change
    if change is None:
        return f"{full_name(cause.entity)}  {cause.summary}"
    if change.entity:
        return f"{full_name(cause.entity)}  {cause.summary}; {full_name(change.entity)} {change_of(change, clock)}"
    if change.field in _LIFE:
        return f"{full_name(cause.entity)}  {cause.summary}; {change_of(change, clock)}"
    return f"{full_name(cause.entity)}  {change_of(change, clock)}"


def change_of(change: ChangePart, clock: Clock) -> str:
    by = f" by {change.actor}" if change.actor else ""
    what = _LIFE.get(change.field) or f"{_brief(change.field)} {described(change.before, change.after)}"
    return f"{what}   {clock.local(change.at)}{by}"


def _brief(field: str) -> str:
    """`containers[app].image` of a pod template's path: what the entity's kind already says is left out."""
    prefix = next((prefix for prefix in _OBVIOUS if field.startswith(prefix)), "")
    return field.removeprefix(prefix)


def full_name(ref: Ref) -> str:
    return "/".join(part for part in ref.key if part)


def unknown(explanation: Explanation) -> str:
    symptom = explanation.symptom
    said = f": {symptom.message}" if symptom and symptom.message else ""
    return f"unknown{said}"


def blind(explanation: Explanation, clock: Clock) -> str:
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


def examined(parts: Iterable[Examined]) -> str:
    """`code, code (because)`: codes that were dropped for one reason stand together."""
    by_reason: dict[str, list[str]] = {}
    for part in parts:
        by_reason.setdefault(part.because, []).append(part.code)
    return _BETWEEN.join(f"{_some(codes)} ({because})" for because, codes in by_reason.items())


def _some(codes: Sequence[str]) -> str:
    """The first codes, and how many more: what they were dropped for says more than the last of them."""
    more = len(codes) - _CODES
    return ", ".join(codes) if more <= 1 else f"{', '.join(codes[:_CODES])} and {more} more"


def also(explanation: Explanation, clock: Clock) -> str:
    onset = explanation.symptom.since if explanation.symptom else explanation.at
    nearest = sorted(explanation.coincident, key=lambda one: abs(one.at - onset))
    return _BETWEEN.join(f"{one.entity.kind}/{one.entity.name} {one.text} {clock.local(one.at)}" for one in nearest)


def impact_of(impact: Impact) -> str:
    pods = [f"{impact.pods} pod{'' if impact.pods == 1 else 's'}"] if impact.pods else []
    services = [f"svc/{one.name} {one.ready}/{one.total} ready" for one in impact.services]
    behind = ", ".join([*pods, *services])
    ingresses = ", ".join(f"ingress/{one.name}" for one in impact.ingresses)
    routed = " -> ".join(part for part in (behind, ingresses) if part)
    callers = ", ".join(f"{kind_named(one.kind).short}/{one.name}" for one in impact.callers)
    return _BETWEEN.join(part for part in (routed, f"called by {callers}" if callers else "") if part)


def seen_by(sources: Sequence[SourcePart], clock: Clock) -> str:
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


def steps_of(advice: Iterable[str]) -> list[str]:
    """The steps, one each: one advice may hold several."""
    return [step for one in advice for step in one.split(", then: ")]


def rule_of(explanation: Explanation) -> str:
    """The rule that found the first cause, with its version; empty where there is none.

    A chain holds steps of shallower conclusions too: the rule that bears the cause's name goes first (each bears its
    first code's), then one of its family.
    """
    if not explanation.causes:
        return ""
    code = explanation.causes[0].code
    rules = [step.rule for step in reversed(explanation.causes[0].chain) if step.rule]
    named = [one for one in rules if one.partition("@")[0] == code]
    family = [one for one in rules if one.startswith(f"{code.partition('.')[0]}.")]
    return next(iter([*named, *family, *rules]), "")
