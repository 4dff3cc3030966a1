"""What a correlator writes in one go: everything that follows from a batch of events, and how far it has read."""

from datetime import datetime

import msgspec

from tapio.graph.records import Change, Edge, Entity, Link, SourceCoverage, Symptom
from tapio.unified import ObjectKey

# How much of one entity a correlator remembers, newest first: bounded, so that memory and restarts are.
STATE_LIMIT = 24
HAPPENING_LIMIT = 40
CHANGE_LIMIT = 64


class _Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The base of the parts of a batch."""


class HistoryEntry(_Part, frozen=True, kw_only=True):
    """One unified event as it came (`document`), filed under the entity it is about.

    `partition` is the partition's number, or `shared`; `sequence` its place in that stream; `raw_sequence` the place
    of the raw event in the RAW stream, 0 where it is not known. `stateful` tells a state of the object from something
    said about it; `source` (and `node`, for a source that runs on one) saw it.
    """

    partition: str
    sequence: int
    key: ObjectKey
    uid: str
    at: datetime
    order: int
    event_id: str
    raw_id: str
    document: bytes
    raw_sequence: int = 0
    stateful: bool = False
    source: str = ""
    node: str = ""


class SubjectTimeline(_Part, frozen=True, kw_only=True):
    """All that holds of one subject from `since` on; what the store had of it from then on is replaced.

    Rows that hold across `since` are in here with their own `valid_from`, before `since`. `state` is the engine's own
    memory of the timeline, opaque to the store, and comes back on restore.
    """

    partition: str
    subject: ObjectKey
    uid: str
    since: datetime
    edges: tuple[Edge, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    links: tuple[Link, ...] = ()
    state: bytes = b""


class Position(_Part, frozen=True, kw_only=True):
    """How far one reader (a shard) has read one stream: the sequence of the last event whose effects are stored."""

    reader: str
    stream: str
    sequence: int


class GraphBatch(_Part, frozen=True, kw_only=True):
    """One atomic write. Writing a batch twice is the same as writing it once."""

    history: tuple[HistoryEntry, ...] = ()
    entities: tuple[Entity, ...] = ()
    changes: tuple[Change, ...] = ()
    timelines: tuple[SubjectTimeline, ...] = ()
    coverage: tuple[SourceCoverage, ...] = ()
    positions: tuple[Position, ...] = ()


class RestoredPartition(_Part, frozen=True, kw_only=True):
    """What a store gives back of one partition: of each entity the newest states (`STATE_LIMIT`), happenings
    (`HAPPENING_LIMIT`) and changes (`CHANGE_LIMIT`), and the subjects' timelines.
    """

    history: tuple[HistoryEntry, ...]
    timelines: tuple[SubjectTimeline, ...]
    changes: tuple[Change, ...] = ()
