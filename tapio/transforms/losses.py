"""Declared losses: a source says that it did not see, from when to when, and why."""

from tapio.raw import RawEvent
from tapio.raw.losses import Loss, read_loss
from tapio.transforms.context import observed_at, trace_of
from tapio.unified import Attributes, EntityName, EventName, EventType, K8sContext, Severity, UnifiedEvent


def transform(event: RawEvent, raw_id: str) -> tuple[UnifiedEvent, ...]:
    """A loss is about its source: the entity is `Source/<node>/<collector>`."""
    loss = read_loss(event)
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
            attributes=Attributes(cause=_cause(loss), count=loss.count, since=loss.since, until=loss.until),
        ),
    )


def _cause(loss: Loss) -> str:
    """The cause, and the kind of objects it is about where it is about one: `expired: Pod`."""
    said = loss.cause.endswith(f": {loss.kind}") or not loss.kind
    return loss.cause if said else f"{loss.cause}: {loss.kind}"
