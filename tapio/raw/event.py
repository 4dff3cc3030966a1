"""The raw event: one JSON document, its source's record kept as the bytes that came."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from tapio.errors import BadEventError
from tapio.raw.metadata import Metadata

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]


class RawEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a source said. `data` is JSON not yet read: an object, or a string that holds one (see `record`)."""

    timestamp: Timestamp
    type: str
    data: msgspec.Raw
    metadata: Metadata
    trace_id: str = ""
    span_id: str = ""

    @property
    def record(self) -> bytes | memoryview:
        """The source's record as JSON bytes, whether `data` is a JSON value or a string that holds one."""
        raw = memoryview(self.data)
        if raw[0] != _QUOTE:
            return raw
        return msgspec.json.decode(raw, type=str).encode()


class _ObjectMeta(msgspec.Struct, rename="camel", gc=False):
    uid: str = ""
    resource_version: str = ""


class _Object(msgspec.Struct, gc=False):
    metadata: _ObjectMeta | None = None


class _WatchEnvelope(msgspec.Struct, gc=False):
    type: str = ""
    object: _Object | None = None
    lapsed: bool = False


_QUOTE = ord('"')
_decoder = msgspec.json.Decoder(RawEvent)
_encoder = msgspec.json.Encoder()
_envelopes = msgspec.json.Decoder(_WatchEnvelope)


def decode(document: bytes | str) -> RawEvent:
    """Reads one raw event.

    Raises:
        BadEventError: it is not JSON, or a field is missing or of the wrong type; the message says which.
    """
    try:
        return _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadEventError(f"not a raw event: {error}") from error


def encode(event: RawEvent) -> bytes:
    """The event as one JSON document, `data` verbatim."""
    return _encoder.encode(event)


def raw_json(value: Any) -> msgspec.Raw:  # noqa: ANN401  any JSON value may be a record
    """A JSON value as unread bytes, for `RawEvent.data`."""
    return msgspec.Raw(_encoder.encode(value))


class Identity(NamedTuple):
    """Which version of an object is told, and as what: a Lease's last renewal may be told again as `lapsed`."""

    uid: str
    resource_version: str
    told: Literal["seen", "deleted", "lapsed"]


def peek_identity(event: RawEvent) -> Identity | None:
    """The identity of a watch event's object; None where there is no such object."""
    try:
        envelope = _envelopes.decode(event.record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    meta = envelope.object.metadata if envelope.object else None
    if meta is None or not meta.uid or not meta.resource_version:
        return None
    told: Literal["seen", "lapsed"] = "lapsed" if envelope.lapsed else "seen"
    return Identity(meta.uid, meta.resource_version, "deleted" if envelope.type == "DELETED" else told)
