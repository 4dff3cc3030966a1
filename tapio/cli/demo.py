"""`tapio demo`: the whole pipeline on this machine, on a recorded incident, ending with the answer."""

from typing import TYPE_CHECKING, Annotated

import typer

from tapio.errors import Exit, TapioError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tapio.cli.system import Running
    from tapio.raw import RawEvent

_DEFAULT = "crash-after-change"
_WITHIN_S = 60.0

Name = Annotated[str, typer.Argument(metavar="[NAME]", help="The incident; without it, the first. --list names them.")]
List = Annotated[bool, typer.Option("--list", help="Name the recorded incidents.")]


def demo(name: Name = "", list_: List = False) -> int:
    """Play a recorded incident through the whole pipeline and say why it happened. Needs no cluster and no set-up."""
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
    """Starts everything in a temporary place, feeds the events in where a collector would, and asks the API."""
    import tempfile

    from tapio.cli import asking, system, terminal
    from tapio.settings import Settings

    terminal.note(f"{path.name.removesuffix('.jsonl.gz')}: {len(events)} recorded events of a real cluster")
    with tempfile.TemporaryDirectory(prefix="tapio-demo-") as directory:
        chosen = Settings(data_dir=directory, nats_port=0, http_port=system.free_port())
        with system.running(chosen, collectors=(), dashboard=False) as pipeline:
            with terminal.step("events through NATS, transforms and correlators"):
                _feed(pipeline, events)
            answers = asking.server(asking.Asked(), {"server": pipeline.api})
            print(asking.printed(answers, each=False, as_json=False), flush=True)
            print(_TRY, flush=True)


_TRY = """
Try next:
  tapio why --live                  what is wrong in your kubeconfig's cluster now, by one look at it
  tapio up                          watch that cluster, then ask with `tapio why`
  tapio capture FILE --for 5m       record an incident; `tapio why -f FILE` asks it anywhere"""


def _feed(pipeline: "Running", events: "Sequence[RawEvent]") -> None:
    """Publishes the events and waits until the graph holds what follows from all of them."""
    import asyncio

    from tapio.cli import feeding

    asyncio.run(feeding.publish(pipeline.plan, events))
    there = asyncio.run(feeding.lengths(pipeline.plan))
    done = pipeline.wait(lambda seen: feeding.transformed(seen, there), _WITHIN_S)
    there = asyncio.run(feeding.lengths(pipeline.plan))
    if not done or not pipeline.wait(lambda seen: feeding.correlated(seen, there), _WITHIN_S):
        raise TapioError(f"the pipeline did not come through within {_WITHIN_S:.0f} s", hint="is the machine busy?")
