"""A question and a graph in, the answer out."""

from datetime import datetime

from tapio.errors import UnknownTargetError
from tapio.graph import Entity, GraphReader
from tapio.times import rfc3339
from tapio.unified import ObjectKey
from tapio.why.answer import answer
from tapio.why.candidates import Case, case_of
from tapio.why.explanation import Explanation
from tapio.why.incidents import Incident, incidents, troubles_in
from tapio.why.inquiry import Inquiry
from tapio.why.leaning import with_what_it_leans_on
from tapio.why.memo import ReadOnce
from tapio.why.question import Question, check_namespace, resolve
from tapio.why.quiet import CLUSTER
from tapio.why.refs import utc
from tapio.why.scope import Subject, last_moment


def explain(question: Question, graph: GraphReader) -> Explanation:
    """The answer about the target, or about the worst incident where the question names none.

    Raises:
        UsageError: the target cannot be read.
        UnknownTargetError: the target, the namespace or any data at all is not known at that time.
        AmbiguousTargetError: the name is in several places.
    """
    return answer(*inquire(question, ReadOnce(graph)))


def inquire(question: Question, graph: GraphReader) -> tuple[Inquiry, Case]:
    """What `explain` answers: the case of the target, or of the worst incident. Raises what `explain` does."""
    at = moment_of(question, graph)
    if question.target:
        return _about(resolve(question, graph, at), question, graph, at)
    found = _incidents(question, graph, at)
    case = found[0].case if found else with_what_it_leans_on(graph, _calm(question, graph, at), at)
    return Inquiry(question=question, graph=graph, at=at, seen_at=at), case


def explain_each(question: Question, graph: GraphReader) -> list[Explanation]:
    """The answers about every incident (of the target, or of the namespace, where given), the worst first.

    Raises:
        UsageError, UnknownTargetError, AmbiguousTargetError: as `explain` does.
    """
    graph = ReadOnce(graph)
    at = moment_of(question, graph)
    if question.target:
        explanation = explain(question, graph)
        return [explanation] if explanation.symptom else []
    found = _incidents(question, graph, at)
    inquiry = Inquiry(question=question, graph=graph, at=at, seen_at=at)
    return [answer(inquiry, incident.case) for incident in found]


def moment_of(question: Question, graph: GraphReader) -> datetime:
    """The moment the question is about: the one it names, else the newest event's.

    Raises:
        UnknownTargetError: it names none and no event has come.
    """
    newest = graph.newest()
    if newest is None:
        raise UnknownTargetError("nothing is known: no event has come")
    at = question.at or newest
    begun = min((seen.first for seen in graph.coverage(newest) if seen.first), default=at)
    if at < begun:
        raise UnknownTargetError(f"nothing is known of {rfc3339(at)}: what has come begins at {rfc3339(begun)}")
    return utc(at)


def _about(entity: Entity, question: Question, graph: GraphReader, at: datetime) -> tuple[Inquiry, Case]:
    subject = Subject(entity.key, entity.uid)
    seen_at = last_moment(graph, entity, at)
    inquiry = Inquiry(question=question, graph=graph, at=at, seen_at=seen_at)
    return inquiry, with_what_it_leans_on(graph, case_of(graph, subject, seen_at), seen_at)


def _incidents(question: Question, graph: GraphReader, at: datetime) -> list[Incident]:
    if question.namespace:
        check_namespace(question.namespace, graph, at)
    return incidents(graph, at, question.namespace, question.selector)


def _calm(question: Question, graph: GraphReader, at: datetime) -> Case:
    """Nothing is wrong: the case of the namespace asked for, of the one thing that the data is about, or of all."""
    namespace = question.namespace
    troubles = troubles_in(graph, at, namespace)
    subject = Subject(ObjectKey("Namespace", "", namespace)) if namespace else _whole(graph, at)
    return Case(subject=subject, starting=(*troubles.starting, *troubles.open))


def _whole(graph: GraphReader, at: datetime) -> Subject:
    if graph.entities(at, kind="Node"):
        return Subject(CLUSTER)
    entities = graph.entities(at)
    roots = {entity.root for entity in entities}
    newest = next((entity for entity in entities if entity.key in roots), None)
    return Subject(newest.key, newest.uid) if newest and len(roots) == 1 else Subject(CLUSTER)
