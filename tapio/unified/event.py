"""The unified event: fixed fields that every consumer may rely on, and what correlation needs beyond them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from tapio.errors import BadEventError
from tapio.raw import FieldChange, ObjectKey
from tapio.raw.event import Timestamp
from tapio.unified.names import EventName
from tapio.unified.objects import KubernetesObject


class EventType(StrEnum):
    """What sort of thing happened."""

    LIFECYCLE = "lifecycle"
    CHANGE = "change"
    NETWORK = "network"
    RESOURCE = "resource"
    LOG = "log"
    STORAGE = "storage"
    NODE = "node"
    CONTROL = "control"
    LOSS = "loss"
    OTHER = "other"


class Severity(StrEnum):
    """How bad the source said it is; what it means is for rules to say."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    trace_id: str = ""
    span_id: str = ""


class OwnerReference(msgspec.Struct, frozen=True, gc=False):
    kind: str
    name: str


class K8sContext(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The Kubernetes object an event is about. For a Kubernetes Event that is the object it involves."""

    name: str
    namespace: str
    kind: str
    uid: str
    labels: dict[str, str]
    owner_references: tuple[OwnerReference, ...]

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.kind, self.namespace, self.name)


class EntityName(msgspec.Struct, frozen=True, gc=False):
    """The entity in a source-neutral spelling: `pod`, `service`, `host` ..."""

    type: str
    name: str
    namespace: str


class Attributes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a happening says beyond its message, by the field's own names; every field is absent unless it applies.

    `count`, `first_at`: how often since when (a Kubernetes Event is counted, not repeated). `record` names the
    source's own record (an Event's uid), of which the newest version counts. `component` reported it. `object` is the
    key of what a controller says it made or removed.
    """

    count: int = 1
    first_at: datetime | None = None
    record: str = ""
    component: str = ""
    object: str = ""
    container: str = ""
    previous: bool = False
    lines: tuple[str, ...] = ()
    exit_code: int | None = None
    signal: int | None = None
    errno: str = ""
    peer: str = ""
    port: int | None = None
    cause: str = ""
    since: datetime | None = None
    until: datetime | None = None
    data: Any = None  # the record itself, for a type that nobody knows


class UnifiedEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What happened to one entity. The fields up to `entity` are always written; the others where there is something.

    `timestamp` is the source's own time, `observed_at` when the collector had it, `order` the resourceVersion that
    decides within one instant, `root` the topmost owner known, `object` the object's pruned state where the event
    carries one, `raw_id` the raw event behind it and `raw_sequence` that one's place in the RAW stream (put on by the
    pipeline; 0 where there is no stream).
    """

    id: str
    timestamp: Timestamp
    type: EventType
    source: str
    severity: Severity
    trace_context: TraceContext
    k8s_context: K8sContext
    entity: EntityName
    event_name: EventName = EventName.OTHER
    reason: str = ""
    message: str = ""
    attributes: Attributes | None = None
    observed_at: datetime | None = None
    order: int = 0
    root: str = ""
    node: str = ""
    object: KubernetesObject | None = None
    changes: tuple[FieldChange, ...] = ()
    raw_id: str = ""
    raw_sequence: int = 0

    @property
    def key(self) -> ObjectKey:
        return self.k8s_context.key

    @property
    def owner(self) -> ObjectKey | None:
        """The topmost owner known; none where nothing says who that is."""
        return ObjectKey.parse(self.root) if self.root else None

    @property
    def times(self) -> int:
        """How often it was seen."""
        return self.attributes.count if self.attributes else 1

    @property
    def first_at(self) -> datetime:
        """When it was first seen."""
        return (self.attributes.first_at if self.attributes else None) or self.timestamp

    @property
    def sort_key(self) -> tuple[datetime, int, str]:
        """The one order of events: the source's time, then resourceVersion, then id."""
        return self.timestamp, self.order, self.id


_decoder = msgspec.json.Decoder(UnifiedEvent)
_encoder = msgspec.json.Encoder()


def decode(document: bytes | str) -> UnifiedEvent:
    """Reads one unified event.

    Raises:
        BadEventError: it is not JSON, or a field is missing or of the wrong type.
    """
    try:
        return _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadEventError(f"not a unified event: {error}") from error


def encode(event: UnifiedEvent) -> bytes:
    """The event as one JSON document."""
    return _encoder.encode(event)
