"""What a subject leans on: with nothing wrong of its own, it fails when a Service that its settings name leads nowhere.

The one who asks sees errors; the pods are ready, for their probes do not look at what they call. So the edges TALKS_TO
are walked from the subject's pods to the Services they name, and on from the pods behind those, up to the first that
show a symptom whose cause is known.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from tapio.graph import EdgeType, Entity, Evidence, GraphReader, Link
from tapio.graph.symptoms import SymptomCode
from tapio.unified import ObjectKey
from tapio.why.candidates import Candidate, Case, candidates_for
from tapio.why.quiet import last_event
from tapio.why.scope import MAX_DEPTH, Subject, entity_of, members

# That the settings name what is down is no proof that it is missed: nobody was seen to call. Less so, a step further.
NAMED = 0.75
NAMED_BY_ANOTHER = 0.6

_LEADS_NOWHERE = frozenset({SymptomCode.NO_ENDPOINTS, SymptomCode.PORT_MISMATCH, SymptomCode.FOREIGN_ENDPOINTS})
_RULE = "leaning"
_Path = tuple[Link, ...]


def with_what_it_leans_on(graph: GraphReader, case: Case, at: datetime) -> Case:
    """The case, if nothing is wrong in it, with the nearest Services that lead nowhere and that its pods depend on."""
    if case.open or case.starting:
        return case
    reached: dict[ObjectKey, _Path] = dict.fromkeys(members(graph, case.subject.key, at), ())
    level: Mapping[ObjectKey, _Path] = reached
    for depth in range(MAX_DEPTH):
        called = _called(graph, level, reached, NAMED if depth == 0 else NAMED_BY_ANOTHER, at)
        found = [one for service, path in called.items() for one in _causes_of(graph, service, path, at)]
        if found:
            shown = {one.symptom.id: one.symptom for one in found}
            return msgspec.structs.replace(case, open=tuple(shown.values()), candidates=tuple(found))
        level = {pod: path for service, path in called.items() for pod in members(graph, service, at)}
        reached |= {**called, **level}
        if not level:
            break
    return case


def _called(
    graph: GraphReader,
    callers: Mapping[ObjectKey, _Path],
    reached: Mapping[ObjectKey, _Path],
    confidence: float,
    at: datetime,
) -> dict[ObjectKey, _Path]:
    """The Services that the callers' settings name and that were not reached before, each with the way to it."""
    called: dict[ObjectKey, _Path] = {}
    for caller, path in callers.items():
        for service in _named_by(graph, caller, at):
            if service not in reached and service not in called:
                called[service] = (*path, _leans(graph, caller, service, confidence, at))
    return called


def _named_by(graph: GraphReader, caller: ObjectKey, at: datetime) -> Iterator[ObjectKey]:
    """The living Services that a pod's settings name, but for those that lead to the pod itself."""
    if caller.kind != "Pod" or not _lives(entity_of(graph, Subject(caller), at), at):
        return
    edges = graph.edges(caller, at)
    own = {edge.source for edge in edges if edge.type == EdgeType.SELECTS and edge.target == caller}
    named = (edge.target for edge in edges if edge.type == EdgeType.TALKS_TO and edge.source == caller)
    yield from (one for one in named if one not in own and _lives(entity_of(graph, Subject(one), at), at))


def _lives(entity: Entity | None, at: datetime) -> bool:
    return entity is not None and entity.lives_at(at)


def _causes_of(graph: GraphReader, service: ObjectKey, path: _Path, at: datetime) -> Iterator[Candidate]:
    """Why the Service leads nowhere, where it does; while its pods are merely starting there is no cause."""
    for symptom in graph.symptoms(at, service):
        if symptom.code in _LEADS_NOWHERE:
            for one in candidates_for(graph, symptom, at):
                yield msgspec.structs.replace(one, path=(*path, *one.path))


def _leans(graph: GraphReader, caller: ObjectKey, service: ObjectKey, confidence: float, at: datetime) -> Link:
    """That the caller depends on the Service, as far as its settings tell."""
    event = last_event(graph, caller, at)
    entity = entity_of(graph, Subject(caller), at)
    text = f"{caller.name} is ready, and its settings name Service {service.name}"
    seen_at = event.timestamp if event else at
    told = Evidence(
        at=seen_at,
        event_id=event.id if event else "",
        source=event.source if event else "",
        entity=caller,
        text=text,
        rule=_RULE,
    )
    return Link(
        subject=caller,
        uid=entity.uid if entity else "",
        symptom="",
        rule=_RULE,
        version=1,
        code="runtime.dependency_down",
        blame=service,
        confidence=confidence,
        summary=text,
        valid_from=seen_at,
        workload=entity.root if entity else None,
        evidence=(told,),
        through=(service,),
    )
