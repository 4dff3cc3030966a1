"""One process, no streams: the same graph whatever order the events come in; what cannot be read is told."""

import random

import msgspec

from benchmarks.workloads import Cluster
from tapio.errors import BadEventError
from tapio.pipeline.local import correlate_events
from tapio.raw import RawEvent
from tapio.raw.event import raw_json


def test_order_and_doubles_change_nothing() -> None:
    cluster = Cluster(10)
    events = [*cluster.appears(), *cluster.updates(200)]
    shuffled = [*events, *events[:50]]
    random.Random(3).shuffle(shuffled)
    assert list(correlate_events(shuffled).dump()) == list(correlate_events(events).dump())


def test_an_event_that_cannot_be_read_is_told_and_left_out() -> None:
    cluster = Cluster(1)
    good = list(cluster.appears())
    bad = msgspec.structs.replace(
        cluster.pod(0, 0), data=raw_json({"type": "MODIFIED", "object": {"kind": "Pod", "spec": 7}})
    )
    told: list[tuple[RawEvent, BadEventError]] = []
    store = correlate_events([*good, bad], lambda event, error: told.append((event, error)))
    assert [event for event, _ in told] == [bad]
    assert list(store.dump()) == list(correlate_events(good).dump())


def test_no_events_make_an_empty_graph() -> None:
    assert correlate_events([]).newest() is None
