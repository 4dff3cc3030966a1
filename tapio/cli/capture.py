"""`tapio capture`: an incident as a file, to ask again anywhere."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapio.cli.options import WatchedContext, WatchedKubeconfig
from tapio.errors import Exit, UnreachableError, UsageError

if TYPE_CHECKING:
    from tapio.raw import RawEvent
    from tapio.settings import Settings

File = Annotated[Path, typer.Argument(metavar="FILE", help="The file to write: JSON lines, gzip where it ends in .gz.")]
Target = Annotated[str, typer.Argument(metavar="TYPE/NAME", help="Keep this one's namespace, and the nodes.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="Keep this namespace, and the nodes.")]
Since = Annotated[str, typer.Option(metavar="SPAN", help="From the running Tapio: what happened since (90s, 2h, 3d).")]
For = Annotated[str, typer.Option("--for", metavar="SPAN", help="Watch the cluster for so long, beginning now.")]
Nats = Annotated[str | None, typer.Option(metavar="URL", help="The running Tapio's NATS.")]


def capture(
    file: File,
    target: Target = "",
    namespace: Namespace = "",
    since: Since = "",
    for_: For = "",
    context: WatchedContext = None,
    kubeconfig: WatchedKubeconfig = None,
    nats: Nats = None,
) -> int:
    """Write an incident to a file of raw events.

    With --for, watches the cluster that long (or until Ctrl-C). Else takes what the running Tapio has collected; where
    none runs, one look at the API server.
    """
    import asyncio

    from tapio import settings
    from tapio.cli import cutting, rows, terminal
    from tapio.collectors.file import write_capture
    from tapio.why import parse_target

    if since and for_:
        raise UsageError("--since and --for exclude one another", hint="--since looks back, --for watches from now on")
    if not file.resolve().parent.is_dir():
        raise UsageError(f"{file}: there is no folder {file.resolve().parent}")
    chosen = settings.load({"context": context, "kubeconfig": kubeconfig, "nats": nats}).settings
    place = parse_target(target, namespace).namespace if target else namespace
    events = asyncio.run(_watched(chosen, place, for_)) if for_ else asyncio.run(_had(chosen, place, since))
    kept = cutting.cut(events, namespace=place, since=_ago(since) if since else None)
    if not kept:
        raise UsageError(f"nothing was seen in namespace {place}" if place else "nothing was seen")
    write_capture(file, kept)
    redacted = rows.counted(cutting.redactions(kept), "value")
    terminal.note(f"{file}: {rows.counted(len(kept), 'event')}, {redacted} redacted")
    return Exit.DONE


async def _watched(settings: "Settings", namespace: str, for_: str) -> "list[RawEvent]":
    import asyncio

    from tapio.cli import cluster, terminal
    from tapio.times import parse_span

    events: list[RawEvent] = []
    for_s = parse_span(for_).total_seconds()
    await cluster.look(settings, namespace)  # watching waits for a server that is away; a person should be told

    async def emit(batch: "Sequence[RawEvent]") -> None:
        events.extend(batch)

    terminal.note(f"watching for {for_}; Ctrl-C ends it sooner")
    with suppress(asyncio.CancelledError):  # Ctrl-C: what was seen so far is the capture
        await cluster.watch(settings, namespace, for_s, emit)
    return events


async def _had(settings: "Settings", namespace: str, since: str) -> "list[RawEvent]":
    """What the running Tapio has, or else one look at the cluster."""
    from tapio.cli import cluster, terminal

    try:
        return await _collected(settings)
    except UnreachableError:
        if since:
            raise
    terminal.note("no Tapio answers: one look at the API server, so what changed before now is not in it (see --for)")
    return (await cluster.look(settings, namespace)).events


async def _collected(settings: "Settings") -> "list[RawEvent]":
    """Everything in the RAW stream.

    Raises:
        UnreachableError: no Tapio's NATS answers.
    """
    from tapio.cli import streams
    from tapio.raw import decode
    from tapio.streams import RAW
    from tapio.streams.reading import everything

    async def read(collected: Any) -> "list[RawEvent]":  # noqa: ANN401  the port's types load NATS
        return [decode(delivery.data) async for delivery in everything(collected, RAW)]

    return await streams.ask(settings, read)


def _ago(since: str) -> datetime:
    from tapio.times import parse_span

    span: timedelta = parse_span(since)
    return datetime.now(UTC) - span
