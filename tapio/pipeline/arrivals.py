"""Several streams read at once, handed on in batches: whatever has come while the last batch was worked on."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from tapio.streams import Delivery, Reader, Streams

_PAGE = 500  # deliveries taken from one stream at a time
_PAGES_AHEAD = 24  # pages read and not yet worked on, over all streams: bounds memory, and holds back the readers
_WAIT_S = 5.0

Page = tuple[str, Sequence[Delivery]]


class Feed:
    """The pages of several streams, in each stream's order; the order between streams means nothing."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers
        self._pages: asyncio.Queue[Page] = asyncio.Queue(_PAGES_AHEAD)

    async def next(self, limit: int) -> list[Page]:
        """Waits for a page, and takes the others that are there, up to about `limit` deliveries."""
        pages = [await self._pages.get()]
        while not self._pages.empty() and sum(len(page) for _, page in pages) < limit:
            pages.append(self._pages.get_nowait())
        return pages

    async def read(self, name: str) -> None:
        """Reads one stream for ever."""
        while True:
            page = await self._readers[name].next(_PAGE, _WAIT_S)
            if page:
                await self._pages.put((name, page))

    async def pending(self) -> int:
        """How much is left to read, what lies here included."""
        behind = [await reader.pending() for reader in self._readers.values()]
        return sum(behind) + self._pages.qsize()

    async def dead_letter(self, name: str, delivery: Delivery, error: str) -> None:
        await self._readers[name].dead_letter(delivery, error)


@asynccontextmanager
async def follow(streams: Streams, after: Mapping[str, tuple[str, int]]) -> AsyncIterator[Feed]:
    """A feed of every stream in `after`: name -> (stream, the sequence already read).

    Leaving ends the reading; an error in a reader ends the block it is used in.
    """
    readers = {name: await streams.follow(stream, sequence) for name, (stream, sequence) in after.items()}
    feed = Feed(readers)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(feed.read(name)) for name in readers]
            try:
                yield feed
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        for reader in readers.values():
            await reader.close()
