"""Event ids: made of what the source guarantees, so that the same happening has one id wherever it is read.

An object's version is (uid, resourceVersion, whether deleted); that a Lease's last renewal lapsed is told of a version
that may have been told before, and is an event of its own. What has no identity of its own is the hash of what it
says. Two lines with one id are one event.
"""

from hashlib import blake2b

import msgspec

from tapio.raw.event import RawEvent, peek_identity

_ID_BYTES = 10  # 80 bits: among 10^9 events the chance of one collision is about 4e-7
_ordered = msgspec.json.Encoder(order="deterministic")


def digest(*parts: str | bytes) -> str:
    """A short stable hash of parts; the separator cannot occur in a name, so parts never run together."""
    joined = b"\x1f".join(part.encode() if isinstance(part, str) else part for part in parts)
    return blake2b(joined, digest_size=_ID_BYTES).hexdigest()


def content_id(event: RawEvent) -> str:
    """The id of a record without identity: a hash of its source, type, time and content (order of keys aside)."""
    record = msgspec.json.decode(event.record) if _is_json(event) else bytes(event.record).decode(errors="replace")
    meta = event.metadata
    where = f"{meta.k8s_kind}/{meta.k8s_namespace}/{meta.k8s_name}/{meta.k8s_uid}"
    return "evt-" + digest(meta.collector, event.type, event.timestamp.isoformat(), where, _ordered.encode(record))


def event_id(event: RawEvent) -> str:
    """The id of any raw event."""
    identity = peek_identity(event)
    if identity is None:
        return content_id(event)
    return "evt-" + digest(event.metadata.collector, *identity)


def _is_json(event: RawEvent) -> bool:
    try:
        msgspec.json.decode(event.record)
    except msgspec.DecodeError:
        return False
    return True
