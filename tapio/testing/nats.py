"""A real NATS server for a test, that may be killed and started again where it was."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tapio.cli.ports import free_port
from tapio.streams import embedded
from tapio.streams.jetstream import REDELIVERY_S, JetStreams, connect


class NatsServer:
    """A server with its data in `data_dir`; its address outlives it."""

    def __init__(self, data_dir: Path, server: embedded.EmbeddedServer, extra: str = "") -> None:
        self.data_dir = data_dir
        self._extra = extra
        self.url = server.url
        self._server = server

    @property
    def pid(self) -> int:
        return self._server.pid

    async def kill(self) -> None:
        """Ends it by SIGKILL: it gets no chance to write anything."""
        os.kill(self._server.pid, signal.SIGKILL)
        await self._server.stop()

    async def stop(self) -> None:
        await self._server.stop()

    async def start_again(self) -> None:
        """On the same data and the same address."""
        self._server = await embedded.start(self.data_dir, port=self._server.port, extra=self._extra)


@asynccontextmanager
async def nats_server(data_dir: Path, *, extra: str = "") -> AsyncIterator[NatsServer]:
    """A server on a free port, stopped at the end whatever became of it.

    The port is none that a connection may take while the server is away: a client that tries again would, its own.
    """
    server = NatsServer(data_dir, await embedded.start(data_dir, port=free_port(), extra=extra), extra)
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def jetstreams(url: str, *, redelivery_s: tuple[float, ...] = REDELIVERY_S) -> AsyncIterator[JetStreams]:
    """A connection, closed at the end."""
    streams = await connect(url, redelivery_s=redelivery_s)
    try:
        yield streams
    finally:
        await streams.close()
