"""The lists as tables, and the names in them: the columns for everybody first, then those of -o wide."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from tapio.cli.tables import Cell, Table, named
from tapio.why import markdown
from tapio.why.coincident import described
from tapio.why.explanation import Explanation, Ref, ServiceImpact
from tapio.why.gaps import spans
from tapio.why.lists.changes import ChangeList, ChangeRow
from tapio.why.lists.evidence import Evidence
from tapio.why.lists.impact import ImpactReport
from tapio.why.lists.incidents import IncidentList, IncidentRow
from tapio.why.lists.sources import SourceList, SourceRow
from tapio.why.lists.timeline import Timeline

Row = tuple[Cell, ...]


def names(refs: Iterable[Ref | None]) -> Iterator[str]:
    """Each name once, in the order of the list."""
    return iter(dict.fromkeys(named(ref) for ref in refs if ref is not None))


def counted(count: int, what: str) -> str:
    """`1 incident`, `2 incidents`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def incidents(found: IncidentList) -> Table:
    """A row per incident."""
    return Table(
        title=f"{counted(len(found.items), 'incident')}{_as_of(found.at)}",
        at=found.at,
        headings=(
            "since", "subject", "symptom", "uid", "status", "pods", "cause", "confidence", "to blame", "workload",
            "changed", "actor", "explanation", "change",
        ),
        extra=("uid", "status", "workload", "changed", "explanation"),
        rows=tuple(map(_incident, found.items)),
    )  # fmt: skip


def _incident(row: IncidentRow) -> Row:
    change = row.change
    return (
        row.symptom.since,
        row.subject,
        row.symptom.code,
        row.subject.uid,
        row.status,
        row.pods,
        row.code or "unknown",
        row.confidence,
        row.entity,
        row.workload,
        change.at if change else None,
        change.actor if change else None,
        row.id,
        _told(row),
    )


def _told(row: IncidentRow) -> str:
    change = row.change
    if change is None:
        return row.summary
    told = f"{change.field} {described(change.before, change.after)}"
    return told if change.entity is msgspec.UNSET else f"{row.summary}; {named(change.entity)} {told}"


def timeline(found: Timeline) -> Table:
    """A row per thing that happened."""
    return Table(
        title=f"What happened{_between(found.since, found.at)}",
        at=found.at,
        headings=("at", "type", "object", "source", "uid", "event", "what"),
        extra=("source", "uid", "event"),
        rows=tuple(
            (one.at, one.type, one.entity, one.source, one.entity.uid, one.event_id, one.text) for one in found.items
        ),
    )


def changes(found: ChangeList) -> Table:
    """A row per field that changed."""
    return Table(
        title=f"What changed{_between(found.since, found.at)}",
        at=found.at,
        headings=("at", "object", "uid", "actor", "linked to", "event", "field", "change"),
        extra=("uid", "event"),
        rows=tuple(row for change in found.items for row in _fields(change)),
    )


def _fields(change: ChangeRow) -> Iterator[Row]:
    linked = ", ".join(change.linked) or "coincident"
    for field in change.fields:
        told = described(field.before, field.after)
        yield change.at, change.entity, change.entity.uid, change.actor, linked, change.event_id, field.field, told


def impact(found: ImpactReport) -> Table:
    """A row per pod, workload, Service, ingress and caller."""
    cause = f": {markdown.plain(found.code)}" if found.code else ""
    return Table(
        title=f"Impact of {markdown.code(named(found.subject))}{_as_of(found.at)}{cause}",
        at=found.at,
        headings=("as", "object", "uid", "state"),
        extra=("uid",),
        rows=tuple(_hit(found)),
    )


def hit(found: ImpactReport) -> Iterator[Ref]:
    """Everything that is hit, pods first."""
    yield from (one.pod for one in found.pods)
    yield from (*found.workloads, *map(_service, found.services), *found.ingresses, *found.callers)


def _hit(found: ImpactReport) -> Iterator[Row]:
    yield from (("pod", one.pod, one.pod.uid, one.symptom or "well") for one in found.pods)
    yield from (("workload", one, one.uid, None) for one in found.workloads)
    yield from (("service", _service(one), None, f"{one.ready}/{one.total} ready") for one in found.services)
    yield from (("ingress", one, one.uid, None) for one in found.ingresses)
    yield from (("caller", one, one.uid, None) for one in found.callers)


def _service(one: ServiceImpact) -> Ref:
    return Ref(kind="Service", namespace=one.namespace, name=one.name)


def evidence(found: Evidence) -> Table:
    """A row per event."""
    return Table(
        title=f"Evidence of {found.of} {markdown.code(found.id)}: {markdown.plain(found.summary)}",
        at=max((one.at for one in found.items if one.at), default=None),
        headings=("at", "source", "object", "uid", "event", "raw event", "read"),
        extra=("uid", "event", "raw event"),
        rows=tuple(
            (one.at, one.source, one.entity, one.entity.uid if one.entity else None, one.event_id,
             one.missing or one.raw_id, "; ".join(one.texts))
            for one in found.items
        ),
    )  # fmt: skip


def sources(found: SourceList) -> Table:
    """A row per source and node."""
    return Table(
        title=f"{counted(len(found.sources), 'source')}{_as_of(found.at)}",
        at=found.at,
        headings=("source", "node", "events", "first", "last", "lost", "gaps", "last gap", "may not read"),
        extra=("last gap",),
        rows=tuple(map(_source, found.sources)),
    )


def _source(row: SourceRow) -> Row:
    gaps = list(spans(row.gaps))
    last = f"{gaps[-1].start:%Y-%m-%dT%H:%M:%SZ} {gaps[-1].words()}" if gaps else None
    unread = ", ".join(sorted(one.kind for one in row.unread))
    return row.source, row.node, row.events, row.first, row.last, row.lost, len(gaps), last, unread


# --- The answer ------------------------------------------------------------------------------------------------------


def asked_about(answer: Explanation) -> Table:
    """What the answer is about, on one row."""
    symptom = answer.symptom
    subject = answer.subject
    row: Row = (
        subject, subject.uid, answer.status, symptom.code if symptom else None, symptom.since if symptom else None,
        answer.impact.pods, answer.at, answer.id,
    )  # fmt: skip
    headings = ("subject", "uid", "status", "symptom", "since", "pods", "as of", "explanation")
    return Table(title="", headings=headings, rows=(row,))


def causes(answer: Explanation) -> Table:
    """A row per cause, the first one first."""
    headings = ("cause", "confidence", "to blame", "uid", "workload", "field", "change", "actor", "changed")
    rows = []
    for cause in answer.causes:
        change = cause.change
        changed: Row = (None,) * 4
        if change:
            changed = change.field, described(change.before, change.after), change.actor, change.at
        rows.append((cause.code, cause.confidence, cause.entity, cause.entity.uid, cause.workload, *changed))
    return Table(title="", headings=headings, rows=tuple(rows))


def steps(answer: Explanation) -> Table:
    """A row per step of each cause's chain."""
    headings = ("at", "source", "event", "object", "rule", "cause", "what")
    rows = tuple(
        (step.at, step.source, step.event_id, step.entity, step.rule, cause.code, step.text)
        for cause in answer.causes
        for step in cause.chain
    )
    return Table(title="", headings=headings, rows=rows)


def _as_of(at: datetime | None) -> str:
    return f" at {markdown.utc(at)}" if at else ""


def _between(since: datetime | None, at: datetime | None) -> str:
    return f" from {markdown.utc(since)} to {markdown.utc(at)}" if since and at else ""
