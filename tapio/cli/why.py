"""`tapio why`: the answer, from a running Tapio, from a file, or from one look at the API server."""

from enum import StrEnum
from typing import Annotated

import typer

from tapio.errors import Exit, UsageError


class Output(StrEnum):
    """How an answer is printed."""

    TEXT = "text"
    JSON = "json"


Target = Annotated[str, typer.Argument(metavar="[TYPE/NAME]", help="What to ask about; else the worst incident.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="The namespace.")]
File = Annotated[str, typer.Option("--file", "-f", metavar="FILE", help="Ask a file of raw events; - is stdin.")]
Live = Annotated[bool, typer.Option("--live", help="Take one look at the API server; nothing need be installed.")]
At = Annotated[
    str, typer.Option(metavar="TIME", help="As of then (2026-11-03T14:02:11Z); else the newest event's time.")
]
Since = Annotated[str, typer.Option(metavar="SPAN", help="How far back changes and gaps count: 90s, 15m, 2h, 3d.")]
Uid = Annotated[str, typer.Option(metavar="UID", help="Which one, where a name was used more than once.")]
Confidence = Annotated[float, typer.Option(min=0, max=1, metavar="0..1", help="A weaker answer becomes unknown.")]
Each = Annotated[bool, typer.Option("--each", help="Every incident, worst first.")]
Format = Annotated[Output, typer.Option("--output", "-o", help="How to print it.")]
Server = Annotated[str | None, typer.Option(metavar="URL", help="Where Tapio answers (TAPIO_SERVER).")]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="The kubeconfig's context, for --live.")]
Kubeconfig = Annotated[str | None, typer.Option(metavar="FILE", help="The kubeconfig, for --live.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 whatever the answer is.")]


def why(
    target: Target = "",
    namespace: Namespace = "",
    file: File = "",
    live: Live = False,
    at: At = "",
    since: Since = "",
    uid: Uid = "",
    min_confidence: Confidence = 0.0,
    each: Each = False,
    output: Format = Output.TEXT,
    server: Server = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    exit_zero: ExitZero = False,
) -> int:
    """Say why something failed.

    Exits with 0 when nothing is wrong, 2 explained, 3 cause unknown, 4 incomplete, 1 usage, 5 unreachable, 6 forbidden.
    """
    if sum((bool(file), live, server is not None)) > 1:
        raise UsageError("--file, --live and --server exclude one another", hint="each names another place to ask")
    from tapio.cli import asking
    from tapio.times import parse_moment, parse_span
    from tapio.why import exit_code_of_each

    asked = asking.Asked(
        target=target,
        namespace=namespace,
        uid=uid,
        at=parse_moment(at) if at else None,
        since=parse_span(since) if since else None,
        min_confidence=min_confidence,
        each=each,
    )
    if file:
        answers = asking.file(asked, file)
    elif live:
        answers = asking.live(asked, {"context": context, "kubeconfig": kubeconfig})
    else:
        answers = asking.server(asked, {"server": server})
    print(asking.printed(answers, each=each, as_json=output is Output.JSON))
    return Exit.DONE if exit_zero else exit_code_of_each(answers)
