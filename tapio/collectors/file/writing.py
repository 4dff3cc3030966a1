"""A capture written: raw events as JSON lines."""

import gzip
from collections.abc import Iterable
from pathlib import Path

from tapio.errors import UsageError
from tapio.raw import RawEvent, encode


def write_capture(path: Path, events: Iterable[RawEvent]) -> int:
    """Writes one event a line, packed when the name ends in `.gz`; returns how many.

    The file appears whole or not at all, and the same events give the same bytes.

    Raises:
        UsageError: it cannot be written.
    """
    lines = [encode(event) for event in events]
    document = b"".join(line + b"\n" for line in lines)
    packed = gzip.compress(document, mtime=0) if path.name.endswith(".gz") else document
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(packed)
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return len(lines)
