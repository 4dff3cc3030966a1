"""`tapio status`: every actor of the running Tapio, how far behind it is, and how often it had to begin again."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tapio.cli.options import NamelessFormat, Output, Server
from tapio.errors import Exit

if TYPE_CHECKING:
    from serve.status import ActorStatus, SystemStatus
    from tapio.cli.tables import Cell, Table
    from tapio.why.clock import Clock


def status(output: NamelessFormat = Output.TEXT, server: Server = None) -> int:
    """Say how each actor of the running Tapio is.

    Its restarts, what it has yet to read, the newest event it handled, its last error.
    """
    from serve.status import SystemStatus
    from tapio.cli import places, printing

    found = places.ask(places.Where(server=server), "/v1/status", {}, SystemStatus)
    printing.show(found, output, printing.View(screen=_screen, table=_table, records=lambda one: one.actors))
    return Exit.DONE


def _screen(found: "SystemStatus", clock: "Clock", width: int) -> Iterator[str]:
    longest = max((len(actor.name) for actor in found.actors), default=0)
    for actor in found.actors:
        yield from _actor(actor, longest, clock, width)
    yield _summary(found)


def _summary(found: "SystemStatus") -> str:
    return f"{sum(actor.healthy for actor in found.actors)} of {len(found.actors)} actors are well"


def _table(found: "SystemStatus") -> "Table":
    from tapio.cli.tables import Table

    return Table(
        title=_summary(found),
        headings=("actor", "state", "restarts", "to read", "newest event", "events", "failures", "pid", "error"),
        extra=("events", "failures", "pid"),
        rows=tuple(map(_row, found.actors)),
    )


def _row(actor: "ActorStatus") -> "tuple[Cell, ...]":
    progress = actor.progress
    state = "well" if actor.healthy else f"not well ({actor.answer})"
    error = actor.error or (progress.suffers if progress else "")
    read = (progress.pending, progress.newest) if progress else (None, None)
    events = progress.events if progress else None
    return actor.name, state, actor.restarts, *read, events, actor.failures, actor.pid, error


def _actor(actor: "ActorStatus", longest: int, clock: "Clock", width: int) -> Iterator[str]:
    from tapio.cli.rows import counted
    from tapio.cli.screens import hung

    progress = actor.progress
    newest = f", newest event {clock.both(progress.newest)}" if progress and progress.newest else ""
    read = f", {progress.events} events, {progress.pending} to read{newest}" if progress else ""
    restarts = f", {counted(actor.restarts, 'restart')}" if actor.restarts else ""
    again = f", began again {counted(actor.failures, 'time')}" if actor.failures else ""
    state = "well" if actor.healthy else f"not well ({actor.answer})"
    yield from hung(f"{actor.name:<{longest}}  ", f"{state}{restarts}{again}{read}", width)
    if progress and progress.suffers:
        yield from hung(" " * (longest + 2), progress.suffers, width)
    if actor.error:
        yield from hung(" " * (longest + 2), actor.error, width)
