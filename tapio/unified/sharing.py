"""Reading unified events so that equal parts are one object in memory.

Most versions of an object repeat the one before: the same context, often the same state. A part whose bytes were read
before is not read again, and what is equal is identical, so comparing two versions costs next to nothing.
"""

from sys import intern
from typing import Any, Final

import msgspec
from msgspec.structs import force_setattr

from tapio.errors import BadEventError
from tapio.unified.event import EntityName, K8sContext, OwnerReference, TraceContext, UnifiedEvent
from tapio.unified.parts import Layered, Parts, shared
from tapio.unified.states import Objects

_KEPT = 50_000  # parts of each sort: the newest versions of as many objects

_UNTRACED: Final = TraceContext()
_NO_OBJECT: Final = msgspec.Raw(b"null")


class _Sealed(UnifiedEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event with the large parts not read yet."""

    k8s_context: msgspec.Raw  # type: ignore[assignment]  # it is put in place before anybody sees the event
    object: msgspec.Raw = _NO_OBJECT  # type: ignore[assignment]  # likewise


_sealed = msgspec.json.Decoder(_Sealed)


class SharingDecoder:
    """Reads unified events one after another, and remembers the parts of the newest."""

    def __init__(self, kept: int = _KEPT) -> None:
        labels = shared(dict[str, str], kept)
        self._contexts = Parts(_Contexts(kept, labels), kept)
        self._objects = Parts(Objects(kept, labels), kept)

    def decode(self, document: bytes) -> UnifiedEvent:
        """Reads one unified event.

        Raises:
            BadEventError: it is not JSON, or a field is missing or of the wrong type.
        """
        try:
            event = _sealed.decode(document)
            about = self._contexts.of(event.k8s_context)
            state = None if event.object is _NO_OBJECT else self._objects.of(event.object)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadEventError(f"not a unified event: {error}") from error
        force_setattr(event, "object", state)
        force_setattr(event, "k8s_context", about.context)
        self._share(event, about.entity)
        return event

    def _share(self, event: UnifiedEvent, entity: EntityName) -> None:
        """Puts in the place of the event's small parts those that are there already."""
        if event.entity == entity:
            force_setattr(event, "entity", entity)
        if event.trace_context == _UNTRACED:
            force_setattr(event, "trace_context", _UNTRACED)
        if event.raw_id == event.id:
            force_setattr(event, "raw_id", event.id)
        force_setattr(event, "source", intern(event.source))
        force_setattr(event, "root", intern(event.root))
        if event.node:
            force_setattr(event, "node", intern(event.node))


class _About(msgspec.Struct, frozen=True, gc=False):
    """A context, and the entity that an event of it mostly names."""

    context: K8sContext
    entity: EntityName


class _Contexts:
    """Reads contexts: the labels and owners that replicas have in common are shared."""

    def __init__(self, kept: int, labels: Parts[dict[str, str]]) -> None:
        owners = shared(tuple[OwnerReference, ...], kept)
        self._layered = Layered(K8sContext, {"labels": labels.of, "owner_references": owners.of})

    def decode(self, raw: Any, /) -> _About:  # noqa: ANN401  bytes that are not copied
        context = self._layered.decode(raw)
        force_setattr(context, "kind", intern(context.kind))
        force_setattr(context, "namespace", intern(context.namespace))
        type_ = intern(context.kind.lower())
        return _About(context, EntityName(type=type_, name=context.name, namespace=context.namespace))
