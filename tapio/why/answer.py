"""One case made into its document: the causes with their confidence, what they rest on, and what else is hit."""

from collections.abc import Sequence

import msgspec

from tapio.graph import Link, Symptom
from tapio.graph.symptoms import SymptomCode
from tapio.unified import ObjectKey
from tapio.why.calm import calm
from tapio.why.candidates import Candidate, Case
from tapio.why.coincident import HORIZON, Coincidences
from tapio.why.commands import advised, look_closer
from tapio.why.coverage import LOWERED, Sight, Window, cause_lacks, nodes_of, sight, unknown_lacks
from tapio.why.explanation import Cause, Examined, Explanation, Status, SymptomPart
from tapio.why.impact import impact_of
from tapio.why.inquiry import Inquiry, asked, sign
from tapio.why.kinds import short_form
from tapio.why.looked import examined, looked_at
from tapio.why.ranking import BELIEVED, Ranked, rank, severity
from tapio.why.refs import Refs, chain, change_part, utc
from tapio.why.scope import Subject, entity_of

_MOST_CAUSES = 5
_OWNED = frozenset({"Pod", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})


class Judged(msgspec.Struct, frozen=True):
    """A cause with the confidence that is left of it, and whether a source it needs was blind."""

    cause: Ranked
    confidence: float
    lacks: bool


class Judgement(msgspec.Struct, frozen=True):
    """All that was weighed of a case. `believed` is empty where no cause is sure enough to be given."""

    case: Case
    symptom: Symptom
    judged: tuple[Judged, ...]
    believed: tuple[Judged, ...]
    sight: Sight
    nodes: tuple[str, ...]

    @property
    def status(self) -> Status:
        if self.believed:
            return Status.INCOMPLETE if self.believed[0].lacks else Status.EXPLAINED
        lacks = any(one.lacks for one in self.judged) or unknown_lacks(self.case, self.sight, self.nodes)
        return Status.INCOMPLETE if lacks else Status.UNKNOWN


def answer(inquiry: Inquiry, case: Case) -> Explanation:
    """The document about the case."""
    explanation = _troubled(inquiry, judgement(inquiry, case)) if case.open else calm(inquiry, case)
    return sign(asked(inquiry.question, explanation))


def judgement(inquiry: Inquiry, case: Case) -> Judgement:
    """Weighs the case: ranks its causes, lowers what a gap makes doubtful, drops what is less sure than asked for."""
    ranked = rank(case.candidates)
    symptom = _shown(case, ranked)
    subjects = frozenset(one.subject for one in case.open)
    nodes = nodes_of(inquiry.graph, subjects, inquiry.seen_at)
    seen = sight(inquiry.graph, _window(inquiry, symptom, ranked))
    judged = judge(ranked, seen, nodes)
    least = inquiry.question.min_confidence
    sure = tuple(one for one in judged if one.confidence >= least)[:_MOST_CAUSES]
    believed = sure if judged and judged[0].confidence >= least else ()
    return Judgement(case, symptom, judged, believed, seen, nodes)


def judge(ranked: Sequence[Ranked], seen: Sight, nodes: Sequence[str]) -> tuple[Judged, ...]:
    """The causes with what is left of their confidence; one that is no longer believed yields to those that are."""
    judged = [_judged(cause, seen, nodes) for cause in ranked]
    return tuple(sorted(judged, key=lambda one: one.confidence < BELIEVED))


def _judged(cause: Ranked, seen: Sight, nodes: Sequence[str]) -> Judged:
    lacks = cause_lacks(cause.clearest, seen, nodes)
    confidence = cause.clearest.confidence
    return Judged(cause, round(confidence * LOWERED if lacks else confidence, 2), lacks)


def _troubled(inquiry: Inquiry, found: Judgement) -> Explanation:
    case, believed = found.case, found.believed
    refs = Refs(inquiry.graph, inquiry.seen_at)
    links = _links(believed[0].cause) if believed else ()
    return Explanation(
        id="",
        at=utc(inquiry.at),
        question="",
        subject=refs.of(case.subject.key, case.subject.uid),
        status=found.status,
        symptom=_symptom_part(found.symptom, case.subject),
        causes=tuple(_cause(inquiry, one, place) for place, one in enumerate(believed, 1)),
        looked_at=msgspec.UNSET if believed else _looked_at(inquiry, found),
        ruled_out=examined(_all_links(found), but=(one.cause.link.code for one in believed)),
        coincident=_coincidences(found).read(inquiry.graph, inquiry.seen_at),
        impact=impact_of(inquiry.graph, case, believed[0].cause if believed else None, inquiry.seen_at),
        coverage=found.sight.part(),
        next=advised(links) or look_closer(found.symptom.subject),
    )


def _coincidences(found: Judgement) -> Coincidences:
    used = tuple(link for one in found.believed for link in _links(one.cause))
    return Coincidences(
        onset=found.symptom.since,
        since=min(found.sight.window.start, found.symptom.since - HORIZON),
        near=frozenset(
            {symptom.subject for symptom in found.case.open}
            | {link.blame for link in used}
            | {ObjectKey("Node", "", node) for node in found.nodes}
        ),
        used=used,
    )


def _shown(case: Case, ranked: Sequence[Ranked]) -> Symptom:
    """The symptom the answer is about: the subject's own worst, else the one that the first cause is clearest from."""
    own = [symptom for symptom in case.open if symptom.subject == case.subject.key]
    if not own and ranked:
        return ranked[0].clearest.symptom
    return min(own or case.open, key=lambda one: (severity(one), one.since, one.subject, one.uid, one.code))


def _symptom_part(symptom: Symptom, subject: Subject) -> SymptomPart:
    elsewhere = f"{short_form(symptom.subject)}: " if symptom.subject != subject.key else ""
    message = f"{elsewhere}{symptom.message or symptom.code}" if elsewhere else symptom.message
    return SymptomPart(code=SymptomCode(symptom.code), since=utc(symptom.since), message=message)


def _window(inquiry: Inquiry, symptom: Symptom, ranked: Sequence[Ranked]) -> Window:
    """From the onset or the first evidence on, or as far back as the question says."""
    since = inquiry.question.since
    if since is not None:
        return Window(inquiry.seen_at - since, inquiry.seen_at)
    evidence = [one.at for link in (_links(ranked[0]) if ranked else ()) for one in link.evidence]
    return Window(min([symptom.since, *evidence]), inquiry.seen_at)


def _links(cause: Ranked) -> tuple[Link, ...]:
    """The deepest link first, then those walked through to it, then what it explains along the way."""
    clearest = cause.clearest
    return (clearest.link, *reversed(clearest.path), *clearest.beside)


def _all_links(found: Judgement) -> list[Link]:
    return [*(link for one in found.judged for link in _links(one.cause)), *found.case.looked]


def _looked_at(inquiry: Inquiry, found: Judgement) -> tuple[Examined, ...]:
    doubted = [(one.cause.link, one.confidence) for one in found.judged]
    return looked_at(found.case, doubted, inquiry.question.min_confidence)


def _cause(inquiry: Inquiry, judged: Judged, place: int) -> Cause:
    link = judged.cause.link
    refs = Refs(inquiry.graph, inquiry.seen_at)
    workload = link.workload or _root(inquiry, judged.cause.clearest)
    return Cause(
        rank=place,
        code=link.code,
        confidence=judged.confidence,
        attributes=link.attributes,
        entity=refs.of(link.blame, link.blame_uid),
        workload=refs.of(workload) if workload else None,
        change=change_part(link.change, link.blame) if link.change else None,
        summary=link.summary + _count(judged.cause),
        chain=chain(_links(judged.cause), link),
    )


def _count(cause: Ranked) -> str:
    pods = sum(key.kind == "Pod" for key in cause.affected)
    return f" ({pods} pods)" if pods > 1 else ""


def _root(inquiry: Inquiry, candidate: Candidate) -> ObjectKey | None:
    """The topmost owner of what the cause hits, as the data has it; a pod that nobody owns has no workload."""
    subject = Subject(candidate.link.subject, candidate.link.uid)
    if subject.key.kind not in _OWNED:
        return None
    entity = entity_of(inquiry.graph, subject, inquiry.seen_at)
    return entity.root if entity and entity.root.kind != "Pod" else None
