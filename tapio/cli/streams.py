"""The streams of the running Tapio, for the commands that read them without its API."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tapio.errors import TapioError, UnreachableError
from tapio.settings import Settings
from tapio.streams import StreamMissingError
from tapio.streams.addresses import public
from tapio.streams.jetstream import JetStreams, connect

T = TypeVar("T")


async def ask(settings: Settings, asked: Callable[[JetStreams], Awaitable[T]]) -> T:
    """What `asked` makes of the streams at `address_of` the settings.

    Raises:
        UnreachableError: nobody answers there, or no Tapio uses it.
    """
    url = await asyncio.to_thread(address_of, settings)
    try:
        streams = await connect(url)
    except UnreachableError as error:
        hint = "start one with `tapio up`, or name its NATS with --nats or TAPIO_NATS"
        raise UnreachableError(error.message, hint=hint) from error
    try:
        return await asked(streams)
    except StreamMissingError as error:
        raise UnreachableError(f"the NATS at {public(url)} has no streams of Tapio: {error.message}") from error
    finally:
        await streams.close()


def address_of(settings: Settings) -> str:
    """The NATS in the settings; else the one that the running Tapio names; else, where its API does not answer, the one
    that `tapio up` starts.
    """
    from serve.status import SystemStatus
    from tapio.cli import places

    if settings.nats:
        return settings.nats
    where = places.Where(server=settings.server or None)
    try:
        named = places.ask(where, "/v1/status", {}, SystemStatus, or_else="").nats
    except TapioError:
        named = ""
    return named or f"nats://127.0.0.1:{settings.nats_port}"
