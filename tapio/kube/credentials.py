"""Bearer tokens: fixed, read from a file that is rotated, or made by a program the kubeconfig names."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from tapio.kube.status import CredentialsError

_REREAD_S = 60.0  # the kubelet rotates projected tokens at 80 % of an hour; client-go rereads once a minute
_SPARE_S = 30.0  # a token is renewed this long before it ends, so that none ends on its way


class Credentials(Protocol):
    """Who the client is: a bearer token, or None where certificates alone say it."""

    async def token(self) -> str | None:
        """The token to send now.

        Raises:
            CredentialsError: none is to be had; the message says from where it was asked for.
        """

    def forget(self) -> None:
        """The server refused the token: the next one is fetched anew."""


class FixedToken:
    """A token written in the kubeconfig, or none at all."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    async def token(self) -> str | None:
        return self._token

    def forget(self) -> None:
        """There is no other."""


class TokenFile:
    """A token in a file that somebody rotates."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._token = ""
        self._until = 0.0

    async def token(self) -> str | None:
        if not self._token or self._clock() >= self._until:
            self._token = self._read()
            self._until = self._clock() + _REREAD_S
        return self._token

    def forget(self) -> None:
        self._token = ""

    def _read(self) -> str:
        try:
            return self._path.read_text().strip()
        except OSError as error:
            raise CredentialsError(f"cannot read the token file {self._path}: {error.strerror}") from error


class ExecToken:
    """A token that a program makes (`users[].user.exec`): run when there is none and when the last one ends."""

    def __init__(
        self, spec: Mapping[str, Any], cluster: Mapping[str, Any], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._spec = spec
        self._cluster = cluster
        self._clock = clock
        self._token: str | None = None
        self._until = float("-inf")

    async def token(self) -> str | None:
        if self._clock() >= self._until:
            status = await asyncio.to_thread(self._run)
            self._token = status.get("token")
            self._until = _end_of(status.get("expirationTimestamp"))
        return self._token

    def forget(self) -> None:
        self._until = float("-inf")

    def _run(self) -> Mapping[str, Any]:
        # The official client takes a second to import, so it is loaded only for kubeconfigs that name a program.
        from kubernetes.config.exec_provider import ExecProvider  # noqa: PLC0415
        from kubernetes.config.kube_config import ConfigNode  # noqa: PLC0415

        node = ConfigNode("exec", dict(self._spec))  # type: ignore[no-untyped-call]  # the package ships no types
        cluster = SimpleNamespace(value=dict(self._cluster))
        try:
            status: Mapping[str, Any] = ExecProvider(node, None, cluster).run()  # type: ignore[no-untyped-call]  # as above
        except Exception as error:
            # The provider raises whatever the program's start and its output bring.
            raise CredentialsError(
                f"the kubeconfig's program {self._spec.get('command')!r} gave no credentials: {error}",
                hint="run it by hand, or log in again",
            ) from error
        return status


def _end_of(expiration: str | None) -> float:
    """When to ask again, in seconds since the epoch."""
    if not expiration:
        return float("inf")
    return datetime.fromisoformat(expiration).astimezone(UTC).timestamp() - _SPARE_S
