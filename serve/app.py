"""The REST API: each endpoint turns parameters into a question, asks the library, and sends what it says as JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Response

from serve.graph import Graph
from serve.problems import handle_errors
from serve.schema import answers, describe
from tapio import __version__
from tapio.graph import SourceCoverage
from tapio.times import parse_moment, parse_span
from tapio.why import Explanation, Question, encode, explain, explain_each

TargetText = Annotated[str, Query(description="`type/name` or `type/namespace/name`; empty for the worst incident")]
Confidence = Annotated[float, Query(ge=0, le=1, description="a weaker answer becomes `unknown`")]
Moment = Annotated[str, Query(description="RFC 3339; the newest event's time when left out")]
Span = Annotated[str, Query(description="how far back changes and gaps count: `90s`, `15m`, `2h`, `3d`")]
Each = Annotated[bool, Query(description="every incident, worst first, as a list")]

_JSON = "application/json"


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What each source saw, by source and node."""

    sources: tuple[SourceCoverage, ...]


def make_app(store: Path) -> FastAPI:
    """The API over the graph at `store`, which need not be there yet (503 until it is)."""
    graph = Graph(store)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        graph.close()

    app = FastAPI(title="Tapio", version=__version__, lifespan=lifespan, redoc_url=None)
    handle_errors(app)
    _add_questions(app, graph)
    _add_health(app, graph)
    describe(app, Explanation, Sources)
    return app


def _add_questions(app: FastAPI, graph: Graph) -> None:
    # Plain functions: FastAPI runs them in threads, where reading the store may wait.
    @app.get("/v1/why", responses=answers(Explanation), response_class=Response)
    def why(  # noqa: PLR0913, PLR0917  FastAPI reads each query parameter here
        target: TargetText = "",
        namespace: str = "",
        pod: str = "",
        uid: str = "",
        at: Moment = "",
        since: Span = "",
        min_confidence: Confidence = 0.0,
        each: Each = False,  # noqa: FBT002  as above
    ) -> Response:
        """Why did it fail? `pod=X&namespace=Y` is short for `target=pod/X&namespace=Y`."""
        question = Question(
            target=target or (f"pod/{pod}" if pod else ""),
            namespace=namespace,
            uid=uid,
            at=parse_moment(at, UTC) if at else None,
            since=parse_span(since) if since else None,
            min_confidence=min_confidence,
        )
        answer = (explain_each if each else explain)(question, graph.reader())
        return Response(encode(answer), media_type=_JSON)

    @app.get("/v1/sources", responses=answers(Sources), response_class=Response)
    def sources(at: Moment = "") -> Response:
        """What each source saw, and where it was blind, until `at`."""
        reader = graph.reader()
        moment = parse_moment(at, UTC) if at else reader.newest()
        seen = Sources(sources=tuple(reader.coverage(moment)) if moment else ())
        return Response(msgspec.json.encode(seen), media_type=_JSON)


def _add_health(app: FastAPI, graph: Graph) -> None:
    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> dict[str, str]:
        """The graph can be read; 503 while it cannot."""
        graph.reader().newest()
        return {"status": "ready"}
