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


def printed(answers: Sequence[Explanation], where: places.Where, *, each: bool, as_json: bool) -> str:
    """The answers for stdout: one document or screen, or with `each` a list of them. `where` can be asked for more."""
    if as_json:
        return msgspec.json.format(encode(answers if each else answers[0]), indent=2).decode()
    return "\n\n".join(_screen(answer, where) for answer in answers) or "nothing is wrong"


def _screen(answer: Explanation, where: places.Where) -> str:
    more = "" if where.live else f"tapio evidence{where.flags}"
    zone = terminal.zone()
    lines = render(answer, width=shutil.get_terminal_size().columns, zone=zone, today=datetime.now(zone), more=more)
    return "\n".join(map(_painted, lines) if terminal.coloured(sys.stdout) else lines)


def _painted(line: str) -> str:
    return _LABEL.sub(lambda label: f"{_BOLD}{label[0]}{_RESET}", line)
