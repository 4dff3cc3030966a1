"""Errors as problem documents (RFC 9457): one shape for everything that is no answer."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tapio.errors import (
    AmbiguousTargetError,
    ForbiddenError,
    StoreUnavailableError,
    TapioError,
    UnknownTargetError,
    UnreachableError,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong. `near` holds names like the one not found, `candidates` those that one name may mean.

    `type` stays `about:blank`: the status says what kind of problem it is (RFC 9457, 4.2.1).
    """

    title: str
    status: int
    detail: str
    hint: str = ""
    near: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


_STATUS: dict[type[TapioError], HTTPStatus] = {
    UnknownTargetError: HTTPStatus.NOT_FOUND,
    AmbiguousTargetError: HTTPStatus.BAD_REQUEST,
    UsageError: HTTPStatus.BAD_REQUEST,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    UnreachableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def handle_errors(app: FastAPI) -> None:
    """Gives the app its four ways to say that something is wrong."""
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        TapioError: _tapio_error,
        RequestValidationError: _bad_parameters,
        HTTPException: _no_such_page,
        Exception: _internal_error,
    }
    for error, handler in handlers.items():
        app.add_exception_handler(error, handler)


async def _tapio_error(_: Request, error: TapioError) -> Response:
    kinds = (status for kind, status in _STATUS.items() if isinstance(error, kind))
    return _response(
        next(kinds, HTTPStatus.INTERNAL_SERVER_ERROR),
        error.message,
        hint=error.hint,
        near=getattr(error, "near", ()),
        candidates=getattr(error, "candidates", ()),
    )


async def _bad_parameters(_: Request, error: RequestValidationError) -> Response:
    wrong = (f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}" for item in error.errors())
    return _response(HTTPStatus.BAD_REQUEST, "; ".join(wrong))


async def _no_such_page(request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    return _response(status, f"{request.method} {request.url.path}", hint="/openapi.json lists what there is")


async def _internal_error(_: Request, error: Exception) -> Response:
    """Says that it is our fault and what kind of error it was; the traceback goes to the server's log."""
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, f"internal error: {type(error).__name__}")


def _response(status: HTTPStatus, detail: str, **more: Any) -> Response:  # noqa: ANN401  the members of Problem
    problem = Problem(title=status.phrase, status=status, detail=detail, **more)
    return Response(msgspec.json.encode(problem), status, media_type=MEDIA_TYPE)
