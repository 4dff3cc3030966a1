"""Nothing is wrong: which `none.*` code says so best, and the evidence for it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from tapio.graph import Entity, GraphReader, Link, Symptom
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.why.candidates import Case
from tapio.why.explanation import Step
from tapio.why.refs import chain, fact, plain_ref, utc
from tapio.why.scope import Subject, entity_of, is_quiet, links_of, members, newest

CLUSTER = ObjectKey("Component", "", "cluster")  # the subject of an answer that names none: the cluster as a whole
UNSAID = 0.9  # no rule spoke of the subject and it shows no symptom; to be calibrated on recorded incidents
_RECENT = timedelta(hours=1)  # Kubernetes keeps its own Events for as long
_MOST = 200  # members looked at for a whole namespace or cluster; the answer does not get surer with more

_SPEAK = ("Node", "Deployment", "StatefulSet", "DaemonSet")

_OF_ONE = ("none.starting", "none.retired", "none.completed", "none.recovered", "none.healthy")
_OF_MANY = ("none.starting", "none.recovered", "none.healthy", "none.completed", "none.retired")


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """That nothing is wrong, why, and how sure that is."""

    code: str
    confidence: float
    summary: str
    chain: tuple[Step, ...]


def quiet_of(graph: GraphReader, case: Case, at: datetime) -> Quiet:
    """Why the case's subject is in order: it is starting, or a rule said so of it, or of what lies below it."""
    own = _said(graph, case.subject, at)
    if case.starting:
        return _starting(graph, case.starting, own, at)
    if own:
        return _chosen(own, _OF_ONE)
    below = _members(graph, case.subject.key, at)
    said = [link for key in below for link in _said(graph, newest(graph, key, at), at)]
    if said:
        return _chosen(said, _OF_MANY, of=len({link.subject for link in said}))
    return _unsaid(graph, case.subject, below, at)


def _said(graph: GraphReader, subject: Subject, at: datetime) -> list[Link]:
    return [link for link in links_of(graph, subject, at) if is_quiet(link)]


def _members(graph: GraphReader, key: ObjectKey, at: datetime) -> list[ObjectKey]:
    if key == CLUSTER:
        return _cluster(graph, at)
    if key.kind != "Namespace":
        return members(graph, key, at)[1:]
    return _living(graph.entities(at, namespace=key.name), at)


def _cluster(graph: GraphReader, at: datetime) -> list[ObjectKey]:
    """Nodes and workloads, which speak for their pods; in a file without any, whatever is in it."""
    keys = [key for kind in _SPEAK for key in _living(graph.entities(at, kind=kind), at)]
    return keys or _living(graph.entities(at), at)


def _living(entities: Sequence[Entity], at: datetime) -> list[ObjectKey]:
    return sorted({one.key for one in entities if one.lives_at(at)})[:_MOST]


def _chosen(links: Sequence[Link], order: Sequence[str], of: int = 1) -> Quiet:
    code = min((link.code for link in links), key=lambda code: order.index(code) if code in order else len(order))
    same = [link for link in links if link.code == code]
    clearest = min(same, key=lambda link: (-link.confidence, -len(link.evidence), link.subject, link.id))
    hidden = f" (one of {of} looked at)" if of > 1 else ""
    return Quiet(
        code=code,
        confidence=min(link.confidence for link in same),
        summary=clearest.summary + hidden,
        chain=chain((clearest,), clearest),
    )


def _starting(graph: GraphReader, symptoms: Sequence[Symptom], own: Sequence[Link], at: datetime) -> Quiet:
    below = [link for one in symptoms for link in _said(graph, Subject(one.subject, one.uid), at)]
    said = [link for link in (*own, *below) if link.code == "none.starting"]
    if said:
        return _chosen(said, _OF_ONE)
    first = symptoms[0]
    until = f", expected by {utc(first.expected_by):%H:%M:%S} UTC" if first.expected_by else ""
    summary = f"{first.subject.kind} {first.subject.name} is starting{until}"
    steps = tuple(fact(evidence) for evidence in first.evidence)
    return Quiet(code="none.starting", confidence=UNSAID, summary=summary, chain=steps)


def _unsaid(graph: GraphReader, subject: Subject, below: Sequence[ObjectKey], at: datetime) -> Quiet:
    last = next((event for key in (subject.key, *below[:10]) if (event := last_event(graph, key, at))), None)
    return Quiet(
        code="none.healthy",
        confidence=UNSAID,
        summary="no symptom is open",
        chain=(_seen(last),) if last else (),
    )


def last_event(graph: GraphReader, key: ObjectKey, at: datetime) -> UnifiedEvent | None:
    return next(newest_events(graph, key, at), None)


def newest_events(graph: GraphReader, key: ObjectKey, at: datetime) -> Iterator[UnifiedEvent]:
    """What happened to it, newest first; only who asks for more than the last hour has its whole life read."""
    yield from reversed(graph.events(key, at - _RECENT, at))
    entity = entity_of(graph, Subject(key), at)
    if entity and entity.valid_from < at - _RECENT:
        yield from reversed(graph.events(key, entity.valid_from, at - _RECENT))


def _seen(event: UnifiedEvent) -> Step:
    said = event.message or event.reason or "seen, and no symptom since"
    return Step(
        at=utc(event.timestamp),
        event_id=event.id,
        source=event.source,
        entity=plain_ref(event.key, event.k8s_context.uid),
        text=said,
        rule=None,
    )
