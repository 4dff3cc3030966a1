"""Records of a type that nobody knows: kept whole, shown in the timeline, never an error."""

import msgspec

from tapio.raw import RawEvent
from tapio.transforms.context import entity_of, k8s_context, observed_at, root_of, trace_of
from tapio.unified import Attributes, EventName, EventType, Severity, UnifiedEvent


def transform(event: RawEvent, raw_id: str) -> tuple[UnifiedEvent, ...]:
    """One event that carries the record as it is."""
    context = k8s_context(event.metadata)
    return (
        UnifiedEvent(
            id=raw_id,
            raw_id=raw_id,
            timestamp=event.timestamp,
            observed_at=observed_at(event.metadata),
            type=EventType.OTHER,
            source=event.metadata.collector,
            severity=Severity.INFO,
            trace_context=trace_of(event),
            k8s_context=context,
            entity=entity_of(context),
            event_name=EventName.OTHER,
            reason=event.type,
            root=root_of(event.metadata),
            node=event.metadata.k8s_node or "",
            attributes=Attributes(data=_record(event)),
        ),
    )


def _record(event: RawEvent) -> object:
    try:
        return msgspec.json.decode(event.record)
    except msgspec.DecodeError:
        return bytes(event.record).decode(errors="replace")
