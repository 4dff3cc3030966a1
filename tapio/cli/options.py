"""The flags that several commands share: one name, one letter, one meaning everywhere."""

from enum import StrEnum
from typing import Annotated, Any

import typer


class Output(StrEnum):
    """How an answer is printed; `printing` does it."""

    TEXT = "text"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


def _output(*senseless: Output) -> Any:  # noqa: ANN401  as typer.Option
    """The flag, for a command whose answer makes no sense in some formats: those are refused, and not offered."""
    possible = [one for one in Output if one not in senseless]

    def checked(chosen: Output) -> Output:
        if chosen not in possible:
            raise typer.BadParameter(f"{chosen.value!r} makes no sense here; it is one of {', '.join(possible)}.")
        return chosen

    return typer.Option(
        "--output",
        "-o",
        metavar="|".join(possible),
        help="How to print it.",
        callback=checked,
        autocompletion=lambda: [one.value for one in possible],
    )


Target = Annotated[str, typer.Argument(metavar="TYPE/NAME", help="What to ask about, or a question in words.")]
Words = Annotated[
    list[str] | None, typer.Argument(metavar="TYPE/NAME", help="What to ask about; or a name, or a question in words.")
]
Namespace = Annotated[str, typer.Option("--namespace", "-n", metavar="NS", help="The namespace.")]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces; so it is without -n.")]
Labels = Annotated[
    str, typer.Option("--selector", "-l", metavar="LABELS", help="What has such labels: app=web,tier!=db.")
]
File = Annotated[
    str, typer.Option("--file", "-f", metavar="FILE", help="Ask a capture, what kubectl wrote, a folder; - is stdin.")
]
Live = Annotated[bool, typer.Option("--live", help="Take one look at the API server; nothing need be installed.")]
At = Annotated[
    str, typer.Option(metavar="TIME", help="As of then (2026-11-03T14:02:11Z); else the newest event's time.")
]
Back = Annotated[str, typer.Option("--since", metavar="SPAN", help="How far back: 90s, 15m, 2h (if not given), 3d.")]
Since = Annotated[str, typer.Option(metavar="SPAN", help="How far back changes and gaps count: 90s, 15m, 2h, 3d.")]
Confidence = Annotated[float, typer.Option(min=0, max=1, metavar="0..1", help="A weaker answer becomes unknown.")]
Each = Annotated[bool, typer.Option("--each", help="Every incident, worst first.")]
Uid = Annotated[str, typer.Option(metavar="UID", help="Which one, where a name was used more than once.")]
Format = Annotated[Output, _output()]
NamelessFormat = Annotated[Output, _output(Output.NAME)]
DocumentFormat = Annotated[Output, _output(Output.WIDE, Output.NAME, Output.JSONL, Output.MARKDOWN)]
Server = Annotated[str | None, typer.Option(metavar="URL", help="Where Tapio answers (TAPIO_SERVER).")]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="The kubeconfig's context, for --live.")]
Kubeconfig = Annotated[str | None, typer.Option(metavar="FILE", help="The kubeconfig, for --live.")]
WatchedContext = Annotated[str | None, typer.Option(metavar="NAME", help="The kubeconfig's context.")]
WatchedKubeconfig = Annotated[str | None, typer.Option(metavar="FILE", help="The kubeconfig.")]
