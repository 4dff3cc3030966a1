"""One verdict: a subject as of a moment, its symptom, and what the rules make of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from tapio.correlators.hearsay import as_history, falls_silent_at, told
from tapio.correlators.hierarchy import edges
from tapio.correlators.history import History, is_deleted
from tapio.correlators.rules import Finding, Rule, rules_for
from tapio.correlators.rules.nothing import nothing_wrong
from tapio.correlators.sequence import Sighting, sighting
from tapio.correlators.timeline import Point, Verdict
from tapio.correlators.views import (
    AutoscalerView,
    BudgetView,
    ClaimView,
    NodeView,
    PodView,
    RouteView,
    ScheduleView,
    ServiceView,
    View,
    WorkloadView,
)
from tapio.correlators.world import Moment, World
from tapio.graph import Evidence, Link, RuledOut, Symptom
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s

_VIEWS: dict[type, type[View]] = {
    k8s.Pod: PodView,
    k8s.Deployment: WorkloadView,
    k8s.ReplicaSet: WorkloadView,
    k8s.StatefulSet: WorkloadView,
    k8s.DaemonSet: WorkloadView,
    k8s.Job: WorkloadView,
    k8s.Service: ServiceView,
    k8s.Node: NodeView,
    k8s.PersistentVolumeClaim: ClaimView,
    k8s.HorizontalPodAutoscaler: AutoscalerView,
    k8s.PodDisruptionBudget: BudgetView,
    k8s.CronJob: ScheduleView,
    k8s.Ingress: RouteView,
    k8s.Namespace: View,
}
JUDGED = frozenset(type_.__name__ for type_ in _VIEWS)

# How much less sure a conclusion is that rests on Events alone.
_HEARSAY = 0.9

_NO_ATTRIBUTES: dict[str, Any] = {}  # one for all links that have none

# A verdict's records say nothing of when they hold: the timeline fills that in.
_UNSET_TIME = datetime.fromtimestamp(0, UTC)


class Judged(NamedTuple):
    """A verdict, and when time alone changes it."""

    point: Point
    recheck_at: datetime | None


def judge(world: World, subject: ObjectKey, at: datetime, before: Point | None, *, had_symptom: bool) -> Judged | None:
    """The verdict on a subject as of `at`, given the verdict before; None while nothing is known of it."""
    history = world.histories.get(subject)
    moment = Moment(world, at)
    view = _view(moment, history) if history else None
    if view is None:
        return None
    if is_deleted(view.event):
        gone = _link(view, None, nothing_wrong(view, None, had_symptom=had_symptom), None)
        return Judged(Point(at, view.uid, Verdict(links=(gone,)), tuple(moment.seen)), None)
    last = before.verdict if before and before.uid == view.uid else None
    seen = sighting(view)
    drawn = edges(view, last.edges if last else ())
    if last and seen is None and _still_nothing(view, last, had_symptom=had_symptom):
        still = last if drawn == last.edges else msgspec.structs.replace(last, edges=drawn)
        return Judged(Point(at, view.uid, still, tuple(moment.seen)), _recheck_at(view, seen))
    symptom = _symptom(view, seen, before) if seen else None
    links, examined = _explained(view, seen, symptom, had_symptom=had_symptom)
    if symptom and examined:
        symptom = msgspec.structs.replace(symptom, examined=examined)
    verdict = Verdict(edges=drawn, symptom=symptom, links=links)
    if last and verdict.says_the_same(last):
        verdict = last
    return Judged(Point(at, view.uid, verdict, tuple(moment.seen)), _recheck_at(view, seen))


def _still_nothing(view: View, last: Verdict, *, had_symptom: bool) -> bool:
    """Whether nothing is wrong for the reason for which nothing was wrong before: the commonest verdict."""
    if last.symptom or len(last.links) != 1:
        return False
    finding, link = nothing_wrong(view, None, had_symptom=had_symptom), last.links[0]
    return (finding.code, finding.summary) == (link.code, link.summary) and (
        [(one.text, one.entity) for one in finding.evidence] == [(one.text, one.entity) for one in link.evidence]
    )


def _view(moment: Moment, history: History) -> View | None:
    """The subject by its state, or where none was seen yet by what Events tell of it."""
    event = history.state(moment.at)
    if event:
        return _VIEWS.get(type(event.object), View)(moment, event, history)
    heard = told(history, moment.at)
    if heard is None:
        return None
    view = _VIEWS[type(heard.object)](moment, heard, as_history(history, heard))
    view.by_hearsay = True
    return view


def _recheck_at(view: View, seen: Sighting | None) -> datetime | None:
    """When time alone changes the verdict."""
    if seen is None or not view.by_hearsay or not isinstance(view, PodView):
        return seen.recheck_at if seen else None
    silent_at = falls_silent_at(view.event)
    later = [moment for moment in (seen.recheck_at, silent_at) if moment and moment > view.at]
    return min(later, default=None)


def _symptom(view: View, seen: Sighting, before: Point | None) -> Symptom:
    """The sighting as a record; its onset is that of the trouble (or the start) before, in the same life."""
    earlier = before.verdict.symptom if before and before.uid == view.uid else None
    carried = earlier is not None and (earlier.expected_by is None) == (seen.expected_by is None)
    return Symptom(
        subject=view.key,
        uid=view.uid,
        code=seen.code,
        since=earlier.since if earlier and carried else seen.since,
        valid_from=_UNSET_TIME,
        message=seen.message,
        expected_by=seen.expected_by,
        evidence=seen.evidence,
        by_hearsay=view.by_hearsay,
    )


def _explained(
    view: View, seen: Sighting | None, symptom: Symptom | None, *, had_symptom: bool
) -> tuple[tuple[Link, ...], tuple[RuledOut, ...]]:
    """The links to the symptom, or why nothing is wrong (also while it may yet be a start); and what was examined."""
    if isinstance(view, PodView) and symptom:
        view.onset = symptom.since
    links: list[Link] = []
    silent: list[Rule] = []
    for one, finding in _findings(view) if symptom else ():
        if finding is None:
            silent.append(one)
        else:
            links.append(_link(view, symptom, finding, one))
    if links:
        return tuple(links), ()
    if symptom is None or symptom.expected_by:
        links.append(_link(view, symptom, nothing_wrong(view, seen, had_symptom=had_symptom), None))
    return tuple(links), _examined(tuple(one.name for one in silent)) if symptom else ()


@lru_cache(maxsize=1000)  # the rules that judge a kind of subject, and the few ways in which they come out
def _examined(codes: tuple[str, ...]) -> tuple[RuledOut, ...]:
    """What was examined in vain, each once: one object for all subjects of which it holds."""
    return tuple(RuledOut(code=code, because="its deciding signals are absent") for code in dict.fromkeys(codes))


def _findings(view: View) -> Iterator[tuple[Rule, Finding | None]]:
    """What every rule says of the view and, for a pod, of its containers; None from a rule that does not apply."""
    for judged in (view, *(view.containers if isinstance(view, PodView) else ())):
        for one in rules_for(judged):
            found = False
            for finding in one.judge(judged):
                found = True
                yield one, finding
            if not found:
                yield one, None


def _link(view: View, symptom: Symptom | None, finding: Finding, by: Rule | None) -> Link:
    label = by.label if by else ""
    return Link(
        subject=view.key,
        uid=view.uid,
        symptom=symptom.id if symptom else "",
        rule=by.name if by else finding.code,
        version=by.version if by else 1,
        code=finding.code,
        blame=finding.blame,
        blame_uid=view.uid if finding.blame == view.key else "",
        confidence=round(finding.confidence * _HEARSAY, 3) if view.by_hearsay else finding.confidence,
        summary=finding.summary,
        valid_from=_UNSET_TIME,
        workload=finding.workload or _workload(view),
        change=finding.change,
        attributes=finding.attributes or _NO_ATTRIBUTES,
        evidence=tuple(_concluded(finding, label)),
        ruled_out=finding.ruled_out,
        through=finding.through,
        next=finding.next,
    )


def _workload(view: View) -> ObjectKey | None:
    return view.root if isinstance(view, PodView | WorkloadView) else None


def _concluded(finding: Finding, label: str) -> Iterator[Evidence]:
    """The evidence, its last entry marked with the rule that draws the conclusion from it."""
    *facts, last = finding.evidence
    yield from facts
    yield msgspec.structs.replace(last, rule=label)
