"""Text laid out in a terminal's columns: labels, wrapped cells, and a bound on the number of lines."""

from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

import msgspec

_CUT = " ..."
_FEW_LINES = (3, 2, 1)  # of each row, while they do not fit


class Block(msgspec.Struct, frozen=True):
    """One labelled paragraph of the answer, and how many lines it may take."""

    label: str
    text: str
    most: int = 2

    def lines(self, width: int) -> list[str]:
        """The label, and the text beside it in a column of its own."""
        return cut(_hung(self._margin, printable(self.text), width), self.most, width)

    @property
    def _margin(self) -> str:
        if not self.label:
            return ""
        return f"{self.label}  " if self.label.endswith(")") else f"{self.label:<5} "


class Row(msgspec.Struct, frozen=True):
    """One step of a chain: a fixed head, the text, and who said it, each in its column."""

    head: str
    text: str
    said_by: str

    def lines(self, width: int, last_width: int, most: int = 0) -> list[str]:
        """The row with its last column `last_width` wide; its text in at most so many lines (0: all of it)."""
        room = max(10, width - len(self.head) - last_width - 2)
        texts = wrap_words(printable(self.text), room)
        texts = cut(texts, most, room) if most else texts
        sayers = wrap_words(printable(self.said_by), last_width)
        margin = " " * len(self.head)
        cells = zip_longest(texts, sayers, fillvalue="")
        return [
            f"{margin if number else self.head}{text:<{room}}  {said_by}".rstrip()
            for number, (text, said_by) in enumerate(cells)
        ]


def printable(text: str) -> str:
    """The text on one line and without control characters: what a container logged must not drive a terminal."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def wrap_words(text: str, width: int) -> list[str]:
    """The text in lines of at most `width`; only a word longer than that is broken."""
    return wrap(text, width, break_on_hyphens=False) or [""]


def _hung(margin: str, text: str, width: int) -> list[str]:
    lines = wrap_words(text, max(10, width - len(margin)))
    return [f"{' ' * len(margin) if number else margin}{line}".rstrip() for number, line in enumerate(lines)]


def cut(lines: Sequence[str], most: int, width: int) -> list[str]:
    """At most `most` lines; where some are left out, the last one says so."""
    if len(lines) <= most:
        return list(lines)
    kept = list(lines[:most])
    kept[-1] = f"{kept[-1][: width - len(_CUT)].rstrip()}{_CUT}"
    return kept


def fit_rows(rows: Sequence[Row], width: int, most: int) -> list[str]:
    """The rows in at most `most` lines: whole where there is room, else in few lines each, else the first and the
    last.
    """
    if not rows or most < 1:
        return []
    last_width = min(max(len(row.said_by) for row in rows), width // 4)
    for each in (0, *_FEW_LINES):
        lines = [line for row in rows for line in row.lines(width, last_width, each)]
        if len(lines) <= most:
            return lines
    short = [row.lines(width, last_width, 1)[0] for row in rows]
    first = (most - 1) // 2
    last = most - 1 - first
    return [*short[:first], f"    ... {len(short) - first - last} more", *short[len(short) - last :]]
