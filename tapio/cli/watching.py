"""Incidents as they happen: the running Tapio asked again and again, and what differs told."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime

from tapio.cli import news, printing, terminal
from tapio.cli.news import Notice
from tapio.cli.options import Output
from tapio.cli.printing import View
from tapio.errors import UnreachableError, UsageError
from tapio.why.clock import Clock
from tapio.why.lists.incidents import IncidentList

EVERY_S = 3.0  # a person sees news within seconds, and the server is asked little
_PATIENCE_S = 60.0  # one that is started again is back within that
_FORMATS = (Output.TEXT, Output.JSONL)

Look = Callable[[], IncidentList]


def check(output: Output, *, elsewhere: bool) -> None:
    """Refuses what cannot be watched; `elsewhere` is a file, a look or a moment of the past.

    Raises:
        UsageError: it cannot.
    """
    if output not in _FORMATS:
        raise UsageError(f"-o {output} makes no sense with --watch", hint=f"it prints {' or '.join(_FORMATS)}")
    if elsewhere:
        raise UsageError("--watch asks a running Tapio", hint="it excludes --file, --live and --at")


def watch(look: Look, output: Output, view: View[IncidentList]) -> None:
    """Prints the list, and then what differs, until Ctrl-C.

    Raises:
        UnreachableError: the server does not answer, or stays away.
        TapioError: it refuses.
    """
    with suppress(KeyboardInterrupt):
        known = look()
        _begin(known, output, view)
        while True:
            time.sleep(EVERY_S)
            now = _patiently(look)
            tell(news.differences(known, now), output)
            known = now


def _begin(found: IncidentList, output: Output, view: View[IncidentList]) -> None:
    if output is Output.JSONL:
        tell(news.present(found), output)
    else:
        printing.show(found, output, view)
    printing.note_more(found)
    terminal.note(f"watching, every {EVERY_S:.0f} s; Ctrl-C ends it")


def tell(notices: Iterable[Notice], output: Output) -> None:
    """Prints each notice at once: a paragraph, or a JSON document on a line."""
    if output is Output.JSONL:
        printing.write(printing.as_lines(notices))
        return
    zone = terminal.zone()
    clock = Clock(zone, datetime.now(zone))
    for notice in notices:
        printing.write(news.screen(notice, clock, printing.columns()))


def _patiently(look: Look) -> IncidentList:
    """The list, once the server answers; that it does not is told once.

    Raises:
        UnreachableError: it stays away for longer than being started again takes.
    """
    until = time.monotonic() + _PATIENCE_S
    told = False
    while True:
        try:
            found = look()
        except UnreachableError as error:
            if time.monotonic() > until:
                raise
            if not told:
                terminal.note(f"{error.message}; it is tried again")
            told = True
            time.sleep(EVERY_S)
        else:
            if told:
                terminal.note("it answers again")
            return found
