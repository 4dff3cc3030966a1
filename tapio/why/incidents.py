"""What is wrong now: every symptom that counts, grouped by its deepest cause."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec

from tapio.graph import GraphReader, Link, Symptom
from tapio.unified import ObjectKey
from tapio.why.candidates import Case, build_case
from tapio.why.labels import Selector
from tapio.why.ranking import CauseKey, Ranked, cause_key, rank, severity
from tapio.why.scope import Subject, Troubles, entity_of, in_namespace, is_labelled, newest, same_uid, sorted_out

_GroupKey = tuple[str, ObjectKey, str]
_EVERYTHING = Selector()
_UNEXPLAINED = ""  # no code is empty, so a group of unexplained symptoms meets no other


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Symptoms with one deepest cause (`cause` is None where none is known); the case tells it from its clearest
    subject.
    """

    case: Case
    cause: Link | None
    since: datetime
    affected: frozenset[ObjectKey]


def incidents(
    graph: GraphReader, at: datetime, namespace: str = "", selector: Selector = _EVERYTHING
) -> list[Incident]:
    """Every incident at `at`, the worst first: by how many it hits, how badly, and for how long."""
    troubles = troubles_in(graph, at, namespace, selector)
    nowhere = Subject(ObjectKey("", "", ""))
    groups: dict[_GroupKey, list[Case]] = defaultdict(list)
    for symptom in (*troubles.open, *troubles.starting):
        case = build_case(graph, nowhere, Troubles((symptom,)), at)
        if case.open:
            groups[_group_key(graph, case, at)].append(case)
    found = [_incident(key, cases) for key, cases in groups.items()]
    return sorted(found, key=_badness)


def troubles_in(graph: GraphReader, at: datetime, namespace: str = "", selector: Selector = _EVERYTHING) -> Troubles:
    """The symptoms of everything that exists: what another object of its name has followed is over, told or not."""
    symptoms = [one for one in graph.symptoms(at) if not namespace or in_namespace(one.subject, namespace)]
    if selector.requirements:
        symptoms = [one for one in symptoms if is_labelled(graph, Subject(one.subject, one.uid), at, selector)]
    current = [one for one in symptoms if same_uid(one.uid, newest(graph, one.subject, at).uid)]
    return sorted_out(graph, current, at)


def _group_key(graph: GraphReader, case: Case, at: datetime) -> _GroupKey:
    causes = rank(case.candidates)
    if causes:
        return cause_key(causes[0].link)
    symptom = case.open[0]
    entity = entity_of(graph, Subject(symptom.subject, symptom.uid), at)
    return _UNEXPLAINED, entity.root if entity else symptom.subject, ""


def _incident(key: CauseKey, cases: Sequence[Case]) -> Incident:
    symptoms = tuple(symptom for case in cases for symptom in case.open)
    candidates = tuple(candidate for case in cases for candidate in case.candidates)
    cause = next((ranked for ranked in rank(candidates) if cause_key(ranked.link) == key), None)
    subject = _teller(symptoms, cause)
    case = Case(
        subject=Subject(subject.subject, subject.uid),
        open=symptoms,
        candidates=candidates,
        looked=tuple(link for case in cases for link in case.looked),
    )
    return Incident(
        case=case,
        cause=cause.link if cause else None,
        since=min(symptom.since for symptom in symptoms),
        affected=frozenset(symptom.subject for symptom in symptoms),
    )


def _teller(symptoms: Sequence[Symptom], cause: Ranked | None) -> Symptom:
    """The symptom that shows the incident best: where the cause was seen most clearly, else the worst and oldest."""
    if cause is None:
        return min(symptoms, key=lambda one: (severity(one), one.since, one.subject, one.uid))
    seen_at = cause.link.subject
    own = [symptom for symptom in symptoms if symptom.subject == seen_at]
    return min(own or [cause.clearest.symptom], key=lambda one: (severity(one), one.since, one.uid))


def _badness(incident: Incident) -> tuple[bool, int, int, bool, datetime, ObjectKey, str]:
    """What was seen comes before what only Events speak of."""
    return (
        all(symptom.by_hearsay for symptom in incident.case.open),
        -len(incident.affected),
        min(severity(symptom) for symptom in incident.case.open),
        incident.cause is None,
        incident.since,
        incident.case.subject.key,
        incident.cause.code if incident.cause else "",
    )
