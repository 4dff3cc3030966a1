"""The raw event behind a unified one, from the stream that still has it."""

from tapio.raw import RawEvent, decode, event_id
from tapio.stores import GraphStore
from tapio.streams import RAW, Streams

_WAIT_S = 5.0  # a message that is there comes at once; one that has left the stream never does


async def raw_event(raw_id: str, store: GraphStore, streams: Streams) -> RawEvent | None:
    """What the source said, verbatim; None where the stream no longer has it or the store does not know its place."""
    sequence = store.raw_sequence(raw_id)
    if not sequence:
        return None
    reader = await streams.follow(RAW, sequence - 1)
    try:
        deliveries = await reader.next(1, _WAIT_S)
    finally:
        await reader.close()
    found = [decode(delivery.data) for delivery in deliveries if delivery.sequence == sequence]
    return next((event for event in found if event_id(event) == raw_id), None)
