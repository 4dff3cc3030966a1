"""One kind of one cluster, followed for ever: list, then watch, resume, and list again only when history is lost.

The contract is client-go's (tools/cache/reflector.go), with two promises more: no object is said that is older than
one already said of its uid, and where changes may have been missed, the interval is said too.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import cast

from tapio.kube.backoff import Pace
from tapio.kube.client import KubeClient
from tapio.kube.kinds import Kind
from tapio.kube.listing import BY_WATCH, Listing, status_of
from tapio.kube.pages import Line, MalformedError, Page, identity_of, named, pages, read_line, watching
from tapio.kube.said import (
    Answered,
    Blind,
    Denied,
    Objects,
    Position,
    Remembered,
    Said,
    Seen,
    Trouble,
    Vanished,
    WatchType,
)
from tapio.kube.status import ApiError, CredentialsError, ServerAwayError, StalledError
from tapio.kube.versions import Versions, is_newer

_WATCH_S = 300  # a watch is asked for 5 to 10 minutes, at random, so that a hung one cannot last
_IDLE_S = 150.0  # the API server sends a bookmark each minute: two missed ones mean a dead connection
_DENIED_REST_S = 300.0  # rights may be granted later
_SHORT_S = 1.0  # a watch that ends this soon with nothing said is a failure, whatever its status


class _ClosedAtOnceError(Exception):
    """The server answered a watch and ended it (client-go: VeryShortWatchError)."""


class Reflector:
    """Follows one kind and says what it sees through `say`, which returns when the saying has been taken."""

    def __init__(  # noqa: PLR0913  clock, pace and limits are arguments for the tests' sake
        self,
        client: KubeClient,
        kind: Kind,
        say: Callable[[Said], Awaitable[None]],
        *,
        remembered: Remembered | None = None,
        namespace: str | None = None,
        pace: Pace | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        idle_s: float = _IDLE_S,
    ) -> None:
        remembered = remembered or Remembered()
        self._client = client
        self._kind = kind
        self._say = say
        self._namespace = namespace
        self._pace = pace or Pace()
        self._now = now
        self._idle_s = idle_s
        self._versions = Versions(remembered.known)
        self._version = remembered.version
        self._seen_at = remembered.seen_at
        self._listed_before = remembered.seen_at is not None
        self._blind: tuple[datetime, str] | None = None
        self._denied = False
        self._malformed_at: str | None = None
        self._lists_by_watch = True  # until the server turns out not to
        self.settled = asyncio.Event()  # the first attempt is over: listed, resumed, or failed

    async def run(self) -> None:
        """Runs until cancelled, or until `say` raises."""
        while True:
            await self._pace.ready()
            try:
                await self._attempt()
            except ApiError as error:
                await self._refused(error)
            except MalformedError as error:
                await self._malformed(error)
            except ServerAwayError as error:
                await self._fail("stalled" if isinstance(error, StalledError) else "unreachable", error)
            except CredentialsError as error:
                await self._fail("no credentials", error)
            except _ClosedAtOnceError as error:
                await self._fail("closed at once", error)
            self.settled.set()

    async def _attempt(self) -> None:
        if self._version is None and self._lists_by_watch:
            try:
                await self._list_by_watch()
            except ApiError as error:
                if self._version is not None or not error.unsupported:
                    raise
                self._lists_by_watch = False
            else:
                return
        if self._version is None:
            await self._list()
        self.settled.set()
        await self._watch(self._version or "")

    async def _list(self) -> None:
        listing, page = Listing(self._kind, self._versions), Page()
        async with aclosing(pages(self._client, self._kind, self._namespace)) as all_pages:
            async for page in all_pages:
                await self._say_listed(listing.page(page))
        await self._listed(listing, page.metadata.resource_version)

    async def _list_by_watch(self) -> None:
        """Lists by a watch that goes on when all is listed.

        Raises:
            ApiError: it refuses, or is `unsupported`.
        """
        listing: Listing | None = Listing(self._kind, self._versions)
        async with aclosing(self._lines(BY_WATCH)) as lines:
            async for together in lines:
                if listing is None:
                    await self._hear(together)
                    continue
                part = listing.part(together)
                await self._say_listed(part.news)
                if part.error:
                    raise part.error
                if part.version:
                    await self._listed(listing, part.version)
                    listing = None
                    self.settled.set()
                    self._pace.succeeded()
                    await self._hear(part.rest)
        if listing is not None:
            raise _ClosedAtOnceError("the server ended the watch before it had listed all")

    async def _say_listed(self, news: Sequence[Seen]) -> None:
        if news:
            await self._say(Objects(self._kind, news, listed=True, relisted=self._listed_before))

    async def _listed(self, listing: Listing, version: str) -> None:
        """The listing is whole: what it does not have is gone, and a watch may begin at its version."""
        if gone := self._versions.drop_all_but(listing.uids):
            await self._say(Vanished(self._kind, gone))
        await self._end_blindness()
        self._listed_before, self._denied = True, False
        await self._advance(version)

    async def _watch(self, version: str) -> None:
        began, heard = self._pace.clock(), False
        async with aclosing(self._lines({"resourceVersion": version})) as lines:
            async for together in lines:
                heard = True
                await self._hear(together)
        if not heard and self._pace.clock() - began < _SHORT_S:
            raise _ClosedAtOnceError("the server ended the watch at once")
        self._pace.succeeded()

    async def _lines(self, asked: dict[str, str]) -> AsyncGenerator[list[bytes]]:
        """The lines of one watch, as they come together."""
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            **asked,
            "timeoutSeconds": str(int(_WATCH_S * (1 + self._pace.dice()))),
        }
        path, accept = self._kind.path(self._namespace), watching(self._kind)
        async with aclosing(self._client.lines(path, params, idle_s=self._idle_s, accept=accept)) as lines:
            async for together in lines:
                if together:
                    yield together
                else:
                    await self._say(Answered(self._kind))

    async def _hear(self, lines: Sequence[bytes]) -> None:
        """Says what is good before it fails on the first line that is not."""
        news: list[Seen] = []
        version = ""
        try:
            for line in lines:
                if line:
                    heard = self._hear_line(read_line(line), news)
                    version = heard if not version or is_newer(heard, version) else version
        finally:
            if news:
                await self._say(Objects(self._kind, news))
            if version:
                self._pace.succeeded()
                await self._advance(version)

    def _hear_line(self, line: Line, news: list[Seen]) -> str:
        if line.type == "ERROR":
            raise ApiError(status_of(line))
        if line.type == "BOOKMARK":
            return _bookmark(line)
        uid, version, meta = identity_of(line.object)
        if line.type not in {"ADDED", "MODIFIED", "DELETED"}:
            raise MalformedError(f"a watch line of the unknown type {line.type!r}")
        if not self._versions.admits(uid, version):
            return version
        obj = named(self._kind, line.object) if self._kind.metadata_only else line.object
        news.append(Seen(cast("WatchType", line.type), uid, version, obj, meta))
        note = self._versions.deleted if line.type == "DELETED" else self._versions.living
        note(uid, version)
        return version

    async def _advance(self, version: str) -> None:
        """The position moves forward only: a line that came late does not take it back."""
        if self._version is None or is_newer(version, self._version):
            self._version = version
        self._seen_at = self._now()
        await self._say(Position(self._kind, self._version, self._seen_at))

    async def _refused(self, error: ApiError) -> None:
        if error.denied or error.absent:
            await self._deny(error)
        elif error.throttled:
            await self._fail("throttled", error, at_least_s=error.retry_after_s)
        elif error.expired or error.too_large:
            self._lose_history("expired" if error.expired else "version too large")
            await self._fail("history lost", error)
        else:
            await self._fail("refused", error, at_least_s=error.retry_after_s)

    async def _deny(self, error: ApiError) -> None:
        self._pace.rest(_DENIED_REST_S)
        if self._denied:
            return
        self._denied = True
        said = Denied.by(error, self._kind, self._now())
        self._lose_history(said.cause)
        self._blind = self._blind or (said.at, said.cause)
        await self._say(said)

    async def _malformed(self, error: MalformedError) -> None:
        """A line cut on its way comes whole when resumed; one that comes broken again was lost: list instead."""
        if self._version is not None and self._malformed_at == self._version:
            self._lose_history("malformed")
        self._malformed_at = self._version
        await self._fail("malformed", error)

    async def _fail(self, what: str, error: Exception, *, at_least_s: float = 0) -> None:
        self._pace.failed(at_least_s=at_least_s)
        await self._say(Trouble(self._kind, what, str(error)))

    def _lose_history(self, cause: str) -> None:
        self._version = None
        if self._blind is None and self._seen_at is not None:
            self._blind = (self._seen_at, cause)

    async def _end_blindness(self) -> None:
        if self._blind is not None:
            since, cause = self._blind
            self._blind = None
            await self._say(Blind(self._kind, since, self._now(), cause))


def _bookmark(line: Line) -> str:
    """A bookmark's version; its object has nothing else."""
    return identity_of(line.object).version
