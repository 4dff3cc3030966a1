"""The canonical dump: what a graph says, in one spelling, so that two graphs can be compared by a hash."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from tapio.graph import Change, Edge, Entity, Link, Symptom
from tapio.unified import ObjectKey

Dumped = Entity | Edge | Symptom | Link | Change

_encoder = msgspec.json.Encoder(order="deterministic")


def dump_lines(records: Iterable[Dumped], namespace: str = "") -> Iterator[str]:
    """One JSON object per record, `{"<sort of record>": {...}}`, each once, sorted; times in UTC.

    With `namespace`, only the records whose own object (an edge's source) is in it.
    """
    wanted = (record for record in records if not namespace or _belongs(record).namespace == namespace)
    yield from sorted({_line(record) for record in wanted})


def dump_hash(lines: Iterable[str]) -> str:
    """The SHA-256 of a dump."""
    digest = sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _line(record: Dumped) -> str:
    return _encoder.encode({type(record).__name__.lower(): _in_utc(record)}).decode()


def _in_utc(record: Dumped) -> Dumped:
    """Some stores give times back in UTC whatever zone they were written in."""
    if isinstance(record, Change):
        return msgspec.structs.replace(record, at=record.at.astimezone(UTC))
    return msgspec.structs.replace(
        record, valid_from=record.valid_from.astimezone(UTC), valid_to=_end_in_utc(record.valid_to)
    )


def _end_in_utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None


def _belongs(record: Dumped) -> ObjectKey:
    match record:
        case Entity():
            return record.key
        case Edge():
            return record.source
        case Change():
            return record.entity
        case Symptom() | Link():
            return record.subject
