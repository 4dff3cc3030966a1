"""Objects as kubectl writes them, as raw events of one look."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from tapio.collectors.file.documents import Json, Seen
from tapio.collectors.kubeapi.enrich import Owners, about, key_of, metadata, owner_of, subject_of
from tapio.collectors.kubeapi.redaction import redact
from tapio.collectors.kubeapi.timestamps import source_time
from tapio.collectors.redaction import Redactor
from tapio.raw import RawEvent
from tapio.raw.event import raw_json
from tapio.raw.types import object_type


def owners_of(objects: Iterable[Json]) -> Owners:
    """Who owns whom among them."""
    owners = Owners()
    for obj in objects:
        with suppress(AttributeError, TypeError):  # a field of another type than the API's: told by its event
            if obj.get("kind") != "Event":
                owners.learn(key_of(obj), owner_of(obj))
    return owners


def events_of(seen: Sequence[Seen], owners: Owners, redactor: Redactor) -> tuple[list[RawEvent], list[str]]:
    """An event per object at the newest time it carries, and what is wrong with those that have none."""
    named = [each for each in seen if isinstance(each.object.get("metadata"), dict)]
    problems = [f"{len(seen) - len(named)} of {len(seen)} items are no objects"] if len(named) < len(seen) else []
    events: list[RawEvent] = []
    for each in named:
        obj = each.object
        try:
            at = source_time(obj)
            if at is None:
                problems.append(f"{key_of(obj)} carries no time")
                continue
            redact(obj, redactor)
            meta = metadata(about(obj), owners.root(subject_of(obj)), observed_at=at.isoformat())
            data = raw_json({"type": each.type, "object": obj})
            type_ = object_type(str(obj["kind"]), each.type)
            events.append(RawEvent(timestamp=at, type=type_, data=data, metadata=meta))
        except (AttributeError, TypeError, ValueError) as error:  # a field of another type than the API's
            problems.append(f"{obj.get('kind')} is not as the API writes it: {error}")
    return events, problems
