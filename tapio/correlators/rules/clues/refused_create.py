"""A workload whose pods the API server refuses to create: the record that says why, and the finding about it."""

import msgspec

from tapio.correlators.rules.clues.admission_text import Refused, refused_by
from tapio.correlators.rules.finding import Finding
from tapio.correlators.temporal import CLOCKS_APART, in_time
from tapio.correlators.views import WorkloadView, evidence, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey


class RefusedCreate(msgspec.Struct, frozen=True, kw_only=True):
    """A create that was refused, and the record that says so."""

    refused: Refused
    proof: Evidence


def refusal_of(workload: WorkloadView) -> RefusedCreate | None:
    """Why the workload's newest attempt to create a pod was refused; None where it is not, or nobody says why.

    The condition holds the first message only, so a newer Event says more.
    """
    said = workload.create_failures
    condition = workload.condition("ReplicaFailure")
    told = [(event.message, evidence(event, event.message)) for event in reversed(said[-3:])]
    if condition and condition.status == "True":
        told.append((condition.message, workload.fact(condition.message, at=condition.last_transition_time)))
    for message, proof in told:
        refused = refused_by(message)
        if refused:
            return RefusedCreate(refused=refused, proof=proof)
    return None


def finding(  # noqa: PLR0913  the parts of an answer that differ from plugin to plugin
    workload: WorkloadView,
    refusal: RefusedCreate,
    blame: ObjectKey,
    summary: str,
    confidence: float,
    *proof: Evidence,
    change: Change | None,
    attributes: dict[str, object],
    next_: tuple[str, ...],
) -> Finding:
    return Finding(
        code=refusal.refused.code,
        blame=blame,
        workload=workload.root,
        change=change,
        summary=summary,
        confidence=confidence,
        evidence=with_change(change, *proof, refusal.proof),
        attributes=attributes,
        ruled_out=(RuledOut(code="scheduling.insufficient_cpu", because="the pods were never created"),),
        next=next_,
    )


def changes_before(workload: WorkloadView, key: ObjectKey, field: str) -> list[Change]:
    """Changes of an object's field that came near enough before the first refusal, newest first."""
    until = workload.refused_since + CLOCKS_APART
    found = (one for one in workload.changes_of(key) if one.field.startswith(field))
    return [one for one in found if in_time(one, until)]


def own_changes(workload: WorkloadView, words: tuple[str, ...]) -> list[Change]:
    """The workload's own changes of this sort, newest first."""
    return [one for one in changes_before(workload, workload.root, "spec.") if any(word in one.field for word in words)]
