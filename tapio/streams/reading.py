"""Reading a stream as it is now, from its first message to its last."""

from collections.abc import AsyncIterator

from tapio.errors import UnreachableError
from tapio.streams.port import Delivery, Streams

_PAGE = 500
_PATIENCE_S = 10.0  # what is there comes at once; from a server that is busy, within seconds


async def everything(streams: Streams, stream: str) -> AsyncIterator[Delivery]:
    """What the stream has now, oldest first. One whose messages all grew too old has nothing.

    Raises:
        StreamMissingError: it is not there.
        UnreachableError: the server does not answer, or stopped giving on the way.
    """
    at, end = 0, await streams.last(stream)
    reader = await streams.follow(stream, 0)
    try:
        while at < end:
            deliveries = await reader.next(_PAGE, _PATIENCE_S)
            if at and not deliveries:
                raise UnreachableError(f"the stream {stream} goes on to {end}, and gives nothing after {at}")
            if not deliveries:
                return
            for delivery in deliveries:
                yield delivery
            at = deliveries[-1].sequence
    finally:
        await reader.close()
