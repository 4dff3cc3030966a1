"""What a capture leaves open ends with it, where a graph goes on after it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tapio.collectors.file.closing import ended
from tapio.pipeline.local import correlate_events
from tapio.raw import Metadata, RawEvent
from tapio.raw.event import raw_json
from tapio.stores.memory import MemoryStore

START = datetime(2026, 11, 3, 12, tzinfo=UTC)


def event(minute: int, type_: str = "pod_created", data: Any = None, collector: str = "kubeapi") -> RawEvent:
    at = START + timedelta(minutes=minute)
    return RawEvent(timestamp=at, type=type_, data=raw_json(data), metadata=Metadata(collector=collector))


def loss(minute: int, until: int | None = None, cause: str = "away", **more: Any) -> RawEvent:
    """Blind from the minute on."""
    said = {
        "from": START + timedelta(minutes=minute),
        "to": None if until is None else START + timedelta(minutes=until),
    }
    return event(minute, "loss", {"cause": cause, "count": 0, **said, **more})


def test_without_a_loss_nothing_is_another() -> None:
    events = [event(0), event(1)]
    assert ended(events) == events


def test_a_loss_that_stays_open_ends_just_after_the_newest_event() -> None:
    graph = graph_of(ended([loss(2), event(5)]))
    at = START + timedelta(minutes=5)
    assert [gap.end for gap in gaps(graph, at)] == [None]
    assert [gap.end for gap in gaps(graph, at + timedelta(minutes=1))] == [at + timedelta(seconds=1)]


def test_a_loss_whose_end_is_told_stays_as_it_is() -> None:
    events = [loss(1), loss(1, until=3), event(5)]
    assert ended(events) == events


def test_the_end_of_another_cause_or_source_ends_nothing() -> None:
    other = loss(1, until=3, cause="expired")
    elsewhere = event(3, "loss", {"cause": "away", "count": 0, "from": START, "to": START}, collector="ebpf")
    [first, *_] = ended([loss(1), other, elsewhere])
    assert first != loss(1)


def test_what_was_counted_or_cannot_be_read_stays_as_it_is() -> None:
    events = [loss(1, count=3), event(2, "loss", "words"), event(2, "loss", {"from": "once"})]
    assert ended(events) == events


def test_ending_twice_is_ending_once() -> None:
    once = ended([loss(2), event(5)])
    assert ended(once) == once


def graph_of(events: list[RawEvent]) -> MemoryStore:
    return correlate_events(event for event in events if event.type == "loss")


def gaps(graph: MemoryStore, at: datetime) -> list[Any]:
    return [gap for seen in graph.coverage(at) for gap in seen.gaps]
