"""Events of both of the API's groups are told the same."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from tapio.raw import Metadata, RawEvent
from tapio.transforms.happenings import transform
from tapio.unified import UnifiedEvent

Json = dict[str, Any]
AT = datetime(2026, 1, 1, tzinfo=UTC)
META = {"name": "web-1.a", "namespace": "shop", "uid": "u-event"}
POD = {"kind": "Pod", "name": "web-1", "namespace": "shop", "uid": "u-pod", "fieldPath": "spec.containers{app}"}
CORE: Json = {
    "metadata": META,
    "involvedObject": POD,
    "reason": "Unhealthy",
    "message": "Readiness probe failed: timeout",
    "type": "Warning",
    "count": 7,
    "firstTimestamp": "2026-01-01T00:00:00Z",
    "source": {"component": "kubelet", "host": "node-1"},
    "reportingComponent": "kubelet",
}
NEWER: Json = {
    "metadata": META,
    "regarding": POD,
    "reason": "Unhealthy",
    "note": "Readiness probe failed: timeout",
    "type": "Warning",
    "deprecatedCount": 7,
    "deprecatedFirstTimestamp": "2026-01-01T00:00:00Z",
    "deprecatedSource": {"component": "kubelet", "host": "node-1"},
    "reportingController": "kubelet",
}


def told(event: Json) -> UnifiedEvent:
    data = msgspec.Raw(msgspec.json.encode({"type": "ADDED", "object": event}))
    raw = RawEvent(timestamp=AT, type="event_created", data=data, metadata=Metadata(collector="kubeapi"))
    (main,) = transform(raw, "evt-1", 1, deleted=False)
    return main


def test_an_event_of_either_group_says_the_same() -> None:
    assert told(NEWER) == told(CORE)
    assert told(NEWER).message == "Readiness probe failed: timeout"


def test_a_series_counts_in_either_group() -> None:
    counted = told({**NEWER, "deprecatedCount": None, "series": {"count": 9}})
    assert counted.attributes is not None
    assert counted.attributes.count == 9
