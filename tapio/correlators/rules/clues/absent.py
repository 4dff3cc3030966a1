"""Objects that something names and that are not there, or that came to be: since when, and as which change."""

from tapio.correlators.history import is_deleted
from tapio.correlators.views import View
from tapio.graph import Change
from tapio.times import rfc3339
from tapio.unified import ObjectKey, UnifiedEvent


def deletion_of(view: View, key: ObjectKey) -> UnifiedEvent | None:
    """The event that shows the object's deletion; None where it exists, or where it was never known."""
    history = view.moment.history(key)
    state = history.state(view.at) if history else None
    return state if state is not None and is_deleted(state) else None


def as_change(deletion: UnifiedEvent) -> Change:
    """A deletion as the change that it is: the object got its deletionTimestamp."""
    return Change(
        entity=deletion.key,
        uid=deletion.k8s_context.uid,
        field="metadata.deletionTimestamp",
        before=None,
        after=rfc3339(deletion.timestamp),
        at=deletion.timestamp,
        event_id=deletion.id,
    )


def creation_of(view: View, event: UnifiedEvent) -> Change | None:
    """The making of the object as the change that it is; None where it is not known when that was."""
    history = view.moment.history(event.key)
    created = getattr(getattr(event.object, "metadata", None), "creation_timestamp", None)
    first = history.lived(view.at, event.k8s_context.uid)[:1] if history else []
    if created is None or not first:
        return None
    return Change(
        entity=event.key,
        uid=event.k8s_context.uid,
        field="metadata.creationTimestamp",
        before=None,
        after=rfc3339(created),
        at=created,
        event_id=first[0].id,
    )
