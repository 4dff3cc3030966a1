"""What a subject leans on: with nothing wrong of its own, it fails when a Service that its settings name leads nowhere.

The one who asks sees errors; the pods are ready, for their probes do not look at what they call. So the edges TALKS_TO
are walked from the subject's pods to the Services they name, and on from the pods behind those, up to the first that
were deleted or show a symptom whose cause is known.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from tapio.graph import Change, EdgeType, Evidence, GraphReader, Link, Symptom
from tapio.graph.symptoms import SymptomCode
from tapio.times import rfc3339
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.why.candidates import Candidate, Case, candidates_for
from tapio.why.configured import TRUSTED, services_configured
from tapio.why.quiet import last_event
from tapio.why.scope import MAX_DEPTH, Subject, entity_of, may_be_start, members

# That the settings name what is down is no proof that it is missed: nobody was seen to call. Less so, a step further.
NAMED = 0.75
NAMED_BY_ANOTHER = 0.6

_LEADS_NOWHERE = frozenset({SymptomCode.NO_ENDPOINTS, SymptomCode.PORT_MISMATCH, SymptomCode.FOREIGN_ENDPOINTS})
_RULE = "leaning"
_Path = tuple[Link, ...]
_Settings = tuple[ObjectKey, frozenset[ObjectKey]]  # a workload, and the ConfigMaps that a pod of it reads


def with_what_it_leans_on(graph: GraphReader, case: Case, at: datetime) -> Case:
    """The case, if nothing is wrong in it, with the nearest Services that lead nowhere and that its pods depend on."""
    if case.open or case.starting:
        return case
    reached: dict[ObjectKey, _Path] = dict.fromkeys(_of(graph, case.subject.key, at), ())
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


def _of(graph: GraphReader, key: ObjectKey, at: datetime) -> list[ObjectKey]:
    """The subject and what is below it; of a namespace its pods."""
    if key.kind != "Namespace":
        return members(graph, key, at)
    return sorted({entity.key for entity in graph.entities(at, kind="Pod", namespace=key.name)})


def _called(
    graph: GraphReader,
    callers: Mapping[ObjectKey, _Path],
    reached: Mapping[ObjectKey, _Path],
    confidence: float,
    at: datetime,
) -> dict[ObjectKey, _Path]:
    """The Services that the callers' settings name and that were not reached before, each with the way to it."""
    called: dict[ObjectKey, _Path] = {}
    configured: dict[_Settings, set[ObjectKey]] = {}
    for caller, path in callers.items():
        for service in _named_by(graph, caller, at, configured):
            if service not in reached and service not in called:
                called[service] = (*path, _leans(graph, caller, service, confidence, at))
    return called


def _named_by(
    graph: GraphReader, caller: ObjectKey, at: datetime, configured: dict[_Settings, set[ObjectKey]]
) -> Iterator[ObjectKey]:
    """The Services that were ever there and that a pod's settings name, but for those that lead to the pod itself.

    `configured` remembers what ConfigMaps name: the pods of one workload read the same.
    """
    entity = entity_of(graph, Subject(caller), at)
    if caller.kind != "Pod" or entity is None or not entity.lives_at(at):
        return
    edges = graph.edges(caller, at)
    own = {edge.source for edge in edges if edge.type == EdgeType.SELECTS and edge.target == caller}
    named = {edge.target for edge in edges if edge.type == EdgeType.TALKS_TO and edge.source == caller}
    maps = frozenset(
        edge.target for edge in edges if edge.target.kind == "ConfigMap" and edge.target.name not in TRUSTED
    )
    if maps and (entity.root, maps) not in configured:
        configured[entity.root, maps] = services_configured(graph, caller, at)
    named |= configured.get((entity.root, maps), set())
    yield from (one for one in sorted(named - own) if entity_of(graph, Subject(one), at))


def _gone_at(graph: GraphReader, key: ObjectKey, at: datetime) -> datetime | None:
    """When the object was deleted; None while it is there, or where it never was."""
    entity = entity_of(graph, Subject(key), at)
    return None if entity is None or entity.lives_at(at) else entity.valid_to


def _causes_of(graph: GraphReader, service: ObjectKey, path: _Path, at: datetime) -> Iterator[Candidate]:
    """Why the Service leads nowhere, where it does; while its pods are merely starting there is no cause."""
    gone_at = _gone_at(graph, service, at)
    if gone_at:
        yield _missing(graph, service, path, gone_at)
    for symptom in graph.symptoms(at, service):
        if symptom.code in _LEADS_NOWHERE:
            shown = msgspec.structs.replace(symptom, code=SymptomCode.DEPENDENCY_DOWN)
            found = candidates_for(graph, symptom, at)
            yield from (msgspec.structs.replace(one, symptom=shown, path=(*path, *one.path)) for one in found)
            if not found and not may_be_start(symptom, at):
                last = msgspec.structs.replace(path[-1], summary=f"{path[-1].summary}, which leads nowhere")
                yield Candidate(symptom=shown, link=last, path=path[:-1])


def _missing(graph: GraphReader, service: ObjectKey, path: _Path, gone_at: datetime) -> Candidate:
    """That the Service was deleted while the settings go on naming it."""
    event = last_event(graph, service, gone_at)
    uid, text = path[-1].blame_uid, f"Service {service.name} was deleted"
    deletion = Change(
        entity=service,
        uid=uid,
        field="metadata.deletionTimestamp",
        before=None,
        after=rfc3339(gone_at),
        at=gone_at,
        event_id=event.id if event else "",
    )
    symptom = Symptom(
        subject=service, uid=uid, code=SymptomCode.DEPENDENCY_DOWN, since=gone_at, valid_from=gone_at, message=text
    )
    link = Link(
        subject=service,
        uid=uid,
        symptom=symptom.id,
        rule=_RULE,
        version=1,
        code="service.missing",
        blame=service,
        blame_uid=uid,
        confidence=NAMED,
        summary=f"settings go on naming Service {service.name}",
        valid_from=gone_at,
        change=deletion,
        evidence=(_told(service, event, gone_at, text),),
        next=(f"create {service.kind}/{service.namespace}/{service.name} again from where it is kept",),
    )
    return Candidate(symptom=symptom, link=link, path=path)


def _told(entity: ObjectKey, event: UnifiedEvent | None, at: datetime, text: str) -> Evidence:
    event_id, source = (event.id, event.source) if event else ("", "")
    return Evidence(at=at, event_id=event_id, source=source, entity=entity, text=text, rule=_RULE)


def _leans(graph: GraphReader, caller: ObjectKey, service: ObjectKey, confidence: float, at: datetime) -> Link:
    """That the caller depends on the Service, as far as its settings tell."""
    event = last_event(graph, caller, at)
    entity, called = (entity_of(graph, Subject(key), at) for key in (caller, service))
    seen_at = event.timestamp if event else at
    text = f"{caller.name} is ready, and its settings name Service {service.name}"
    return Link(
        subject=caller,
        uid=entity.uid if entity else "",
        symptom="",
        rule=_RULE,
        version=1,
        code="runtime.dependency_down",
        blame=service,
        blame_uid=called.uid if called else "",
        confidence=confidence,
        summary=text,
        valid_from=seen_at,
        workload=entity.root if entity else None,
        evidence=(_told(caller, event, seen_at, text),),
        through=(service,),
    )
