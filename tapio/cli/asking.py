"""`why` asked of any place, and its answers printed."""

import re
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime

import msgspec

from tapio.cli import places, terminal
from tapio.why import Explanation, Question, encode, explain, explain_each, render

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
    as_json: bool,
) -> str:
    """The answers for stdout: one document or screen, or with `each` a list of them. `where` can be asked for more,
    with the flags of the question that was `asked`.
    """
    if as_json:
        return msgspec.json.format(encode(answers if each else answers[0]), indent=2).decode()
    more = _evidence_of(where, asked)
    return "\n\n".join(_screen(answer, more) for answer in answers) or "nothing is wrong"


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
