"""States that say nothing new may come late or in any order: what is concluded of them is the same."""

import random

import pytest

from benchmarks.workloads import Cluster
from tapio.correlators import Arrival, Engine
from tapio.pipeline.local import correlate_events, unify_events
from tapio.stores.memory import MemoryStore
from tapio.transforms import route
from tapio.unified import PARTITIONS, encode


@pytest.mark.parametrize("seed", [1, 2])
def test_a_repeated_state_that_comes_late_changes_no_conclusion(seed: int) -> None:
    cluster, dice = Cluster(20), random.Random(seed)
    raw = [*cluster.appears(), *cluster.updates(600)]
    events = list(unify_events(raw))
    late = sorted(range(len(events)), key=lambda place: place + 400 * dice.random())
    store, engine = MemoryStore(), Engine(frozenset(range(PARTITIONS)), PARTITIONS)
    for place in range(0, len(late), 30):
        batch = [events[number] for number in late[place : place + 30]]
        store.write(
            engine.apply(
                [Arrival(route(event, PARTITIONS), place + n, event, encode(event)) for n, event in enumerate(batch)]
            )
        )
    assert list(store.dump()) == list(correlate_events(raw).dump())
