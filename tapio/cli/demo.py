"""`tapio demo`: the whole pipeline on this machine, on a recorded incident, ending with the answer."""

from typing import TYPE_CHECKING, Annotated

import typer

from tapio.cli.options import Output
from tapio.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tapio.raw import RawEvent

_DEFAULT = "crash-after-change"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The incident; without it, the first. --list names them.")]
List = Annotated[bool, typer.Option("--list", help="Name the recorded incidents.")]


def demo(name: Name = "", list_: List = False) -> int:
    """Play a recorded incident and say why it happened.

    Through the whole pipeline on this machine; needs no cluster and no set-up.
    """
    from tapio.collectors.file import load

    recorded = incidents()
    if list_:
        print("\n".join(recorded))
        return Exit.DONE
    path = _chosen(recorded, name)
    capture = load(path)
    _play(capture.events, path)
    return Exit.DONE


def incidents() -> "dict[str, Path]":
    """The captures that come with the package, by name."""
    from importlib.resources import files
    from pathlib import Path

    folder = Path(str(files("tapio") / "captures"))
    return {path.name.removesuffix(".jsonl.gz"): path for path in sorted(folder.glob("*.jsonl.gz"))}


def _chosen(incidents: "dict[str, Path]", name: str) -> "Path":
    if not incidents:
        raise UsageError("no recorded incident comes with this installation")
    chosen = name or (_DEFAULT if _DEFAULT in incidents else next(iter(incidents)))
    if chosen not in incidents:
        raise UsageError(f"no incident is called {chosen!r}", hint=f"there are: {', '.join(incidents)}")
    return incidents[chosen]


def _play(events: "Sequence[RawEvent]", path: "Path") -> None:
    """Plays the events and asks the API about them."""
    from tapio.cli import asking, places, playing, terminal
    from tapio.why import Question

    terminal.note(f"{path.name.removesuffix('.jsonl.gz')}: {len(events)} recorded events of a real cluster")
    with playing.played(events) as api:
        answers = asking.why(places.Where(server=api), Question())
        print(asking.printed(answers, places.Where(file=str(path)), each=False, output=Output.TEXT), flush=True)
        print(_what_next(), flush=True)


def _what_next() -> str:
    """Commands to go on with, and what to write for `tapio` where the shell does not find it."""
    import shutil
    import sys

    here = "" if shutil.which("tapio") else f" (`tapio` is {sys.argv[0]} here)"
    return f"\nTry next{here}:\n{_TRY}"


_TRY = """\
  tapio why --live                  what is wrong in your kubeconfig's cluster now, by one look at it
  tapio up                          watch that cluster, then ask with `tapio why`
  tapio capture FILE --for 5m       record an incident; `tapio why -f FILE` asks it anywhere"""
