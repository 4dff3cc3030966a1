"""What a reflector says of one kind: objects in their parts, and small values for how the reading goes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Self

import msgspec

from tapio.kube.kinds import Kind
from tapio.kube.status import ApiError

WatchType = Literal["ADDED", "MODIFIED", "DELETED"]


Parts = dict[str, msgspec.Raw]
"""An object's top-level fields as the bytes that came: most of what changes in a cluster changes one of them."""

_parts = msgspec.json.Decoder(Parts)


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One version of one object: its top-level fields, and those of its metadata, not yet read."""

    type: WatchType
    uid: str
    version: str
    parts: Parts
    metadata: Parts

    @property
    def object(self) -> dict[str, Any]:
        """The whole object, read anew: the dictionary belongs to whoever asks."""
        return {name: msgspec.json.decode(part) for name, part in self.parts.items()}

    @classmethod
    def of(cls, type_: WatchType, uid: str, version: str, obj: dict[str, Any]) -> "Seen":
        """A version of an object at hand."""
        parts = _parts.decode(msgspec.json.encode(obj))
        return cls(type_, uid, version, parts, _parts.decode(parts["metadata"]))


class Objects(msgspec.Struct, frozen=True):
    """Objects that came together: a page of a listing (`listed`), or lines of a watch.

    `relisted`: a later listing than the first found them, so they changed at some moment nobody saw.
    """

    kind: Kind
    seen: Sequence[Seen]
    listed: bool = False
    relisted: bool = False


class Vanished(msgspec.Struct, frozen=True):
    """Objects that were known and that a listing no longer has: deleted at a moment nobody saw."""

    kind: Kind
    uids: Sequence[str]


class Position(msgspec.Struct, frozen=True):
    """Everything up to this resourceVersion has been said; a watch may be resumed here."""

    kind: Kind
    version: str
    at: datetime


class Answered(msgspec.Struct, frozen=True):
    """The server took the watch up again; it may have nothing to say for minutes."""

    kind: Kind


class Blind(msgspec.Struct, frozen=True):
    """Changes between these times may have been missed; the state after them is known."""

    kind: Kind
    since: datetime
    until: datetime
    cause: str


class Denied(msgspec.Struct, frozen=True):
    """This kind cannot be read; the others go on. Said once, until it can be."""

    kind: Kind
    at: datetime
    cause: str
    message: str

    @classmethod
    def by(cls, error: ApiError, kind: Kind, at: datetime) -> Self:
        """The server may not show the kind, or does not have it."""
        return cls(kind, at, f"{'forbidden' if error.denied else 'not served'}: {kind.name}", error.words)


class Trouble(msgspec.Struct, frozen=True):
    """Something that is counted and got over by itself. `what` is one of a few words, `message` for a person."""

    kind: Kind
    what: str
    message: str


Said = Objects | Vanished | Position | Answered | Blind | Denied | Trouble


class Remembered(msgspec.Struct):
    """What is known of a kind when a reflector starts: uid -> resourceVersion, and where its watch may be resumed."""

    known: dict[str, str] = msgspec.field(default_factory=dict)
    version: str | None = None
    seen_at: datetime | None = None
