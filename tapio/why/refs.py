"""From the graph's records to the parts of the document that more than one builder needs."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from tapio.graph import Change, Evidence, Gap, GraphReader, Link
from tapio.unified import ObjectKey
from tapio.why.explanation import ChangePart, GapPart, Ref, Step
from tapio.why.kinds import kind_named
from tapio.why.scope import Subject, entity_of

_MAX_STEPS = 60  # a chain is read by people; what exceeds it repeats what the first and the last steps say


class Refs(msgspec.Struct, frozen=True):
    """Makes references of keys, with the uid each name had at `at`."""

    graph: GraphReader
    at: datetime

    def of(self, key: ObjectKey, uid: str = "") -> Ref:
        if not uid and key.name:
            entity = entity_of(self.graph, Subject(key), self.at)
            uid = entity.uid if entity else ""
        return plain_ref(key, uid)


def plain_ref(key: ObjectKey, uid: str = "") -> Ref:
    """A reference that says no more than the key, the uid given and what the kind alone tells."""
    api_version = kind_named(key.kind).api_version
    return Ref(kind=key.kind, namespace=key.namespace, name=key.name, uid=uid, api_version=api_version)


def utc(moment: datetime) -> datetime:
    """The same moment, to be written with `Z`."""
    return moment.astimezone(UTC)


def gap_part(gap: Gap) -> GapPart:
    """The gap as the document has it."""
    return GapPart(start=utc(gap.start), to=utc(gap.end) if gap.end else None, cause=gap.cause)


def change_part(change: Change, blame: ObjectKey) -> ChangePart:
    """The change as the document has it."""
    return ChangePart(
        field=change.field,
        before=change.before,
        after=change.after,
        actor=change.actor,
        at=utc(change.at),
        entity=msgspec.UNSET if change.entity == blame else plain_ref(change.entity, change.uid),
    )


def chain(links: Iterable[Link], concluded_by: Link) -> tuple[Step, ...]:
    """The evidence of all links in the order of time, each observation once, and what each link concludes from it."""
    steps: dict[tuple[str, str], Step] = {}
    for link in links:
        for evidence in link.evidence:
            steps.setdefault((evidence.event_id, evidence.text), _step(evidence, link))
        if not any(evidence.rule for evidence in link.evidence):
            conclusion = _conclusion(link)
            steps.setdefault((conclusion.event_id, conclusion.text), conclusion)
    last = _rule_name(concluded_by)
    ordered = sorted(steps.values(), key=lambda step: (step.at, step.rule == last, step.event_id, step.text))
    return tuple(ordered[: _MAX_STEPS // 2] + ordered[-_MAX_STEPS // 2 :] if len(ordered) > _MAX_STEPS else ordered)


def fact(evidence: Evidence) -> Step:
    """An observation that no rule concluded."""
    return Step(
        at=utc(evidence.at),
        event_id=evidence.event_id,
        source=evidence.source,
        entity=plain_ref(evidence.entity),
        text=evidence.text,
        rule=evidence.rule or None,
    )


def _step(evidence: Evidence, link: Link) -> Step:
    step = fact(evidence)
    is_own = step.rule == link.rule  # without its version
    return msgspec.structs.replace(step, rule=_rule_name(link)) if is_own else step


def _conclusion(link: Link) -> Step:
    last = max(link.evidence, key=lambda evidence: (evidence.at, evidence.event_id), default=None)
    return Step(
        at=utc(last.at if last else link.valid_from),
        event_id=last.event_id if last else "",
        source=last.source if last else "",
        entity=plain_ref(link.subject, link.uid),
        text=link.summary,
        rule=_rule_name(link),
    )


def _rule_name(link: Link) -> str:
    return f"{link.rule}@{link.version}"
