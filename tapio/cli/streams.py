"""The streams of the running Tapio, for the commands that read them without its API."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tapio.errors import UnreachableError
from tapio.settings import Settings
from tapio.streams import StreamMissingError
from tapio.streams.addresses import public
from tapio.streams.jetstream import JetStreams, connect

T = TypeVar("T")


async def ask(settings: Settings, asked: Callable[[JetStreams], Awaitable[T]]) -> T:
    """What `asked` makes of the streams on the NATS in the settings, or on the one that `tapio up` starts.

    Raises:
        UnreachableError: nobody answers there, or no Tapio uses it.
    """
    url = settings.nats or f"nats://127.0.0.1:{settings.nats_port}"
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
