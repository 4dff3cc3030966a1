"""What the API server says when it does not do what was asked, and what that asks of the reader."""

import msgspec

from tapio.errors import ForbiddenError, UnreachableError


class _Cause(msgspec.Struct):
    reason: str = ""


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float = 0
    causes: list[_Cause] = []


class Status(msgspec.Struct):
    """`v1.Status`: the body of a refusal, and the object of a watch's ERROR line."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details | None = None


class ApiError(Exception):
    """A refusal by the API server. `retry_after_s` is how long it asks to be left alone (0: it did not say)."""

    def __init__(self, status: Status, *, retry_after_s: float = 0) -> None:
        super().__init__(f"{status.code} {status.reason}: {status.message}".strip())
        self.status = status
        self.code = status.code
        details = status.details or _Details()
        self.retry_after_s = max(retry_after_s, details.retry_after_seconds)
        self._causes = {cause.reason for cause in details.causes}

    @property
    def words(self) -> str:
        """What the server says, for a person."""
        return self.status.message or str(self)

    @property
    def expired(self) -> bool:
        """The version (or the continue token) is older than what the server still has."""
        return self.code == _GONE or self.status.reason in {"Expired", "Gone"}

    @property
    def too_large(self) -> bool:
        """The version lies in the server's future: its etcd was restored, or this replica lags behind."""
        return "ResourceVersionTooLarge" in self._causes or "Too large resource version" in self.status.message

    @property
    def throttled(self) -> bool:
        return self.code == _TOO_MANY_REQUESTS

    @property
    def unauthorized(self) -> bool:
        return self.code == _UNAUTHORIZED

    @property
    def denied(self) -> bool:
        return self.code == _FORBIDDEN

    @property
    def absent(self) -> bool:
        """The server does not serve this kind, or not in the form that was asked for."""
        return self.code in {_NOT_FOUND, _NOT_ACCEPTABLE}

    @property
    def unsupported(self) -> bool:
        """The server does not list by a watch: the feature is off (422), or the request means nothing to it (400)."""
        return self.code in {_BAD_REQUEST, _INVALID}


class ServerAwayError(UnreachableError):
    """The API server does not answer, or the connection to it broke."""


class CredentialsError(ForbiddenError):
    """There are no credentials to ask with."""


class StalledError(ServerAwayError):
    """A connection that is open and silent for longer than a live one ever is."""


_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_NOT_ACCEPTABLE = 406
_INVALID = 422
_GONE = 410
_TOO_MANY_REQUESTS = 429

_statuses = msgspec.json.Decoder(Status)


def refusal(code: int, body: bytes, *, retry_after: str = "") -> ApiError:
    """The error behind an HTTP answer, whether or not its body is a Status."""
    return ApiError(_status(code, body), retry_after_s=_seconds(retry_after))


def _status(code: int, body: bytes) -> Status:
    try:
        status = _statuses.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Status(code=code, message=body[:200].decode(errors="replace"))
    return status if status.code else msgspec.structs.replace(status, code=code)


def _seconds(retry_after: str) -> float:
    """`Retry-After` in seconds; its other form, a date, counts as not said."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        return 0.0
