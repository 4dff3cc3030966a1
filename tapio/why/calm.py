"""The document of an answer that finds nothing wrong."""

import msgspec

from tapio.why.candidates import Case
from tapio.why.coverage import LOWERED, Window, healthy_lacks, sight
from tapio.why.explanation import Cause, Examined, Explanation, Ref, Status
from tapio.why.impact import NOBODY
from tapio.why.inquiry import Inquiry
from tapio.why.quiet import Quiet, quiet_of
from tapio.why.refs import Refs, utc


def calm(inquiry: Inquiry, case: Case) -> Explanation:
    """That nothing is wrong with the case's subject, as far as the sources could see."""
    at, least = inquiry.seen_at, inquiry.question.min_confidence
    quiet = quiet_of(inquiry.graph, case, at)
    seen = sight(inquiry.graph, Window(at - inquiry.question.since if inquiry.question.since else at, at))
    lacks = healthy_lacks(seen, case.subject.key.kind)
    confidence = round(quiet.confidence * LOWERED if lacks else quiet.confidence, 2)
    subject = Refs(inquiry.graph, at).of(case.subject.key, case.subject.uid)
    is_weak = confidence < least
    because = f"confidence {confidence:.2f} is below {least:.2f}: {quiet.summary}"
    return Explanation(
        id="",
        at=utc(inquiry.at),
        question="",
        subject=subject,
        status=_status(lacks=lacks, is_weak=is_weak),
        symptom=None,
        causes=() if is_weak else (_cause(subject, quiet, confidence),),
        looked_at=(Examined(code=quiet.code, because=because),) if is_weak else msgspec.UNSET,
        ruled_out=(),
        coincident=(),
        impact=NOBODY,
        coverage=seen.part(),
        next=(),
    )


def _status(*, lacks: bool, is_weak: bool) -> Status:
    if lacks:
        return Status.INCOMPLETE
    return Status.UNKNOWN if is_weak else Status.HEALTHY


def _cause(subject: Ref, quiet: Quiet, confidence: float) -> Cause:
    return Cause(
        rank=1,
        code=quiet.code,
        confidence=confidence,
        attributes={},
        entity=subject,
        workload=None,
        change=None,
        summary=quiet.summary,
        chain=quiet.chain,
    )
