"""Dead letters as documents, and how they are printed."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from tapio.cli.printing import View
from tapio.cli.rows import counted
from tapio.cli.screens import hung
from tapio.cli.tables import Table
from tapio.pipeline.dead_letters import Letter
from tapio.why.clock import Clock

_HEADINGS = ("number", "stream", "at", "subject", "attempt", "settled", "error")
_EXTRA = ("attempt", "settled")


class LetterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One letter: its number in the list, where the original was and on which delivery it was given up, and why."""

    number: int
    stream: str
    sequence: int
    subject: str
    attempt: int
    error: str
    omitted: bool
    settled: str | None


class WholeLetter(LetterRow, frozen=True, kw_only=True):
    """With the original, as text: empty where it is nowhere any more."""

    original: str


class LetterList(msgspec.Struct, frozen=True, kw_only=True):
    """Letters, the oldest first."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["DeadLetterList"] = "DeadLetterList"
    items: tuple[LetterRow, ...]


def listed(found: Sequence[Letter]) -> LetterList:
    """The letters without their originals."""
    return LetterList(items=tuple(map(_row, found)))


def whole(letter: Letter, original: bytes | None) -> WholeLetter:
    """One letter with its original, which is None where it is nowhere any more."""
    return WholeLetter(**msgspec.structs.asdict(_row(letter)), original=_text(original))


def _row(letter: Letter) -> LetterRow:
    said = letter.letter
    return LetterRow(
        number=letter.number,
        stream=said.stream,
        sequence=said.sequence,
        subject=said.subject,
        attempt=said.attempt,
        error=said.error,
        omitted=said.omitted,
        settled=letter.settled,
    )


def _text(original: bytes | None) -> str:
    """The original for reading: JSON indented, anything else with what is not printable written out."""
    if original is None:
        return ""
    try:
        return msgspec.json.format(original, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return original.decode(errors="backslashreplace").encode("unicode_escape").decode()


# --- As text ---------------------------------------------------------------------------------------------------------


def _list_screen(found: LetterList, clock: Clock, width: int) -> Iterator[str]:  # noqa: ARG001  a letter has no time
    if not found.items:
        yield "nothing is put aside"
        return
    longest = max(len(str(one.number)) for one in found.items)
    for one in found.items:
        dealt = f"  [{one.settled}]" if one.settled else ""
        yield from hung(f"{one.number:>{longest}}  ", f"{one.stream} {one.sequence}  {one.subject}{dealt}", width)
        yield from hung(" " * (longest + 4), one.error, width)
    first = found.items[0].number
    yield f"{counted(len(found.items), 'letter')}; tapio dlq show {first}, tapio dlq replay {first}"


def _whole_screen(found: WholeLetter, clock: Clock, width: int) -> Iterator[str]:  # noqa: ARG001  as above
    yield f"{found.stream} {found.sequence}  {found.subject}, delivered {found.attempt} times"
    yield f"error: {found.error}"
    if found.settled:
        yield f"{found.settled} already"
    is_gone = found.omitted and not found.original
    yield "the original was too large to be put aside, and its stream let go of it" if is_gone else ""
    yield from found.original.splitlines()


# --- As a table ------------------------------------------------------------------------------------------------------


def _table(found: LetterList) -> Table:
    rows = (
        (one.number, one.stream, one.sequence, one.subject, one.attempt, one.settled, one.error) for one in found.items
    )
    title = f"{counted(len(found.items), 'letter')} put aside"
    return Table(title=title, headings=_HEADINGS, extra=_EXTRA, rows=tuple(rows))


LIST: View[LetterList] = View(
    screen=_list_screen,
    table=_table,
    names=lambda found: [str(one.number) for one in found.items],
)
WHOLE: View[WholeLetter] = View(
    screen=_whole_screen,
    table=lambda found: _table(LetterList(items=(found,))),
    records=lambda found: [found],
)
