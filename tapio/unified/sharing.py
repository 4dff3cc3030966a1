"""Reading unified events so that equal parts are one object in memory.

Most versions of an object repeat the one before: the same context, often the same state. A part whose bytes were read
before is not read again, and what is equal is identical, so comparing two versions costs next to nothing.
"""

from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import force_setattr

from tapio.errors import BadEventError
from tapio.unified.event import K8sContext, UnifiedEvent
from tapio.unified.objects import KubernetesObject

T = TypeVar("T")

_DIGEST_BYTES = 16
_KEPT = 50_000  # parts of each sort: the newest versions of as many objects


class _Sealed(UnifiedEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event with the large parts not read yet."""

    k8s_context: msgspec.Raw  # type: ignore[assignment]  # it is put in place before anybody sees the event
    object: msgspec.Raw = msgspec.Raw(b"null")  # type: ignore[assignment]  # likewise


_sealed = msgspec.json.Decoder(_Sealed)


class SharingDecoder:
    """Reads unified events one after another, and remembers the parts of the newest."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._contexts: _Parts[K8sContext] = _Parts(msgspec.json.Decoder(K8sContext), kept)
        self._objects: _Parts[KubernetesObject | None] = _Parts(msgspec.json.Decoder(KubernetesObject | None), kept)

    def decode(self, document: bytes) -> UnifiedEvent:
        """Reads one unified event.

        Raises:
            BadEventError: it is not JSON, or a field is missing or of the wrong type.
        """
        try:
            event = _sealed.decode(document)
            force_setattr(event, "k8s_context", self._contexts.of(event.k8s_context))
            force_setattr(event, "object", self._objects.of(event.object))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadEventError(f"not a unified event: {error}") from error
        return event


class _Parts(Generic[T]):
    """Parts by the digest of their bytes; of more than `kept` the older half is forgotten."""

    def __init__(self, decoder: msgspec.json.Decoder[Any], kept: int) -> None:
        self._decoder = decoder
        self._kept = kept
        self._newer: dict[bytes, T] = {}
        self._older: dict[bytes, T] = {}

    def of(self, raw: Any) -> T:  # noqa: ANN401  bytes that are not copied
        digest = blake2b(raw, digest_size=_DIGEST_BYTES).digest()
        known = self._newer.get(digest)
        if known is not None:
            return known
        part: T = self._older.get(digest) or self._decoder.decode(raw)
        self._newer[digest] = part
        if 2 * len(self._newer) > self._kept:
            self._newer, self._older = {}, self._newer
        return part
