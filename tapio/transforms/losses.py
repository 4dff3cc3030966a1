"""Declared losses: a source says that it did not see, from when to when, and why."""

from datetime import datetime

import msgspec

from tapio.errors import BadEventError
from tapio.raw import RawEvent
from tapio.transforms.context import observed_at, trace_of
from tapio.unified import Attributes, EntityName, EventName, EventType, K8sContext, Severity, UnifiedEvent


class _Loss(msgspec.Struct, rename={"since": "from", "until": "to"}):
    cause: str = "unknown"
    count: int = 0
    since: datetime | None = None
    until: datetime | None = None
    kind: str = ""

    @property
    def of_kind(self) -> str:
        """The cause, and the kind of objects it is about where it is about one: `expired: Pod`."""
        said = self.cause.endswith(f": {self.kind}") or not self.kind
        return self.cause if said else f"{self.cause}: {self.kind}"


_losses = msgspec.json.Decoder(_Loss)


def transform(event: RawEvent, raw_id: str) -> tuple[UnifiedEvent, ...]:
    """A loss is about its source: the entity is `Source/<node>/<collector>`."""
    try:
        loss = _losses.decode(event.record)
    except msgspec.DecodeError as error:
        raise BadEventError(f"not a loss record: {error}") from error
    node = event.metadata.k8s_node or ""
    context = K8sContext(
        name=event.metadata.collector, namespace=node, kind="Source", uid="", labels={}, owner_references=()
    )
    return (
        UnifiedEvent(
            id=raw_id,
            raw_id=raw_id,
            timestamp=event.timestamp,
            observed_at=observed_at(event.metadata),
            type=EventType.LOSS,
            source=event.metadata.collector,
            severity=Severity.WARNING,
            trace_context=trace_of(event),
            k8s_context=context,
            entity=EntityName(type="source", name=event.metadata.collector, namespace=node),
            event_name=EventName.LOSS_DECLARED,
            node=node,
            attributes=Attributes(cause=loss.of_kind, count=loss.count, since=loss.since, until=loss.until),
        ),
    )
