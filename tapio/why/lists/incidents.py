"""What is wrong, by cause: one row per incident, the worst first."""

from datetime import datetime
from typing import Literal

import msgspec

from tapio.graph import GraphReader
from tapio.why.explain import explain_each, moment_of
from tapio.why.explanation import ChangePart, Explanation, Ref, Status, SymptomPart
from tapio.why.lists.asking import nothing_came
from tapio.why.lists.paging import Page, cursor_of, paged
from tapio.why.question import Question


class IncidentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One incident: what it shows, what is to blame (null where that is not known), how many pods it hits.

    `id` is the id of its explanation, `rank` its place in the list, from 1.
    """

    id: str
    rank: int
    status: Status
    subject: Ref
    symptom: SymptomPart
    code: str | None
    confidence: float | None
    entity: Ref | None
    workload: Ref | None
    change: ChangePart | None
    summary: str
    pods: int


class IncidentList(msgspec.Struct, frozen=True, kw_only=True):
    """The incidents as of `at` (null while no event has come); `next` is the cursor of the page after this one."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["IncidentList"] = "IncidentList"
    at: datetime | None
    items: tuple[IncidentRow, ...]
    next: str | None = None


def incident_list(question: Question, graph: GraphReader, page: Page = Page()) -> IncidentList:  # noqa: B008  a frozen value
    """The incidents (of the target, or of the namespace, where given), the worst first.

    Raises:
        UsageError, UnknownTargetError, AmbiguousTargetError: as `explain_each` does.
    """
    cursor = cursor_of(page)
    if nothing_came(question, graph):
        return IncidentList(at=None, items=())
    at = cursor.at if cursor else moment_of(question, graph)
    answers = explain_each(msgspec.structs.replace(question, at=at), graph)
    rows = [row for rank, answer in enumerate(answers, 1) if (row := _row(rank, answer))]
    items, going_on = paged(rows, lambda row: (row.rank,), at, page)
    return IncidentList(at=at, items=items, next=going_on)


def _row(rank: int, answer: Explanation) -> IncidentRow | None:
    if answer.symptom is None:
        return None
    cause = answer.causes[0] if answer.causes else None
    return IncidentRow(
        id=answer.id,
        rank=rank,
        status=answer.status,
        subject=answer.subject,
        symptom=answer.symptom,
        code=cause.code if cause else None,
        confidence=cause.confidence if cause else None,
        entity=cause.entity if cause else None,
        workload=cause.workload if cause else None,
        change=cause.change if cause else None,
        summary=cause.summary if cause else answer.symptom.message,
        pods=answer.impact.pods,
    )
