"""A document on stdout, as text or JSON, and what a list left out on stderr."""

import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from tapio.cli import terminal
from tapio.cli.options import Output
from tapio.why.clock import Clock

_NARROWEST = 40

Document = TypeVar("Document", bound=msgspec.Struct)
Screen = Callable[[Document, Clock, int], Iterable[str]]


def show(document: Document, output: Output, screen: Screen[Document]) -> None:
    """Prints the document; times of another day than today with their date."""
    if output is Output.JSON:
        print(as_json(document))
        return
    zone = terminal.zone()
    clock = Clock(zone, datetime.now(zone))
    print("\n".join(screen(document, clock, max(_NARROWEST, shutil.get_terminal_size().columns))))


def note_more(document: object) -> None:
    """Says on stderr that a list is longer than the page shown."""
    if getattr(document, "next", None):
        terminal.note("there is more than one page; narrow it with --since, -n or TYPE/NAME")


def as_json(document: msgspec.Struct) -> str:
    """The document, indented."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
