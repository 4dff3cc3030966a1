"""A capture read: every good line an event, every bad one a problem; or what kubectl wrote of a cluster."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tapio.collectors.file.bytes import STANDARD_INPUT, read
from tapio.collectors.file.complete import completed, file_redactor
from tapio.collectors.file.documents import Documents, documents_of
from tapio.collectors.file.folder import files_in
from tapio.collectors.file.objects import events_of, owners_of
from tapio.collectors.file.pod_logs import events_of_logs
from tapio.errors import BadEventError
from tapio.raw import Metadata, RawEvent, decode
from tapio.raw.event import raw_json

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 200  # characters of a reason: a decoder may quote the document


class Problem(msgspec.Struct, frozen=True):
    """What could not be read: `line` counts from 1; 0 is about the file as a whole."""

    line: int
    reason: str
    file: str = ""


class Capture(msgspec.Struct, frozen=True):
    """A file's events in its own order. `lines` counts what is not blank, or kubectl's objects, good and bad."""

    source: str
    events: tuple[RawEvent, ...]
    problems: tuple[Problem, ...]
    lines: int


class _File(msgspec.Struct):
    """What one file holds: raw events, or what kubectl wrote; `damage` is what was wrong with its packing."""

    name: str
    events: list[RawEvent] = msgspec.field(default_factory=list)
    problems: list[Problem] = msgspec.field(default_factory=list)
    documents: Documents = msgspec.field(default_factory=Documents)
    lines: int = 0
    damage: str = ""


def load(source: Path | str) -> Capture:
    """Reads raw events as JSON lines, in any order, plain or gzip; `-` is standard input.

    What kubectl writes is read as one look: the output of `kubectl get -o json` or `-o yaml` (one object, a list, or
    one after another as `--watch` gives them) and of `kubectl cluster-info dump`. Of a folder, all such files.

    Where they are absent, `metadata.k8s_root` is worked out from the owner references in the file, and
    `data.changes` from the successive versions of an object in it.

    Raises:
        UsageError: the file cannot be read at all, or a folder has none to read.
    """
    is_folder = str(source) != STANDARD_INPUT and Path(source).is_dir()
    paths = files_in(Path(source)) if is_folder else [source]
    files = [_read(path) for path in paths]
    events, problems = _of_objects(files)
    events = [*(event for file in files for event in file.events), *events]
    problems = [*(problem for file in files for problem in file.problems), *problems]
    if damage := next((file.damage for file in files if file.damage), ""):
        events += _lost(events, damage)
    lines = sum(file.lines for file in files)
    return Capture(source=str(source), events=completed(events), problems=tuple(problems), lines=lines)


def _read(source: Path | str) -> _File:
    """One file, its packing's damage the first problem that a person should hear of."""
    content, damage = read(source)
    file = _parsed(str(source), content.removeprefix(_BYTE_ORDER_MARK))
    file.damage = damage
    if damage:
        file.problems.insert(0, Problem(0, damage, file.name))
    return file


def _parsed(name: str, content: bytes) -> _File:
    documents = None if _begins_as_event(content) else documents_of(content)
    if documents is None:
        return _parse_lines(name, content)
    problems = [Problem(0, reason, name) for reason in documents.problems]
    return _File(name, problems=problems, documents=documents, lines=len(documents.objects) + len(problems))


def _of_objects(files: Sequence[_File]) -> tuple[list[RawEvent], list[Problem]]:
    """The events of what kubectl wrote: the files of a dump tell of one another's objects."""
    seen = [each for file in files for each in file.documents.objects]
    logs = [log for file in files for log in file.documents.logs]
    objects = [each.object for each in seen]
    owners = owners_of(objects)
    events, wrong = events_of(seen, owners, file_redactor)
    events += events_of_logs(logs, objects, owners, file_redactor)
    return events, [Problem(0, reason) for reason in wrong]


def _lost(events: Iterable[RawEvent], damage: str) -> list[RawEvent]:
    """What a file that is cut short no longer says: from its newest event on, each of its sources is blind."""
    newest = max((event.timestamp for event in events), default=None)
    if newest is None:
        return []
    record = raw_json({"cause": damage, "count": 0, "from": newest, "to": None})
    sources = dict.fromkeys(event.metadata.collector for event in events)
    return [
        RawEvent(timestamp=newest, type="loss", data=record, metadata=Metadata(collector=source)) for source in sources
    ]


def _begins_as_event(document: bytes) -> bool:
    try:
        decode(document.partition(b"\n")[0])
    except BadEventError:
        return False
    return True


def _parse_lines(name: str, content: bytes) -> _File:
    file = _File(name)
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line or line.isspace():
            continue
        file.lines += 1
        try:
            file.events.append(decode(line))
        except BadEventError as error:
            file.problems.append(Problem(number, error.message[:_SHOWN], name))
    return file
