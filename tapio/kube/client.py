"""An HTTP client for one API server: documents, and the lines of a watch."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.connector import NEEDS_CLEANUP_CLOSED

from tapio import __version__
from tapio.errors import ForbiddenError
from tapio.kube.config import Cluster
from tapio.kube.status import ApiError, ServerAwayError, StalledError, refusal
from tapio.kube.tls import context_of

_CONNECT_S = 10.0
_ANSWER_S = 60.0  # the API server's own limit for a request that is no watch (--request-timeout)
_BUFFER = 256 * 1024
_HEADERS = {
    "User-Agent": f"tapio/{__version__}",
    "Accept": "application/json",
    # Unpacking a page costs more CPU than the bytes it saves inside a cluster.
    "Accept-Encoding": "identity",
}
_POSTED = {"Content-Type": "application/json"}
_REFUSED = 400
_FAREWELLS = 3  # turns of the loop until an aborted TLS connection has told its socket


class KubeClient:
    """Reads from one API server. Open it with `async with`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # TLS waits for the server's farewell where a request was given up; whoever leaves the client does not.
        connector = aiohttp.TCPConnector(
            ssl=context_of(self.cluster), limit=0, enable_cleanup_closed=NEEDS_CLEANUP_CLOSED
        )
        self._session = aiohttp.ClientSession(connector=connector, headers=_HEADERS, read_bufsize=_BUFFER)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            for _ in range(_FAREWELLS):
                await asyncio.sleep(0)

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str | None = None,
        within_s: float = _ANSWER_S,
    ) -> bytes:
        """One document, as JSON or as `accept` asks for it.

        Raises:
            ApiError: the server refused.
            ServerAwayError: it did not answer; the message names it.
        """
        async with self._open(path, params, accept, total_s=within_s) as response:
            return await response.read()

    async def post(self, path: str, document: bytes) -> bytes:
        """Asks by a JSON document, as reviews of rights are asked; nothing that is stored is ever posted.

        Raises:
            ApiError, ServerAwayError: as `get` does.
        """
        async with self._open(path, None, None, total_s=_ANSWER_S, posted=document) as response:
            return await response.read()

    async def lines(
        self, path: str, params: Mapping[str, str], *, idle_s: float, accept: str | None = None
    ) -> AsyncGenerator[list[bytes]]:
        """The whole lines of a watch, as they come together; ends when the server ends it. First none, as it answers.

        What follows the last newline is not given: it was cut off, and comes again when the watch is resumed.

        Raises:
            ApiError: the server refused.
            StalledError: nothing came for `idle_s`.
            ServerAwayError: the connection broke.
        """
        async with self._open(path, params, accept, total_s=None) as response:
            rest = b""
            try:
                yield []
                while chunk := await self._chunk(response, idle_s):
                    *whole, rest = (rest + chunk).split(b"\n")
                    if whole:
                        yield whole
            finally:
                _abort(response)

    async def _chunk(self, response: aiohttp.ClientResponse, idle_s: float) -> bytes:
        try:
            async with asyncio.timeout(idle_s):
                return await response.content.readany()
        except TimeoutError as error:
            raise StalledError(f"{self.cluster.server} said nothing for {idle_s:g} s") from error

    @asynccontextmanager
    async def _open(
        self,
        path: str,
        params: Mapping[str, str] | None,
        accept: str | None,
        *,
        total_s: float | None,
        posted: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("the client is not open")
        timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=_CONNECT_S)
        try:
            async with self._session.request(
                "GET" if posted is None else "POST",
                self.cluster.server + path,
                params=params,
                data=posted,
                headers=await self._asking(accept) | ({} if posted is None else _POSTED),
                timeout=timeout,
                proxy=self.cluster.proxy,
                server_hostname=self.cluster.server_name,
                allow_redirects=False,
            ) as response:
                if response.status >= _REFUSED:
                    raise await self._refusal(response)
                yield response
        except (aiohttp.ClientError, OSError) as error:
            raise self.unreachable(error) from error

    async def _asking(self, accept: str | None) -> dict[str, str]:
        token = await self.cluster.credentials.token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return headers | {"Accept": accept} if accept else headers

    async def _refusal(self, response: aiohttp.ClientResponse) -> ApiError:
        error = refusal(response.status, await response.read(), retry_after=response.headers.get("Retry-After", ""))
        if error.unauthorized:
            self.cluster.credentials.forget()
        return error

    def unreachable(self, error: Exception) -> ServerAwayError:
        """What a person is told of a server that does not answer, or answers with failures."""
        why = "it did not answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return ServerAwayError(
            f"the Kubernetes API server at {self.cluster.server} cannot be reached: {why}",
            hint=f"the address comes from {self.cluster.origin}",
        )


def _abort(response: aiohttp.ClientResponse) -> None:
    """A watch that is left is dead weight: no farewell is waited for, which a dead server would never answer."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


def refused(error: ApiError, cluster: Cluster) -> ForbiddenError:
    """What a person is told of a 401 or 403."""
    if error.unauthorized:
        return ForbiddenError(
            f"the Kubernetes API server at {cluster.server} refuses the credentials of {cluster.origin}",
            hint="they may have expired: log in again, or choose another --context",
        )
    return ForbiddenError(f"the Kubernetes API server at {cluster.server} refuses: {error.words}")
