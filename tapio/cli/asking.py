"""Where answers come from: a server, a file, or the API server; and how they are printed."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tapio import settings
from tapio.cli import terminal
from tapio.cli.server import get
from tapio.errors import BadEventError, UsageError
from tapio.graph import GraphReader
from tapio.raw import RawEvent
from tapio.why import Explanation, Question, encode, explain, explain_each, parse_target, render

_SHOWN = 5  # bad lines named one by one; the rest are counted
_LABEL = re.compile(r"^[A-Z]+(?: \(\d\.\d\d\))?")
_BOLD, _RESET = "\x1b[1m", "\x1b[0m"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One `why` on the command line; the fields are those of `Question`, and `each` asks about every incident."""

    target: str = ""
    namespace: str = ""
    uid: str = ""
    at: datetime | None = None
    since: timedelta | None = None
    min_confidence: float = 0.0
    each: bool = False

    @property
    def question(self) -> Question:
        return Question(**{name: getattr(self, name) for name in Question.__struct_fields__})

    def of(self, graph: GraphReader) -> list[Explanation]:
        return explain_each(self.question, graph) if self.each else [explain(self.question, graph)]


def server(asked: Asked, flags: Mapping[str, Any]) -> list[Explanation]:
    """Asks a running Tapio.

    Raises:
        UnreachableError: there is none; the hint says what else to do.
    """
    chosen = settings.load(flags).settings
    parameters = {
        "target": asked.target,
        "namespace": asked.namespace,
        "uid": asked.uid,
        "at": asked.at.isoformat() if asked.at else "",
        "since": f"{asked.since.total_seconds():.0f}s" if asked.since else "",
        "min_confidence": str(asked.min_confidence) if asked.min_confidence else "",
        "each": "true" if asked.each else "",
    }
    document = get(chosen.server_url, "/v1/why", parameters, chosen.server_timeout_s)
    if asked.each:
        return msgspec.json.decode(document, type=list[Explanation])
    return [msgspec.json.decode(document, type=Explanation)]


def file(asked: Asked, source: str) -> list[Explanation]:
    """Asks a file of raw events; what cannot be read of it is named on stderr and left out.

    Raises:
        UsageError: it cannot be read, is empty, or holds no raw event at all.
    """
    from tapio.collectors.file import load

    capture = load(source)
    for problem in capture.problems[:_SHOWN]:
        terminal.note(f"{source}{f':{problem.line}' if problem.line else ''}: {problem.reason}")
    if len(capture.problems) > _SHOWN:
        terminal.note(f"{source}: {len(capture.problems)} of {capture.lines} lines could not be read")
    if not capture.events:
        raise UsageError(f"{source}: {'no line is a raw event' if capture.lines else 'the file is empty'}")
    return asked.of(_graph(capture.events))


def live(asked: Asked, flags: Mapping[str, Any]) -> list[Explanation]:
    """Asks by one look at the API server, as of that look.

    Raises:
        UsageError: there is no kubeconfig to use.
        ForbiddenError, UnreachableError: the API server refuses, or does not answer.
    """
    import asyncio

    from tapio.cli import cluster

    namespace = parse_target(asked.target, asked.namespace).namespace if asked.target else asked.namespace
    seen = asyncio.run(cluster.look(settings.load(flags).settings, namespace))
    return msgspec.structs.replace(asked, at=asked.at or seen.at).of(_graph(seen.events))


def printed(answers: Sequence[Explanation], *, each: bool, as_json: bool) -> str:
    """The answers for stdout: one document or screen, or with `each` a list of them."""
    if as_json:
        return msgspec.json.format(encode(answers if each else answers[0]), indent=2).decode()
    return "\n\n".join(map(_screen, answers)) or "nothing is wrong"


def _screen(answer: Explanation) -> str:
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None  # noqa: S101  astimezone always sets one
    lines = render(answer, width=shutil.get_terminal_size().columns, zone=zone)
    return "\n".join(map(_painted, lines) if terminal.coloured(sys.stdout) else lines)


def _painted(line: str) -> str:
    return _LABEL.sub(lambda label: f"{_BOLD}{label[0]}{_RESET}", line)


def _graph(events: Sequence[RawEvent]) -> GraphReader:
    from tapio.pipeline.local import correlate_events

    return correlate_events(events, _unreadable)


def _unreadable(event: RawEvent, error: BadEventError) -> None:
    meta = event.metadata
    terminal.note(f"left out: {event.type} {meta.k8s_namespace}/{meta.k8s_name}: {error.message}")
