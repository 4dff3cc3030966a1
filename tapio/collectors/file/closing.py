"""What a capture leaves open, ended for a graph that goes on after it: nobody else will tell the end."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from tapio.errors import BadEventError
from tapio.raw import RawEvent
from tapio.raw.event import raw_json
from tapio.raw.losses import Loss, read_loss

_AFTERWARDS = timedelta(seconds=1)  # as of the capture's newest event it is still open

_About = tuple[str, str, str, str]  # the source, its node, the cause, and the kind of objects


def ended(events: Sequence[RawEvent]) -> list[RawEvent]:
    """The events in their order; a loss that none of them ends is over just after the newest of them."""
    declared = [(event, loss) for event in events if (loss := _loss_of(event))]
    if not declared:
        return list(events)
    end = max(event.timestamp for event in events) + _AFTERWARDS
    still_open = {id(event) for event in _open(declared)}
    return [_until(event, end) if id(event) in still_open else event for event in events]


def _open(declared: Iterable[tuple[RawEvent, Loss]]) -> Iterator[RawEvent]:
    """Those with neither an end nor a count, and no end after them of the same source and cause."""
    declared = list(declared)
    ends = [(_about(event, loss), loss.until) for event, loss in declared if loss.until]
    for event, loss in declared:
        since = loss.since or event.timestamp
        found = any(about == _about(event, loss) and until >= since for about, until in ends)
        if not (found or loss.until or loss.count):
            yield event


def _about(event: RawEvent, loss: Loss) -> _About:
    return event.metadata.collector, event.metadata.k8s_node or "", loss.cause, loss.kind


def _loss_of(event: RawEvent) -> Loss | None:
    if event.type != "loss":
        return None
    try:
        return read_loss(event)
    except BadEventError:
        return None


def _until(event: RawEvent, end: datetime) -> RawEvent:
    record = msgspec.json.decode(event.record) | {"to": end}
    return msgspec.structs.replace(event, data=raw_json(record))
