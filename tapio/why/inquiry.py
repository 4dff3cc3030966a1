"""A question being answered: what was asked, of which graph, about which moment."""

from datetime import datetime

import msgspec

from tapio.graph import GraphReader
from tapio.times import rfc3339
from tapio.why.explanation import Explanation, explanation_id
from tapio.why.kinds import short_form
from tapio.why.question import Question


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """`at` is the moment asked about; `seen_at` the moment the graph is read as of: earlier where the object was gone
    by then.
    """

    question: Question
    graph: GraphReader
    at: datetime
    seen_at: datetime


def sign(explanation: Explanation) -> Explanation:
    """Gives the answer its id."""
    causes = [f"{cause.code} {cause.entity} {cause.confidence}" for cause in explanation.causes]
    signed = explanation_id(explanation.subject, explanation.at, explanation.question, explanation.status, causes)
    return msgspec.structs.replace(explanation, id=signed)


def asked(question: Question, explanation: Explanation) -> Explanation:
    """Writes the question into the answer in its one form, whatever flags or spelling it came with."""
    subject = explanation.subject
    target = short_form(subject.key) if question.target else "worst incident"
    where = f" in {question.namespace}" if question.namespace and not question.target else ""
    since = f", looking back {question.since.total_seconds():.0f} s" if question.since is not None else ""
    least = f", at least {question.min_confidence:g} sure" if question.min_confidence else ""
    moment = rfc3339(explanation.at)
    return msgspec.structs.replace(explanation, question=f"why {target}{where} at {moment}{since}{least}")
