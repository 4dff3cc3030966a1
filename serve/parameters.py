"""The query parameters that several endpoints take, and the library's values that they stand for."""

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import msgspec
from fastapi import Query, Request, Response

from tapio.errors import UsageError
from tapio.times import parse_moment, parse_span
from tapio.why import Question
from tapio.why.labels import parse_selector
from tapio.why.lists import LONGEST, PAGE

TargetText = Annotated[str, Query(description="`type/name`, `type/namespace/name` or a question in words; empty: all")]
Namespace = Annotated[str, Query(description="the namespace; empty for all")]
Uid = Annotated[str, Query(description="which one, where a name was used more than once")]
Labels = Annotated[str, Query(description="a label selector as kubectl takes it: `app=web,tier!=db`, `env in (a, b)`")]
Confidence = Annotated[float, Query(ge=0, le=1, description="a weaker answer becomes `unknown`")]
Moment = Annotated[str, Query(description="RFC 3339; the newest event's time when left out")]
Span = Annotated[str, Query(description="how far back: `90s`, `15m`, `2h`, `3d`")]
Each = Annotated[bool, Query(description="every incident, worst first, as a list")]
Limit = Annotated[int, Query(ge=1, le=LONGEST, description=f"items on a page; {PAGE} when left out")]
Cursor = Annotated[str, Query(description="`next` of the page before; empty for the first page")]

_JSON = "application/json"


async def refuse_unknown(request: Request) -> None:
    """Left out of account, a mistyped `target` would be answered with the worst incident.

    Raises:
        UsageError: the endpoint takes no such parameter.
    """
    takes = [parameter.alias for parameter in request.scope["route"].dependant.query_params]
    for name in request.query_params.keys() - set(takes):
        near = get_close_matches(name, takes, n=1)
        known = f"it takes {', '.join(takes)}" if takes else "it takes none"
        hint = f"did you mean {near[0]}?" if near else known
        raise UsageError(f"{request.url.path} takes no parameter {name}", hint=hint)


def question(  # noqa: PLR0913  the fields of a question, one parameter each
    target: str,
    namespace: str,
    *,
    uid: str = "",
    at: str = "",
    since: str = "",
    min_confidence: float = 0.0,
    selector: str = "",
) -> Question:
    """The question that these parameters ask.

    Raises:
        UsageError: a time, a span or a selector is none, or a selector stands beside a target.
    """
    return Question(
        target=target,
        namespace=namespace,
        uid=uid,
        at=moment(at),
        since=parse_span(since) if since else None,
        min_confidence=min_confidence,
        selector=parse_selector(selector, target),
    )


def moment(at: str) -> datetime | None:
    """The moment a parameter names; a time without an offset is UTC."""
    return parse_moment(at, UTC) if at else None


def json(document: msgspec.Struct) -> Response:
    """A document of the library as the answer."""
    return Response(msgspec.json.encode(document), media_type=_JSON)
