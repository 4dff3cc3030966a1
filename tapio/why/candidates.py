"""From symptoms to what may have caused them: each symptom's links, followed to the deepest cause they lead to."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tapio.graph import GraphReader, Link, Symptom
from tapio.unified import ObjectKey
from tapio.why.scope import (
    MAX_DEPTH,
    Subject,
    Troubles,
    entity_of,
    is_quiet,
    last_moment,
    links_of,
    may_be_start,
    members,
    newest,
    says_nothing,
    sorted_out,
    troubles_of,
)

# Codes that say where something fails and not why: what lies below the subject says why, where it is known.
_SAYS_WHERE = frozenset({"controller.rollout_stuck", "controller.job_failed", "service.no_ready_endpoints"})
_PUTS_AWAY = frozenset({"controller.job_failed"})
_CALLS = "runtime.dependency_down"
_Path = tuple[Link, ...]
_Known = dict[str, list[_Path]]  # the paths from a link, by the link's id


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One possible cause of one symptom: the deepest link found, and the links walked through to it, topmost first.

    `beside` holds true but shallower conclusions about the same subject: they belong to the chain.
    """

    symptom: Symptom
    link: Link
    path: tuple[Link, ...] = ()
    beside: tuple[Link, ...] = ()

    @property
    def confidence(self) -> float:
        """A chain is as sure as its weakest link."""
        return min(link.confidence for link in (*self.path, self.link))

    @property
    def subjects(self) -> frozenset[ObjectKey]:
        """Everything on the way that shows trouble."""
        return frozenset({self.symptom.subject, self.link.subject, *(link.subject for link in self.path)})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be explained, and what may explain it.

    `looked` holds the links that name no cause but say what was examined.
    """

    subject: Subject
    open: tuple[Symptom, ...] = ()
    starting: tuple[Symptom, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    looked: tuple[Link, ...] = ()


def case_of(graph: GraphReader, subject: Subject, at: datetime) -> Case:
    """The case of one subject and everything below it at `at`."""
    return build_case(graph, subject, troubles_of(graph, subject, at), at)


def build_case(graph: GraphReader, subject: Subject, troubles: Troubles, at: datetime) -> Case:
    """The case of these troubles, seen from `subject`.

    A symptom that may yet be an ordinary start counts only when a rule knows its cause. A symptom that is past its time
    does not count where it only waits for a start below it.
    """
    counted: list[Symptom] = []
    starting: list[Symptom] = []
    candidates: list[Candidate] = []
    for symptom in (*troubles.open, *troubles.starting):
        found = candidates_for(graph, symptom, at)
        is_start = not found and (may_be_start(symptom, at) or _awaits_start(graph, symptom, at))
        (starting if is_start else counted).append(symptom)
        candidates += found
    looked = [link for symptom in counted for link in _links(graph, symptom, at) if says_nothing(link)]
    return Case(
        subject=subject,
        open=tuple(counted),
        starting=tuple(starting),
        candidates=tuple(candidates),
        looked=tuple(looked),
    )


def candidates_for(graph: GraphReader, symptom: Symptom, at: datetime) -> list[Candidate]:
    """The causes that the symptom's own links name, each followed as deep as it goes; where no rule spoke of the
    subject itself, the causes of what lies below it: an owner's trouble is that of what it owns.
    """
    own = Subject(symptom.subject, symptom.uid)
    links = _causes(graph, own, at) or _causes_below(graph, symptom.subject, at)
    known: _Known = {}
    paths = [path for link in links for path in _deepest(graph, link, at, (symptom.subject,), known)]
    return [Candidate(symptom=symptom, link=path[-1], path=path[:-1]) for path in paths]


def _causes_below(graph: GraphReader, key: ObjectKey, at: datetime) -> list[Link]:
    return [link for below in members(graph, key, at)[1:] for link in _causes(graph, newest(graph, below, at), at)]


def _links(graph: GraphReader, symptom: Symptom, at: datetime) -> list[Link]:
    return links_of(graph, Subject(symptom.subject, symptom.uid), at)


def _causes(graph: GraphReader, subject: Subject, at: datetime) -> list[Link]:
    return [link for link in links_of(graph, subject, at) if not is_quiet(link) and not says_nothing(link)]


def _deepest(graph: GraphReader, link: Link, at: datetime, above: tuple[ObjectKey, ...], known: _Known) -> list[_Path]:
    """One path of links from `link` to each cause where no link leads further; none when all below is only starting
    and the subject may be waiting for it.

    A link that was met before is not followed twice, so a hundred clients of one dependency cost a hundred steps.
    """
    below = [key for key in _led_to(graph, link, at) if key not in above]
    if len(above) > MAX_DEPTH or not below:
        return [(link,)]
    if link.id in known:
        return known[link.id]
    ends: dict[str, _Path] = {}
    for key in below:
        for cause in _causes_of(graph, key, at, link):
            for path in _deepest(graph, cause, at, (*above, key), known):
                ends.setdefault(path[-1].id, (link, *path))
    known[link.id] = list(ends.values())
    if not ends and (_did_not_wait(graph, link, at) or not _only_starting(graph, below, at)):
        known[link.id] = [(link,)]
    return known[link.id]


def _did_not_wait(graph: GraphReader, link: Link, at: datetime) -> bool:
    """Whether the subject has failed for want of what it calls: that this is merely starting is why, then."""
    return link.code == _CALLS and any(one.expected_by is None for one in graph.symptoms(at, link.subject))


def _causes_of(graph: GraphReader, key: ObjectKey, at: datetime, above: Link) -> list[Link]:
    """The causes of what lies below a link; the pods that a Job put away as it gave up are seen as they last were."""
    entity = entity_of(graph, Subject(key), at)
    subject = Subject(key, entity.uid if entity else "")
    found = _causes(graph, subject, at)
    if found or entity is None or above.code not in _PUTS_AWAY:
        return found
    return _causes(graph, subject, last_moment(graph, entity, at))


def _led_to(graph: GraphReader, link: Link, at: datetime) -> list[ObjectKey]:
    """Where the link says that the trouble lies deeper; for a code that never says why, everything below."""
    if link.code not in _SAYS_WHERE or (link.through and link.code not in _PUTS_AWAY):
        return sorted(link.through)
    return sorted({*members(graph, link.subject, at)[1:], *link.through})


def _awaits_start(graph: GraphReader, symptom: Symptom, at: datetime) -> bool:
    """Whether the symptom has no cause because what lies below it, or what its links lead to, is merely starting."""
    led_to = [key for link in _links(graph, symptom, at) for key in link.through]
    below = led_to or members(graph, symptom.subject, at)
    return _only_starting(graph, [key for key in below if key != symptom.subject], at)


def _only_starting(graph: GraphReader, keys: Sequence[ObjectKey], at: datetime) -> bool:
    """Whether something there starts, and nothing there is in trouble."""
    shown = sorted_out(graph, [symptom for key in keys for symptom in graph.symptoms(at, key)], at)
    return bool(shown.starting) and not shown.open
