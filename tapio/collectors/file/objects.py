"""What `kubectl get ... -o json` writes: one object, or a List of them, as raw events of one look."""

from datetime import datetime
from typing import Any

import msgspec

from tapio.collectors.kubeapi.enrich import Owners, about, key_of, metadata, owner_of, subject_of
from tapio.collectors.kubeapi.redaction import redact
from tapio.collectors.kubeapi.timestamps import source_time
from tapio.collectors.redaction import Redactor
from tapio.raw import RawEvent
from tapio.raw.event import raw_json

Json = dict[str, Any]

_decoder = msgspec.json.Decoder(dict[str, Any])


def objects_of(document: bytes) -> list[Json] | None:
    """The objects, or None where the document is no such output."""
    if not document.lstrip().startswith(b"{"):
        return None
    try:
        whole = _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    items = whole.get("items")
    if isinstance(items, list) and str(whole.get("kind")).endswith("List"):
        kind = str(whole["kind"]).removesuffix("List")  # the API's own lists leave kind off their items
        return [{"kind": kind, **item} for item in items if isinstance(item, dict)]
    return [whole] if whole.get("kind") and isinstance(whole.get("metadata"), dict) else None


def events_of(objects: list[Json], redactor: Redactor) -> tuple[list[RawEvent], list[str]]:
    """An event per object at the newest time it carries, and what is wrong with those that have none."""
    named = [obj for obj in objects if isinstance(obj.get("metadata"), dict)]
    problems = (
        [f"{len(objects) - len(named)} of {len(objects)} items are no objects"] if len(named) < len(objects) else []
    )
    owners = Owners((key_of(obj), owner_of(obj)) for obj in named if obj.get("kind") != "Event")
    events: list[RawEvent] = []
    for obj in named:
        try:
            at = source_time(obj)
            if at is None:
                problems.append(f"{key_of(obj)} carries no time")
                continue
            redact(obj, redactor)
            events.append(_event(obj, at, owners))
        except (AttributeError, TypeError, ValueError) as error:  # a field of another type than the API's
            problems.append(f"{obj.get('kind')} is not as the API writes it: {error}")
    return events, problems


def _event(obj: Json, at: datetime, owners: Owners) -> RawEvent:
    return RawEvent(
        timestamp=at,
        type=f"{str(obj['kind']).lower()}_created",
        data=raw_json({"type": "ADDED", "object": obj}),
        metadata=metadata(about(obj), owners.root(subject_of(obj)), observed_at=at.isoformat()),
    )
