"""A list as a table: for a wide terminal, every column; for Markdown, those that a reader elsewhere needs."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

import msgspec

from tapio.why import markdown
from tapio.why.clock import Clock
from tapio.why.columns import printable
from tapio.why.explanation import Ref
from tapio.why.kinds import short_form

_BETWEEN = "   "
_NOTHING = "-"  # an empty cell, so that columns can be counted

Cell = str | int | float | datetime | Ref | None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows under their headings. The columns named in `extra` are for -o wide alone.

    `title` says what the list is, as Markdown; `at` is the moment it is about.
    """

    title: str
    at: datetime | None = None
    headings: tuple[str, ...]
    extra: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...]


def wide(table: Table, zone: tzinfo) -> Iterator[str]:
    """A line per row, no cell cut: times with their offset, as `--at` takes them."""
    lines = [[heading.upper() for heading in table.headings]]
    lines += [[_wide_cell(cell, zone) for cell in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield _BETWEEN.join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def pasted(table: Table) -> Iterator[str]:
    """The title and the other columns as Markdown, times in UTC, with their date where it is not the title's."""
    clock = Clock(UTC, table.at or datetime.min.replace(tzinfo=UTC))
    places = [place for place, heading in enumerate(table.headings) if heading not in table.extra]
    timed = {place for row in table.rows for place in places if isinstance(row[place], datetime)}
    yield f"**{table.title}**"
    yield ""
    yield from markdown.table(
        [f"{table.headings[place]}{' (UTC)' if place in timed else ''}" for place in places],
        ([_pasted_cell(row[place], clock) for place in places] for row in table.rows),
    )


def named(ref: Ref) -> str:
    """`configmap/shop/checkout-cfg`: the kind in full, as `kubectl -o name` has it."""
    return "/".join(part for part in (ref.kind.lower(), ref.namespace, ref.name) if part)


def _wide_cell(cell: Cell, zone: tzinfo) -> str:
    match cell:
        case datetime():
            return cell.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
        case Ref():
            return short_form(cell.key)
        case _:
            return printable(_plain(cell)) or _NOTHING


def _pasted_cell(cell: Cell, clock: Clock) -> str:
    match cell:
        case datetime():
            return clock.local(cell)
        case Ref():
            return markdown.code(short_form(cell.key))
        case _:
            return markdown.plain(_plain(cell))


def _plain(cell: str | float | None) -> str:
    if isinstance(cell, float):
        return f"{cell:.2f}"
    return "" if cell is None else str(cell)
