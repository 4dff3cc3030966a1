"""Asking a running Tapio over HTTP, with the standard library alone: the client must load in milliseconds."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, build_opener

import msgspec

from tapio.errors import ForbiddenError, TapioError, UnknownTargetError, UnreachableError, UsageError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OTHERWISE = "start one with `tapio up`, or name one with --server"


class _Problem(msgspec.Struct):
    """An RFC 9457 problem document, as far as a person is told of it."""

    detail: str
    hint: str = ""
    near: tuple[str, ...] = ()


def get(server: str, path: str, parameters: Mapping[str, str], timeout_s: float, *, or_else: str = "") -> bytes:
    """The body of a successful answer. `or_else` is what else a person can do where no Tapio answers.

    Raises:
        UnreachableError: nobody answers, it is no Tapio, or its store is away.
        UsageError, UnknownTargetError, ForbiddenError: the server says so.
    """
    url = f"{server}{path}?{urlencode({key: value for key, value in parameters.items() if value})}"
    try:
        # The scheme is checked in _opener: http or https, never a file.
        with _opener(server).open(url, timeout=timeout_s) as response:
            body: bytes = response.read()
    except HTTPError as error:
        with error:
            _refuse(server, error.code, error.read(), or_else)
    except (URLError, OSError) as error:
        raise UnreachableError(f"no Tapio answers at {server}: {_reason(error)}", hint=_OTHERWISE + or_else) from error
    return body


def _opener(server: str) -> OpenerDirector:
    """A proxy of the environment is for other machines, never for loopback."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{server!r} is no address of a server", hint="write it as http://127.0.0.1:8000")
    return build_opener(ProxyHandler({})) if parts.hostname in _LOOPBACK else build_opener()


def _reason(error: OSError) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    return (reason.strerror if isinstance(reason, OSError) else "") or str(reason)


def _refuse(server: str, status: int, body: bytes, or_else: str) -> NoReturn:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError as error:
        raise UnreachableError(
            f"what answers at {server} is no Tapio (status {status})", hint=_OTHERWISE + or_else
        ) from error
    match status:
        case HTTPStatus.NOT_FOUND:
            raise UnknownTargetError(problem.detail, near=problem.near, hint=problem.hint)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise ForbiddenError(problem.detail, hint=problem.hint)
        case HTTPStatus.SERVICE_UNAVAILABLE:
            raise UnreachableError(problem.detail, hint=problem.hint)
        case HTTPStatus.BAD_REQUEST:
            raise UsageError(problem.detail, hint=problem.hint)
        case _:
            raise TapioError(f"{server}: {problem.detail}", hint=problem.hint)
