"""Unified events: what happened, whatever the source said it in.

In: raw vocabularies. Out: `UnifiedEvent`, the closed vocabulary of event names, pruned Kubernetes objects (only the
fields that rules read), partitions and subjects.
Promised: a document round-trips; the same raw event gives the same unified events, ids included.
Never: I/O, a clock, a conclusion.
"""

from tapio.raw import FieldChange, ObjectKey
from tapio.unified.event import (
    Attributes,
    EntityName,
    EventType,
    K8sContext,
    OwnerReference,
    Severity,
    TraceContext,
    UnifiedEvent,
    decode,
    encode,
)
from tapio.unified.names import EventName
from tapio.unified.partitions import FACTS, PARTITIONS, SHARED, SHARED_KINDS, partition_of, subject_of
from tapio.unified.sharing import SharingDecoder

__all__ = [
    "FACTS",
    "PARTITIONS",
    "SHARED",
    "SHARED_KINDS",
    "Attributes",
    "EntityName",
    "EventName",
    "EventType",
    "FieldChange",
    "K8sContext",
    "ObjectKey",
    "OwnerReference",
    "Severity",
    "SharingDecoder",
    "TraceContext",
    "UnifiedEvent",
    "decode",
    "encode",
    "partition_of",
    "subject_of",
]
