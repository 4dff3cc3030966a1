"""The REST API: each endpoint turns parameters into a question, asks the library, and sends what it says as JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Response

from serve import lists
from serve.evidence import Given, add_evidence
from serve.graph import Graph
from serve.parameters import Confidence, Each, Moment, Namespace, Span, TargetText, Uid, json, question, refuse_unknown
from serve.problems import handle_errors
from serve.rules import add_rules
from serve.schema import answers, describe
from serve.status import Overview, SystemStatus, status_of
from tapio import __version__
from tapio.correlators.catalog import RuleList
from tapio.errors import UnreachableError
from tapio.why import Explanation, encode, explain, explain_each
from tapio.why.lists import Evidence
from tapio.why.words import understand

_JSON = "application/json"


def make_app(store: Path, *, nats: str = "", overview: Overview | None = None) -> FastAPI:
    """The API over the graph at `store`, which need not be there yet (503 until it is).

    `nats` is where RAW is: for the raw events of evidence, and for whoever brings events. `overview` gives what the
    supervisor sees.
    """
    graph = Graph(store)
    given = Given()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        graph.close()

    strict = [Depends(refuse_unknown)]
    app = FastAPI(title="Tapio", version=__version__, lifespan=lifespan, redoc_url=None, dependencies=strict)
    handle_errors(app)
    _add_why(app, graph, given)
    lists.add_lists(app, graph)
    add_evidence(app, graph, given, nats)
    add_rules(app)
    _add_status(app, overview, nats)
    _add_health(app, graph)
    describe(app, Explanation, Evidence, SystemStatus, RuleList, *lists.DOCUMENTS)
    return app


def _add_why(app: FastAPI, graph: Graph, given: Given) -> None:
    # Plain functions: FastAPI runs them in threads, where reading the store may wait.
    @app.get("/v1/why", responses=answers(Explanation), response_class=Response)
    def why(  # noqa: PLR0913, PLR0917  FastAPI reads each query parameter here
        target: TargetText = "",
        namespace: Namespace = "",
        pod: str = "",
        uid: Uid = "",
        at: Moment = "",
        since: Span = "",
        min_confidence: Confidence = 0.0,
        each: Each = False,  # noqa: FBT002  as above
    ) -> Response:
        """Why did it fail? `pod=X&namespace=Y` is short for `target=pod/X&namespace=Y`."""
        chosen = target or (f"pod/{pod}" if pod else "")
        reader = graph.reader()
        asked = question(chosen, namespace, uid=uid, at=at, since=since, min_confidence=min_confidence)
        asked = understand(asked, reader)
        found = explain_each(asked, reader) if each else [explain(asked, reader)]
        given.remember(asked, found)
        return Response(encode(found if each else found[0]), media_type=_JSON)


def _add_status(app: FastAPI, overview: Overview | None, nats: str) -> None:
    @app.get("/v1/status", responses=answers(SystemStatus), response_class=Response)
    def status() -> Response:
        """Every actor: whether it is well, its restarts, how far behind it is; 503 where no supervisor is."""
        if overview is None:
            raise UnreachableError("this API runs beside no supervisor")
        return json(status_of(overview(), nats))


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
