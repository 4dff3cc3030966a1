"""Raw events: what a source said, verbatim.

In: nothing. Out: `RawEvent`, its closed table of types and subjects, its deterministic id.
Promised: a document that came in goes out equal as a JSON value; `data` keeps the source's own bytes.
Never: I/O, a clock, meaning.
"""

from tapio.raw.changes import FieldChange
from tapio.raw.event import RawEvent, decode, encode, peek_identity
from tapio.raw.identity import content_id, event_id
from tapio.raw.metadata import Metadata, ObjectKey, format_labels, format_owner_refs, parse_labels, parse_owner_refs
from tapio.raw.types import Collector, subject_of

__all__ = [
    "Collector",
    "FieldChange",
    "Metadata",
    "ObjectKey",
    "RawEvent",
    "content_id",
    "decode",
    "encode",
    "event_id",
    "format_labels",
    "format_owner_refs",
    "parse_labels",
    "parse_owner_refs",
    "peek_identity",
    "subject_of",
]
