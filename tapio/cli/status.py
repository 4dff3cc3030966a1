"""`tapio status`: every actor of the running Tapio, how far behind it is, and how often it had to begin again."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tapio.cli.options import Format, Output, Server
from tapio.errors import Exit

if TYPE_CHECKING:
    from serve.status import ActorStatus, SystemStatus
    from tapio.why.clock import Clock


def status(output: Format = Output.TEXT, server: Server = None) -> int:
    """Say how each actor of the running Tapio is.

    Its restarts, what it has yet to read, the newest event it handled, its last error.
    """
    from serve.status import SystemStatus
    from tapio.cli import places, printing

    found = places.ask(places.Where(server=server), "/v1/status", {}, SystemStatus)
    printing.show(found, output, _screen)
    return Exit.DONE


def _screen(found: "SystemStatus", clock: "Clock", width: int) -> Iterator[str]:
    longest = max((len(actor.name) for actor in found.actors), default=0)
    for actor in found.actors:
        yield from _actor(actor, longest, clock, width)
    well = sum(actor.healthy for actor in found.actors)
    yield f"{well} of {len(found.actors)} actors are well"


def _actor(actor: "ActorStatus", longest: int, clock: "Clock", width: int) -> Iterator[str]:
    from tapio.cli.screens import hung

    progress = actor.progress
    newest = f", newest event {clock.both(progress.newest)}" if progress and progress.newest else ""
    read = f", {progress.events} events, {progress.pending} to read{newest}" if progress else ""
    restarts = f", {actor.restarts} restarts" if actor.restarts else ""
    again = f", began again {actor.failures} times" if actor.failures else ""
    state = "well" if actor.healthy else f"not well ({actor.answer})"
    yield from hung(f"{actor.name:<{longest}}  ", f"{state}{restarts}{again}{read}", width)
    if progress and progress.suffers:
        yield from hung(" " * (longest + 2), progress.suffers, width)
    if actor.error:
        yield from hung(" " * (longest + 2), actor.error, width)
