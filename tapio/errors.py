"""The errors that reach a person: each says what is wrong, where, and what to do, and carries its exit code."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command; `why` alone uses 2, 3 and 4."""

    DONE = 0
    ERROR = 1
    EXPLAINED = 2
    UNKNOWN = 3
    INCOMPLETE = 4
    UNREACHABLE = 5
    FORBIDDEN = 6


class TapioError(Exception):
    """A failure with a message for the person at the terminal."""

    exit_code: Exit = Exit.ERROR

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TapioError):
    """The command, a flag, a file or a setting is wrong."""


class BadEventError(TapioError):
    """A document that is no raw event: the same bytes fail again, so they are counted and put aside."""


class UnknownTargetError(TapioError):
    """Nothing is known under the name asked for; `near` holds names like it, which the hint names first."""

    def __init__(self, message: str, *, near: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=f"did you mean {', '.join(near)}?" if near else hint)
        self.near = near


class AmbiguousTargetError(TapioError):
    """Several things have the name asked for; `candidates` lists them."""

    def __init__(self, message: str, *, candidates: tuple[str, ...]) -> None:
        super().__init__(message, hint=f"choose one: {', '.join(candidates)}")
        self.candidates = candidates


class UnreachableError(TapioError):
    """A server that the command needs does not answer."""

    exit_code = Exit.UNREACHABLE


class ForbiddenError(TapioError):
    """The server answered, and refused: no permission, or expired credentials."""

    exit_code = Exit.FORBIDDEN


class StoreUnavailableError(TapioError):
    """The graph store is away: nothing is lost, the reader waits and writes again."""

    exit_code = Exit.UNREACHABLE
