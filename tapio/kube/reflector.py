"""One kind of one cluster, followed for ever: list, then watch, resume, and list again only when history is lost.

The contract is client-go's (tools/cache/reflector.go), with two promises more: no object is said that is older than
one already said of its uid, and where changes may have been missed, the interval is said too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import cast

import msgspec

from tapio.kube.backoff import Pace
from tapio.kube.client import KubeClient
from tapio.kube.kinds import Kind
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
from tapio.kube.status import ApiError, CredentialsError, ServerAwayError, StalledError, Status
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
        if self._version is None:
            await self._list()
        self.settled.set()
        await self._watch(self._version or "")

    async def _list(self) -> None:
        listed: set[str] = set()
        page = Page()
        async with aclosing(pages(self._client, self._kind, self._namespace)) as all_pages:
            async for page in all_pages:
                await self._say_page(page, listed)
        if gone := self._versions.drop_all_but(listed):
            await self._say(Vanished(self._kind, gone))
        await self._end_blindness()
        self._listed_before, self._denied = True, False
        await self._advance(page.metadata.resource_version)

    async def _say_page(self, page: Page, listed: set[str]) -> None:
        news = []
        for item in page.items or ():
            uid, version, meta = identity_of(item)
            listed.add(uid)
            if self._versions.admits(uid, version):
                kind: WatchType = "MODIFIED" if uid in self._versions else "ADDED"
                news.append(Seen(kind, uid, version, named(self._kind, item), meta))
                self._versions.living(uid, version)
        if news:
            await self._say(Objects(self._kind, news, listed=True, relisted=self._listed_before))

    async def _watch(self, version: str) -> None:
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(int(_WATCH_S * (1 + self._pace.dice()))),
        }
        began, heard = self._pace.clock(), False
        path, accept = self._kind.path(self._namespace), watching(self._kind)
        lines = self._client.lines(path, params, idle_s=self._idle_s, accept=accept)
        async with aclosing(lines):
            async for together in lines:
                if not together:
                    await self._say(Answered(self._kind))
                    continue
                heard = True
                await self._hear(together)
        if not heard and self._pace.clock() - began < _SHORT_S:
            raise _ClosedAtOnceError("the server ended the watch at once")
        self._pace.succeeded()

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
            raise ApiError(_status(line))
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
        cause = f"{'forbidden' if error.denied else 'not served'}: {self._kind.name}"
        self._pace.rest(_DENIED_REST_S)
        if self._denied:
            return
        self._denied = True
        self._lose_history(cause)
        self._blind = self._blind or (self._now(), cause)
        await self._say(Denied(self._kind, self._now(), cause, error.status.message or str(error)))

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


def _status(line: Line) -> Status:
    fields = {name: msgspec.json.decode(part) for name, part in line.object.items()}
    return msgspec.convert(fields, Status, strict=False)
