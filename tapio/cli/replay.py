"""`tapio replay`: a capture through the running Tapio, ending with its answer."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tapio.cli import terminal
from tapio.cli.options import At, Confidence, Each, Format, Namespace, Output, Server, Since, Target, Uid
from tapio.errors import Exit, UsageError

if TYPE_CHECKING:
    from tapio.cli.places import Where
    from tapio.raw import RawEvent
    from tapio.why import Explanation, Question

File = Annotated[str, typer.Argument(metavar="FILE", help="The capture: JSON lines, plain or gzip; - is stdin.")]
Nats = Annotated[str | None, typer.Option(metavar="URL", help="Its NATS, where the server names none to reach.")]
Private = Annotated[bool, typer.Option("--private", help="Through a Tapio of its own, which ends with the command.")]

_WITHOUT = "; `tapio up --no-cluster` is one for captures alone, and `tapio replay --private FILE` needs none"


def replay(
    file: File,
    target: Target = "",
    namespace: Namespace = "",
    at: At = "",
    since: Since = "",
    uid: Uid = "",
    min_confidence: Confidence = 0.0,
    each: Each = False,
    output: Format = Output.TEXT,
    server: Server = None,
    nats: Nats = None,
    private: Private = False,
) -> int:
    """Play a capture into the running Tapio and ask why.

    Its events go where a collector's go, into the same streams and the same graph; played twice they are there once.
    The answer is as of the capture's newest event: where nothing else is known of that time, it is that of
    `tapio why -f FILE`, byte for byte.
    """
    from tapio.cli import asking, places, printing

    if private and (server is not None or nats is not None):
        raise UsageError("--private excludes --server and --nats", hint="it starts a Tapio of its own")
    asked = places.question(target, namespace, uid=uid, at=at, since=since, min_confidence=min_confidence)
    events = places.readable(places.read(file), file)
    where = places.Where(file=file) if private else places.Where(server=server)
    answers = _alone(events, asked, each=each) if private else _together(events, asked, where, nats, each=each)
    printing.write([asking.printed(answers, where, asked, each=each, output=output)])
    return Exit.DONE


def _alone(events: "Sequence[RawEvent]", asked: "Question", *, each: bool) -> "list[Explanation]":
    """The answers of a Tapio that knows nothing else."""
    from tapio.cli import asking, places, playing

    with playing.played(events) as api:
        return asking.why(places.Where(server=api), asked, each=each)


def _together(
    events: "Sequence[RawEvent]", asked: "Question", where: "Where", nats: str | None, *, each: bool
) -> "list[Explanation]":
    """The answers of the running Tapio, once it has the events, as of the newest of them."""
    import asyncio

    import msgspec

    from serve.status import SystemStatus
    from tapio import settings
    from tapio.cli import asking, feeding, places

    chosen = settings.load({"server": where.server, "nats": nats}).settings
    running = places.ask(where, "/v1/status", {}, SystemStatus, or_else=_WITHOUT)
    asyncio.run(feeding.feed(chosen.server_url, chosen.nats or running.nats, events))
    terminal.note(f"{feeding.counted(events)}: in the graph of {chosen.server_url} now, with all else that it knows")
    if feeding.watches(running):
        terminal.note("it watches a cluster too: `tapio up --no-cluster --data-dir DIR` is one for captures alone")
    dated = msgspec.structs.replace(asked, at=asked.at or max(event.timestamp for event in events))
    terminal.note(f"to ask again: {_command(where, dated)}")
    return asking.why(where, dated, each=each)


def _command(where: "Where", asked: "Question") -> str:
    from tapio.cli import places

    target = f" {shlex.quote(asked.target)}" if asked.target else ""
    namespace = f" -n {asked.namespace}" if asked.namespace else ""
    return f"tapio why{where.flags}{target}{namespace}{places.moment_flag(asked)}"
