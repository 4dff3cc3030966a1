"""What is hit, object by object: by what is wrong with the target, or else by its failing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from tapio.graph import GraphReader
from tapio.unified import ObjectKey
from tapio.why.answer import judgement
from tapio.why.candidates import Case
from tapio.why.explain import inquire
from tapio.why.explanation import Ref, ServiceImpact
from tapio.why.impact import hit_in, hit_through, leaning_on, service_part
from tapio.why.inquiry import Inquiry
from tapio.why.memo import ReadOnce
from tapio.why.question import Question
from tapio.why.ranking import Ranked, severity
from tapio.why.refs import Refs, utc
from tapio.why.scope import Subject, entity_of, links_of, newest

_OVER = frozenset({"none.retired", "none.completed"})


class PodHit(msgspec.Struct, frozen=True, kw_only=True):
    """One pod, and the worst that it shows (null: nothing)."""

    pod: Ref
    symptom: str | None


class ImpactReport(msgspec.Struct, frozen=True, kw_only=True):
    """The blast radius of `subject`: what leans on it; and where something is wrong, all that has the same cause.

    `code` and `entity` are that cause's (null: nothing is wrong, or the cause is not known).
    """

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["Impact"] = "Impact"
    at: datetime
    subject: Ref
    code: str | None
    entity: Ref | None
    pods: tuple[PodHit, ...]
    workloads: tuple[Ref, ...]
    services: tuple[ServiceImpact, ...]
    ingresses: tuple[Ref, ...]
    callers: tuple[Ref, ...]


def impact(question: Question, graph: GraphReader) -> ImpactReport:
    """The blast radius of the target, or of the worst incident; pods in trouble first, the worst of them leading.

    Raises:
        UsageError, UnknownTargetError, AmbiguousTargetError: as `explain` does.
    """
    graph = ReadOnce(graph)
    inquiry, case = inquire(question, graph)
    at, cause = inquiry.seen_at, _cause(inquiry, case)
    subject = case.subject
    keys = hit_in(graph, case, cause, at)
    if question.target:
        keys |= leaning_on(graph, subject.key, at)
    hit = hit_through(graph, keys, at)
    pods = [pod for pod in hit.pods if _is_there(graph, pod, at)]
    refs = Refs(graph, at)
    return ImpactReport(
        at=utc(inquiry.at),
        subject=refs.of(subject.key, subject.uid),
        code=cause.link.code if cause else None,
        entity=refs.of(cause.link.blame, cause.link.blame_uid) if cause else None,
        pods=tuple(PodHit(pod=refs.of(pod), symptom=code) for _, pod, code in sorted(_shown(graph, pods, at))),
        workloads=tuple(refs.of(key) for key in _workloads(graph, pods, at)),
        services=tuple(service_part(graph, service, at) for service in hit.services),
        ingresses=tuple(refs.of(key) for key in hit.ingresses),
        callers=tuple(refs.of(key) for key in hit.callers),
    )


def _cause(inquiry: Inquiry, case: Case) -> Ranked | None:
    """The first cause that is believed, as the answer has it."""
    believed = judgement(inquiry, case).believed if case.open else ()
    return believed[0].cause if believed else None


def _is_there(graph: GraphReader, pod: ObjectKey, at: datetime) -> bool:
    """Whether it can be hit: not one that was taken away, which old Events may still name, nor one that has ended."""
    return not any(link.code in _OVER for link in links_of(graph, newest(graph, pod, at), at))


def _shown(
    graph: GraphReader, pods: Sequence[ObjectKey], at: datetime
) -> list[tuple[tuple[bool, int], ObjectKey, str | None]]:
    """Each pod with the worst that it shows; the first part is its place."""
    found: list[tuple[tuple[bool, int], ObjectKey, str | None]] = []
    for pod in pods:
        worst = min(graph.symptoms(at, pod), key=lambda one: (severity(one), one.code), default=None)
        place = (worst is None, severity(worst) if worst else 0)
        found.append((place, pod, str(worst.code) if worst else None))
    return found


def _workloads(graph: GraphReader, pods: Sequence[ObjectKey], at: datetime) -> list[ObjectKey]:
    """The topmost owners of the pods, those that have one."""
    entities = (entity_of(graph, Subject(pod, newest(graph, pod, at).uid), at) for pod in pods)
    return sorted({entity.root for entity in entities if entity and entity.root != entity.key})
