"""Which cause comes first: each cause once, the deeper of two true ones first, then by the rules of `_place`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import msgspec

from tapio.graph import Link, Symptom
from tapio.graph.symptoms import SymptomCode
from tapio.unified import ObjectKey
from tapio.why.candidates import Candidate

BELIEVED = 0.5  # below an even chance a conclusion does not push another aside

# What tells why a program ends or does not get ready, rather than that it does.
_WHY_IT_FAILS = ("startup.", "runtime.", "network.", "node.", "service.missing", "admission.", "performance.")
# When both hold of one subject, the shallower of two conclusions gives way to the deeper: a code of this table to any
# code of the families beside it that comes later in the table, or is not in it at all.
_SHALLOW_FIRST = {
    "startup.mount_failed": ("scheduling.volume",),
    "controller.rollout_stuck": ("",),
    "controller.job_failed": ("",),
    "service.no_ready_endpoints": ("",),
    "scheduling.": ("node.drained",),
    "runtime.readiness": _WHY_IT_FAILS,
    "runtime.crash_app": _WHY_IT_FAILS,
    "startup.init_container": _WHY_IT_FAILS,
    "runtime.crash_after_change": (
        "runtime.dependency",
        "service.missing",
        "startup.",
        "network.policy_denied",
        "network.dns_failed",
        "admission.",
        "performance.",
        "runtime.volume_full",
    ),
    "runtime.oom_killed": ("admission.webhook_mutated",),
    "startup.": ("admission.webhook_mutated",),
}
_ORDER = tuple(_SHALLOW_FIRST)
_TRANSIENT = frozenset(
    {SymptomCode.STARTING, SymptomCode.CONTAINER_CREATING, SymptomCode.TERMINATING, SymptomCode.UNKNOWN}
)
# The order of how bad a symptom is, worst first; what is not named comes last.
_WORST_FIRST = (
    SymptomCode.NODE_NOT_READY, SymptomCode.OOM_KILLED, SymptomCode.CRASH_LOOP, SymptomCode.EVICTED,
    SymptomCode.FAILED, SymptomCode.JOB_FAILED, SymptomCode.ERROR, SymptomCode.INIT_ERROR, SymptomCode.RUN_ERROR,
    SymptomCode.CREATE_ERROR, SymptomCode.CONFIG_ERROR, SymptomCode.INVALID_IMAGE_NAME, SymptomCode.IMAGE_PULL,
    SymptomCode.NO_ENDPOINTS, SymptomCode.FAILED_CREATE, SymptomCode.PROGRESS_DEADLINE, SymptomCode.UNAVAILABLE,
    SymptomCode.PORT_MISMATCH, SymptomCode.FOREIGN_ENDPOINTS, SymptomCode.NO_LOAD_BALANCER, SymptomCode.MISROUTED,
    SymptomCode.DEPENDENCY_DOWN, SymptomCode.UNBOUND, SymptomCode.PENDING, SymptomCode.NOT_READY,
    SymptomCode.MISSED_SCHEDULE, SymptomCode.EVICTION_REFUSED, SymptomCode.NODE_PROBLEM, SymptomCode.NOT_SCALING,
)  # fmt: skip
_SEVERITY = {str(code): place for place, code in enumerate(_WORST_FIRST)}


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """One cause with every candidate that names it, the clearest first."""

    candidates: tuple[Candidate, ...]

    @property
    def clearest(self) -> Candidate:
        return self.candidates[0]

    @property
    def link(self) -> Link:
        return self.clearest.link

    @property
    def symptoms(self) -> tuple[Symptom, ...]:
        return tuple(candidate.symptom for candidate in self.candidates)

    @property
    def affected(self) -> frozenset[ObjectKey]:
        """Every subject that shows trouble from this cause."""
        return frozenset().union(*(candidate.subjects for candidate in self.candidates))


CauseKey = tuple[str, ObjectKey, str]


def cause_key(link: Link) -> CauseKey:
    """What makes two links name one cause: the code, the entity to blame, and the change where there was one."""
    return link.code, link.blame, link.change.id if link.change else ""


def severity(symptom: Symptom) -> int:
    """How bad a symptom is, 0 the worst."""
    return _SEVERITY.get(symptom.code, len(_SEVERITY))


def rank(candidates: Iterable[Candidate]) -> tuple[Ranked, ...]:
    """The causes, best first, each once; what gives way to a deeper cause of the same subject is joined to it."""
    groups: dict[CauseKey, list[Candidate]] = defaultdict(list)
    for candidate in _without_shallow(list(candidates)):
        groups[cause_key(candidate.link)].append(candidate)
    ranked = [Ranked(candidates=tuple(sorted(group, key=_clarity))) for group in groups.values()]
    return tuple(sorted(ranked, key=_place) if len(ranked) > 1 else ranked)


def _clarity(candidate: Candidate) -> tuple[float, int, int, object, ObjectKey, str]:
    symptom = candidate.symptom
    return (
        -candidate.confidence,
        len(candidate.path),
        -len(candidate.link.evidence),
        symptom.since,
        symptom.subject,
        symptom.uid,
    )


def _place(cause: Ranked) -> tuple[bool, int, bool, bool, bool, float, object, CauseKey]:
    """Believed before doubted; many clients before one; a changed desired state before a state, and either before
    the pod itself; what persists before what passes; then confidence, age and, so that ties are stable, the names.
    """
    link = cause.link
    return (
        cause.clearest.confidence < BELIEVED,
        -len(cause.affected),
        link.change is None,
        link.blame.kind == "Pod",
        all(symptom.code in _TRANSIENT for symptom in cause.symptoms),
        -cause.clearest.confidence,
        min(symptom.since for symptom in cause.symptoms),
        cause_key(link),
    )


def _without_shallow(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that give way to no other conclusion about the same subject, be it on the way to a deeper one."""
    if len(candidates) == 1 and not candidates[0].path:
        return list(candidates)  # as of most symptoms, and there is nothing to give way to
    concluded: dict[ObjectKey, dict[str, Link]] = defaultdict(dict)
    for link in (link for candidate in candidates for link in (*candidate.path, candidate.link)):
        concluded[link.subject].setdefault(link.id, link)
    kept = (one for one in candidates if not _is_shallow(one.link, concluded[one.link.subject]))
    return [_with_beside(candidate, concluded) for candidate in kept]


def _is_shallow(link: Link, others: Mapping[str, Link]) -> bool:
    return any(_gives_way(link, other) for other in others.values())


def _with_beside(candidate: Candidate, concluded: Mapping[ObjectKey, Mapping[str, Link]]) -> Candidate:
    """The candidate with what gives way to it, or to a conclusion on the way to it."""
    way = (*candidate.path, candidate.link)
    beside = {
        one.id: one
        for link in way
        for one in concluded[link.subject].values()
        if one not in way and _gives_way(one, link)
    }
    return msgspec.structs.replace(candidate, beside=tuple(beside.values())) if beside else candidate


def _gives_way(link: Link, other: Link) -> bool:
    """Whether `other`, believed, is the deeper of two conclusions about one subject."""
    depth = _depth(link.code)
    if other.confidence < BELIEVED or depth >= _depth(other.code):
        return False
    return other.code.startswith(_SHALLOW_FIRST[_ORDER[depth]])


@cache
def _depth(code: str) -> int:
    return next((place for place, prefix in enumerate(_ORDER) if code.startswith(prefix)), len(_ORDER))
