"""`why` asked of any place, and its answers printed."""

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from tapio.cli import places, printing, terminal
from tapio.cli.options import Output
from tapio.why import Explanation, Question, Status, encode, explain, explain_each, render

_LABEL = re.compile(r"^[A-Z]+(?: \(\d\.\d\d\))?")
_BOLD, _RESET = "\x1b[1m", "\x1b[0m"


def why(where: places.Where, question: Question, *, each: bool = False) -> list[Explanation]:
    """The answers: one, or with `each` every incident's, the worst first.

    Raises:
        TapioError: whatever is wrong with the place, the question or the answer.
    """
    if each:
        return places.answer(where, "/v1/why", question, list[Explanation], explain_each, each="true")
    return [places.answer(where, "/v1/why", question, Explanation, explain)]


def printed(
    answers: Sequence[Explanation],
    where: places.Where,
    asked: Question = Question(),
    *,
    each: bool,
    output: Output,
) -> str:
    """The answers for stdout: one document or screen, or with `each` a list of them. `where` can be asked for more,
    with the flags of the question that was `asked`. As a name each is what is to blame.
    """
    match output:
        case Output.JSON:
            return msgspec.json.format(_document(answers, each=each), indent=2).decode()
        case Output.YAML:
            return printing.as_yaml(_document(answers, each=each))
        case Output.JSONL:
            return "\n".join(encode(answer).decode() for answer in answers)
        case Output.NAME:
            return "\n".join(_blamed(answers))
        case Output.TEXT | Output.WIDE | Output.MARKDOWN:
            return _in_words(answers, output, _evidence_of(where, asked))
        case _:
            assert_never(output)


def _document(answers: Sequence[Explanation], *, each: bool) -> bytes:
    return encode(answers if each else answers[0])


def _in_words(answers: Sequence[Explanation], output: Output, more: str) -> str:
    told = ["\n".join(_told(answer, output, more)) for answer in answers]
    return "\n\n".join(told) or "nothing is wrong"


def _told(answer: Explanation, output: Output, more: str) -> Iterator[str]:
    if output is Output.MARKDOWN:
        from tapio.why import markdown

        yield from markdown.answer(answer)
        return
    yield _screen(answer, more)
    if output is Output.WIDE:
        yield from _tables(answer)


def _tables(answer: Explanation) -> Iterator[str]:
    """What the screen has no room for: uids, ids of events, every cause's chain to its end."""
    from tapio.cli import rows, tables

    for table in (rows.asked_about(answer), rows.causes(answer), rows.steps(answer)):
        if table.rows:
            yield ""
            yield from tables.wide(table, terminal.zone())


def _blamed(answers: Sequence[Explanation]) -> Iterator[str]:
    """Of each answer the first cause's entity; nothing where nothing is wrong, or nobody knows."""
    from tapio.cli import rows

    found = [answer.causes[0].entity for answer in answers if answer.causes and answer.status is not Status.HEALTHY]
    return rows.names(found)


def _evidence_of(where: places.Where, asked: Question) -> str:
    """The command that shows an answer's evidence: a look is over, and a server remembers what it was asked."""
    if where.live:
        return ""
    return f"tapio evidence{where.flags}{places.flags_of(asked) if where.file else ''}"


def _screen(answer: Explanation, more: str) -> str:
    zone = terminal.zone()
    lines = render(answer, width=shutil.get_terminal_size().columns, zone=zone, today=datetime.now(zone), more=more)
    return "\n".join(map(_painted, lines) if terminal.coloured(sys.stdout) else lines)


def _painted(line: str) -> str:
    return _LABEL.sub(lambda label: f"{_BOLD}{label[0]}{_RESET}", line)
