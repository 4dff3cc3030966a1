"""`tapio explain`: what a cause's code means, by the rules that find it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tapio.cli.options import Format, Output
from tapio.errors import Exit

if TYPE_CHECKING:
    from tapio.cli.tables import Table
    from tapio.correlators.catalog import RuleEntry, RuleList
    from tapio.why.clock import Clock

Code = Annotated[str, typer.Argument(metavar="CODE", help="A cause's code, or the family before its dot.")]


def explain(code: Code = "", output: Format = Output.TEXT) -> int:
    """Say what a cause means and how it is told from others.

    By the rules that find it, as docs/rules.md has them. Without CODE, list every cause.
    """
    from tapio.cli import printing
    from tapio.correlators.catalog import catalog

    found = catalog(code)
    view = printing.View(screen=_told if code else _listed, table=_table, names=_codes)
    printing.show(found, output, view)
    return Exit.DONE


def _codes(found: "RuleList") -> Iterator[str]:
    """What `tapio explain` takes."""
    return iter(dict.fromkeys(code for entry in found.items for code in entry.codes))


def _table(found: "RuleList") -> "Table":
    from tapio.cli.rows import counted
    from tapio.cli.tables import Table

    return Table(
        title=counted(sum(1 for _ in _codes(found)), "cause"),
        headings=("cause", "judges", "decided by", "rule", "version", "says"),
        extra=("rule", "version"),
        rows=tuple(
            (code, entry.judges, ", ".join(entry.decided_by), entry.rule, entry.version, entry.says)
            for entry in found.items
            for code in entry.codes
        ),
    )


def _listed(found: "RuleList", clock: "Clock", width: int) -> Iterator[str]:  # noqa: ARG001  a rule has no time
    from tapio.cli.screens import hung

    told: set[str] = set()
    for entry in found.items:
        for code in entry.codes:
            if code not in told:
                told.add(code)
                yield code
                yield from hung("    ", entry.says, width)
    yield f"{len(told)} causes; `tapio explain CODE` tells more"


def _told(found: "RuleList", clock: "Clock", width: int) -> Iterator[str]:  # noqa: ARG001  as above
    for number, entry in enumerate(found.items):
        if number:
            yield ""
        yield from _rule(entry, width)


def _rule(entry: "RuleEntry", width: int) -> Iterator[str]:
    from tapio.cli.screens import hung

    yield from hung("", ", ".join(entry.codes), width)
    for paragraph in (entry.says, *entry.more.split("\n\n")):
        if paragraph:
            yield from hung("  ", paragraph, width)
    yield f"  rule        {entry.rule}@{entry.version}"
    yield f"  judges      {entry.judges}"
    yield from hung("  decided by  ", ", ".join(entry.decided_by), width)
