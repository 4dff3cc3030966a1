"""A capture read: every good line an event, every bad one a problem."""

from pathlib import Path

import msgspec

from tapio.collectors.file.bytes import read
from tapio.collectors.file.complete import completed, file_redactor
from tapio.collectors.file.objects import events_of, objects_of
from tapio.errors import BadEventError
from tapio.raw import Metadata, RawEvent, decode
from tapio.raw.event import raw_json

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 200  # characters of a reason: a decoder may quote the document


class Problem(msgspec.Struct, frozen=True):
    """What could not be read: `line` counts from 1; 0 is about the file as a whole."""

    line: int
    reason: str


class Capture(msgspec.Struct, frozen=True):
    """A file's events in its own order. `lines` counts what is not blank, good and bad."""

    source: str
    events: tuple[RawEvent, ...]
    problems: tuple[Problem, ...]
    lines: int


def load(source: Path | str) -> Capture:
    """Reads raw events as JSON lines, in any order, plain or gzip; `-` is standard input.

    The output of `kubectl get ... -o json`, a List or one object, is read as one look.

    Where they are absent, `metadata.k8s_root` is worked out from the owner references in the file, and
    `data.changes` from the successive versions of an object in it.

    Raises:
        UsageError: the file cannot be read at all.
    """
    document, damage = read(source)
    events, problems, lines = _parse(document.removeprefix(_BYTE_ORDER_MARK))
    if damage:
        problems.insert(0, Problem(0, damage))  # the first that a person should hear of
        events += _lost(events, damage)
    return Capture(source=str(source), events=completed(events), problems=tuple(problems), lines=lines)


def _lost(events: list[RawEvent], damage: str) -> list[RawEvent]:
    """What a file that is cut short no longer says: from its newest event on, each of its sources is blind."""
    newest = max((event.timestamp for event in events), default=None)
    if newest is None:
        return []
    record = raw_json({"cause": damage, "count": 0, "from": newest, "to": None})
    sources = dict.fromkeys(event.metadata.collector for event in events)
    return [
        RawEvent(timestamp=newest, type="loss", data=record, metadata=Metadata(collector=source)) for source in sources
    ]


def _parse(document: bytes) -> tuple[list[RawEvent], list[Problem], int]:
    objects = None if _begins_as_event(document) else objects_of(document)
    if objects is not None:
        listed, wrong = events_of(objects, file_redactor)
        return listed, [Problem(0, reason) for reason in wrong], len(objects)
    return _parse_lines(document)


def _begins_as_event(document: bytes) -> bool:
    try:
        decode(document.partition(b"\n")[0])
    except BadEventError:
        return False
    return True


def _parse_lines(document: bytes) -> tuple[list[RawEvent], list[Problem], int]:
    events: list[RawEvent] = []
    problems: list[Problem] = []
    lines = 0
    for number, line in enumerate(document.split(b"\n"), start=1):
        if not line or line.isspace():
            continue
        lines += 1
        try:
            events.append(decode(line))
        except BadEventError as error:
            problems.append(Problem(number, error.message[:_SHOWN]))
    return events, problems, lines
