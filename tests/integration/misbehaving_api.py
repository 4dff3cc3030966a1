"""A test server that speaks LIST and watch, and misbehaves on demand: a script of answers, then good behaviour."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tapio.kube import Cluster

Json = dict[str, Any]
CLOSING = web.AppKey("closing", asyncio.Event)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def obj(name: str, version: int, *, kind: str = "ConfigMap", **fields: Any) -> Json:
    """An object whose uid is its name's."""
    meta = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": str(version)}
    meta |= {"creationTimestamp": "2026-01-01T00:00:00Z"} | fields.pop("metadata", {})
    return {"kind": kind, "apiVersion": "v1", "metadata": meta, **fields}


def line(watch_type: str, an_object: Json) -> bytes:
    return json.dumps({"type": watch_type, "object": an_object}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    return line("BOOKMARK", {"kind": "ConfigMap", "metadata": {"resourceVersion": str(version)}})


def listed(version: int) -> bytes:
    """The bookmark that ends a listing by a watch."""
    meta = {"resourceVersion": str(version), "annotations": {"k8s.io/initial-events-end": "true"}}
    return line("BOOKMARK", {"kind": "ConfigMap", "metadata": meta})


def status(code: int, reason: str = "", message: str = "", **details: Any) -> Json:
    return {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}


def refuse(
    code: int, reason: str = "", message: str = "", headers: dict[str, str] | None = None, **more: Any
) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(status(code, reason, message, **more), status=code, headers=headers)

    return answer


def say(*lines: bytes, hold: bool = True) -> Answer:
    """A watch that says these lines together, then stays open (`hold`) or ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        if lines:
            await response.write(b"".join(lines))
        if hold:
            await request.app[CLOSING].wait()
        return response

    return answer


def cut(*lines: bytes) -> Answer:
    """A watch that says these and breaks in the middle of the next line."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"".join(lines) + b'{"type": "MODIFIED", "obj')
        await asyncio.sleep(0.02)  # a client that is told at once that the connection broke drops what it has not read
        if request.transport is not None:
            request.transport.abort()
        return response

    return answer


def text(*lines: str) -> Answer:
    """A log."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text="".join(f"{line}\n" for line in lines))

    return answer


def page(*items: Json, version: int, following: str = "") -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        bare = [{name: value for name, value in item.items() if name not in {"kind", "apiVersion"}} for item in items]
        meta = {"resourceVersion": str(version), "continue": following}
        return web.json_response({"kind": "List", "metadata": meta, "items": bare})

    return answer


class MisbehavingApi:
    """Answers each LIST and watch of a collection from its script; afterwards lists nothing and watches in silence."""

    def __init__(self) -> None:
        self.lists: dict[str, deque[Answer]] = {}
        self.watches: dict[str, deque[Answer]] = {}
        self.streams: dict[str, deque[Answer]] = {}
        self.always: dict[str, Answer] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.accepted: list[tuple[str, str, str]] = []
        self.url = ""

    def will_list(self, *answers: Answer, plural: str = "configmaps") -> None:
        self.lists.setdefault(plural, deque()).extend(answers)

    def will_watch(self, *answers: Answer, plural: str = "configmaps") -> None:
        self.watches.setdefault(plural, deque()).extend(answers)

    def will_stream(self, *answers: Answer, plural: str = "configmaps") -> None:
        """Answers to listings by a watch; where there is none, it refuses to list so."""
        self.streams.setdefault(plural, deque()).extend(answers)

    def asked(self, what: str, plural: str = "configmaps") -> list[dict[str, str]]:
        """The queries of every LIST or watch of a collection."""
        return [query for kind, name, query in self.requests if (kind, name) == (what, plural)]

    @property
    def cluster(self) -> Cluster:
        return Cluster(server=self.url, origin="a test")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        plural = request.path.rsplit("/", 1)[-1]
        what = "watch" if request.query.get("watch") else "list"
        if "sendInitialEvents" in request.query:
            what = "stream"
        self.requests.append((what, plural, dict(request.query)))
        self.accepted.append((what, plural, request.headers.get("Accept", "")))
        script = {"watch": self.watches, "list": self.lists, "stream": self.streams}[what].get(plural)
        if what == "stream" and not script:  # as a server does that has the feature turned off
            return await refuse(422, "Invalid", "sendInitialEvents is forbidden for watch")(request)
        if plural in self.always:
            return await self.always[plural](request)
        if script:
            return await script.popleft()(request)
        return await (say()(request) if what == "watch" else page(version=1)(request))


@asynccontextmanager
async def misbehaving_api() -> AsyncIterator[MisbehavingApi]:
    api = MisbehavingApi()
    app = web.Application()
    app[CLOSING] = asyncio.Event()
    app.router.add_get("/{path:.*}", api._answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    api.url = f"http://{host}:{port}"
    try:
        yield api
    finally:
        app[CLOSING].set()
        await runner.cleanup()


class FakeTime:
    """A clock that only sleeping moves. `attempts` are the times at which something was tried."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
