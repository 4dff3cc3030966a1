"""`tapio dlq`: what failed for good and was put aside: listed, shown, played again, dropped."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tapio.cli.options import DocumentFormat, Format, Output
from tapio.errors import Exit, UsageError

if TYPE_CHECKING:
    from tapio.pipeline.dead_letters import Letter
    from tapio.streams.jetstream import JetStreams

T = TypeVar("T")

Nats = Annotated[str | None, typer.Option(metavar="URL", help="The running Tapio's NATS.")]
All = Annotated[bool, typer.Option("--all", help="All of them; in the list, those dealt with too.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The letter's number in the list.")]
Numbers = Annotated[list[int] | None, typer.Argument(metavar="NUMBER", help="The letters' numbers in the list.")]

app = typer.Typer(
    help="List what failed for good, play it again, or drop it.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def dlq(context: typer.Context, everything: All = False, output: Format = Output.TEXT, nats: Nats = None) -> int:
    """List what failed for good, play it again, or drop it.

    An event that can never be read is put aside with its error, and the others go on. Without a command: list.
    """
    listed = context.invoked_subcommand is None
    return _list(nats, everything=everything, output=output) if listed else Exit.DONE


@app.command("list")
def list_(everything: All = False, output: Format = Output.TEXT, nats: Nats = None) -> int:
    """List the letters: number, where it was, why it failed."""
    return _list(nats, everything=everything, output=output)


@app.command()
def show(number: Number, output: DocumentFormat = Output.TEXT, nats: Nats = None) -> int:
    """Show one letter whole: the error, and the original."""
    from tapio.cli import letters, printing
    from tapio.pipeline import dead_letters

    async def found(streams: "JetStreams") -> "tuple[Letter, bytes | None]":
        [letter] = dead_letters.chosen(await dead_letters.letters(streams), [number])
        return letter, await dead_letters.original(streams, letter.letter)

    letter, original = _asked(nats, found)
    printing.show(letters.whole(letter, original), output, letters.WHOLE)
    return Exit.DONE


@app.command()
def replay(numbers: Numbers = None, everything: All = False, nats: Nats = None) -> int:
    """Publish originals again where they came from.

    One that fails again is a new letter. What was only delayed is not in the answers twice: events have ids.
    """
    from tapio.cli import terminal
    from tapio.pipeline import dead_letters

    _check(numbers, everything=everything)

    async def play(streams: "JetStreams") -> "list[tuple[Letter, bool]]":
        wanted = _wanted(await dead_letters.letters(streams), numbers)
        return [(letter, await dead_letters.replay(streams, letter)) for letter in wanted]

    played = _asked(nats, play)
    for letter, done in played:
        if not done:
            terminal.note(f"{letter.number}: the original was too large to be put aside, and its stream let go of it")
    print(f"{sum(done for _, done in played)} of {len(played)} played again")
    return Exit.DONE if all(done for _, done in played) else Exit.ERROR


@app.command()
def drop(numbers: Numbers = None, everything: All = False, nats: Nats = None) -> int:
    """List letters no more.

    Nothing is deleted: they leave with their stream's age (72 hours).
    """
    from tapio.pipeline import dead_letters

    _check(numbers, everything=everything)

    async def let_be(streams: "JetStreams") -> int:
        wanted = _wanted(await dead_letters.letters(streams), numbers)
        for letter in wanted:
            await dead_letters.drop(streams, letter)
        return len(wanted)

    print(f"{_asked(nats, let_be)} dropped")
    return Exit.DONE


def _list(nats: str | None, *, everything: bool, output: Output) -> int:
    from tapio.cli import letters, printing
    from tapio.pipeline import dead_letters

    found = [one for one in _asked(nats, dead_letters.letters) if everything or one.settled is None]
    printing.show(letters.listed(found), output, letters.LIST)
    return Exit.DONE


def _check(numbers: Sequence[int] | None, *, everything: bool) -> None:
    if everything == bool(numbers):
        raise UsageError("name the letters by number, or all of them with --all", hint="`tapio dlq` lists them")


def _wanted(found: "Sequence[Letter]", numbers: Sequence[int] | None) -> "list[Letter]":
    """Those named; without a name, all that nobody has dealt with."""
    from tapio.pipeline import dead_letters

    return dead_letters.chosen(found, numbers) if numbers else [one for one in found if one.settled is None]


def _asked(nats: str | None, ask: "Callable[[JetStreams], Awaitable[T]]") -> T:
    import asyncio

    from tapio import settings
    from tapio.cli import streams

    return asyncio.run(streams.ask(settings.load({"nats": nats}).settings, ask))
