"""An object and its Events that a file has under two names: whoever wrote it renamed one of them, but no uid."""

from collections.abc import Iterable, Sequence

import msgspec

from tapio.unified import FACTS, EntityName, ObjectKey, UnifiedEvent


def reunited(events: Iterable[UnifiedEvent]) -> Sequence[UnifiedEvent]:
    """The same events, each happening filed under the object that has its uid. In a cluster a uid has one name."""
    events = list(events)
    seen = {event.k8s_context.uid: event for event in events if _is_the_object(event)}
    return [_renamed(event, seen.get(event.k8s_context.uid)) for event in events]


def _is_the_object(event: UnifiedEvent) -> bool:
    return event.object is not None and bool(event.k8s_context.uid) and event.key.kind not in FACTS


def _renamed(event: UnifiedEvent, owner: UnifiedEvent | None) -> UnifiedEvent:
    if owner is None or event.object is not None or event.key == owner.key or event.key.kind != owner.key.kind:
        return event
    name: ObjectKey = owner.key
    return msgspec.structs.replace(
        event,
        k8s_context=msgspec.structs.replace(event.k8s_context, name=name.name, namespace=name.namespace),
        entity=EntityName(type=event.entity.type, name=name.name, namespace=name.namespace),
        root=owner.root,
    )
