"""The one place that knows the formats of -o: a document on stdout in the one chosen, what it left out on stderr."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never

import msgspec

from tapio.cli import terminal
from tapio.cli.options import Output
from tapio.why.clock import Clock

if TYPE_CHECKING:
    from tapio.cli.tables import Table

_NARROWEST = 40

Document = TypeVar("Document", bound=msgspec.Struct)
Screen = Callable[[Document, Clock, int], Iterable[str]]


class View(msgspec.Struct, Generic[Document], frozen=True, kw_only=True):
    """How one kind of document is printed: as text for a width, as a table, as names that commands take, as records.

    A part that is called is imported only then: most answers are text or JSON.
    """

    screen: Screen[Document]
    table: Callable[[Document], "Table"]
    names: Callable[[Document], Iterable[str]] = lambda _: ()
    records: Callable[[Document], Iterable[msgspec.Struct]] = attrgetter("items")


def show(document: Document, output: Output, view: View[Document]) -> None:
    """Prints the document."""
    write(lines(document, output, view))


def write(found: Iterable[str]) -> None:
    """Each line on stdout; of none not even an empty one."""
    text = "\n".join(found)
    if text:
        print(text, flush=True)


def lines(document: Document, output: Output, view: View[Document]) -> Iterable[str]:
    """The document in that format. A list of nothing is said in words, but where programs read."""
    match output:
        case Output.TEXT:
            return _screen(document, view)
        case Output.WIDE | Output.MARKDOWN:
            return _tabled(document, output, view)
        case Output.JSON:
            return [as_json(document)]
        case Output.YAML:
            return [as_yaml(msgspec.json.encode(document))]
        case Output.JSONL:
            return as_lines(view.records(document))
        case Output.NAME:
            return view.names(document)
        case _:
            assert_never(output)


def _screen(document: Document, view: View[Document]) -> Iterable[str]:
    """Times of another day than today have their date."""
    zone = terminal.zone()
    return view.screen(document, Clock(zone, datetime.now(zone)), columns())


def _tabled(document: Document, output: Output, view: View[Document]) -> Iterable[str]:
    from tapio.cli import tables
    from tapio.why import markdown

    table = view.table(document)
    if output is Output.WIDE:
        return tables.wide(table, terminal.zone()) if table.rows else _screen(document, view)
    if table.rows:
        return tables.pasted(table)
    never = Clock(UTC, datetime.min.replace(tzinfo=UTC))  # every time with its date
    return map(markdown.plain, view.screen(document, never, _UNBROKEN))


_UNBROKEN = 1000  # columns: Markdown breaks its lines where it is shown


def columns() -> int:
    """How wide the terminal is, and never too narrow for words."""
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def note_more(document: object) -> None:
    """Says on stderr that a list is longer than the page shown."""
    if getattr(document, "next", None):
        terminal.note("there is more than one page; narrow it with --since, -n or TYPE/NAME")


def as_json(document: msgspec.Struct) -> str:
    """The document, indented."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def as_yaml(document: bytes) -> str:
    """A JSON document as YAML, its fields in the same order, its times still strings."""
    return msgspec.yaml.encode(msgspec.json.decode(document)).decode().rstrip()


def as_lines(records: Iterable[msgspec.Struct]) -> Iterator[str]:
    """A JSON document a line."""
    return (msgspec.json.encode(record).decode() for record in records)
