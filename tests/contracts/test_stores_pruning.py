"""What a store lets go of, and what it keeps however old that is, run on each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tapio.graph import Evidence, GraphBatch
from tapio.stores import GraphStore
from tapio.stores.memory import MemoryStore
from tapio.stores.port import RestoreLimits
from tapio.stores.sqlite import SqliteStore
from tapio.unified import ObjectKey
from tests.contracts.store_records import (
    at,
    change,
    edge,
    entity,
    entry,
    history,
    link,
    node,
    pod,
    symptom,
    timeline,
    timelines,
)

LIMITS = RestoreLimits(states=2, happenings=3, changes=1)
MAKERS: dict[str, Callable[[Path], GraphStore]] = {
    "memory": lambda _: MemoryStore(limits=LIMITS),
    "sqlite": lambda folder: SqliteStore(folder / "graph.db", limits=LIMITS),
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


def states(*seconds: int, key: ObjectKey | None = None, partition: str = "0") -> GraphBatch:
    return history(
        *(
            entry(f"evt-{key or pod()}-{second}", second, key=key, stateful=True, partition=partition)
            for second in seconds
        )
    )


def events_of(store: GraphStore, key: ObjectKey | None = None) -> list[str]:
    return [event.id.rpartition("-")[2] for event in store.events(key or pod(), at(0), at(1000))]


def test_what_lives_keeps_as_much_as_an_engine_remembers(store: GraphStore) -> None:
    store.write(replace(states(1, 2, 3, 4, 50), entities=(entity(pod(), 1),)))
    before = store.restore("0")
    assert store.prune(at(40)) == 2
    assert events_of(store) == ["3", "4", "50"]
    assert store.restore("0") == before
    assert store.prune(at(40)) == 0


def test_what_is_over_goes_whole_and_what_ended_later_stays(store: GraphStore) -> None:
    gone, ended = pod("gone"), pod("ended")
    for key, end in ((gone, 20), (ended, 60)):
        store.write(states(1, 2, key=key))
        store.write(GraphBatch(entities=(entity(key, 1, end),), changes=(change(f"evt-{key}-1", 1, of=key),)))
        store.write(timelines(timeline(1, subject=key, edges=[edge(node(), 1, end, source=key)])))
    assert store.prune(at(40)) == 6
    assert [one.key for one in store.entities(at(100))] == [ended]
    assert events_of(store, gone) == []
    assert events_of(store, ended) == ["1", "2"]
    assert [one.source for one in store.edges(node(), at(10))] == [ended]
    assert [timeline.subject for timeline in store.restore("0").timelines] == [ended]


def test_a_name_that_no_object_was_seen_of_goes_when_it_is_quiet(store: GraphStore) -> None:
    store.write(states(1, 2, key=pod("rumour")))
    store.write(states(1, 50, key=pod("talked-of")))
    assert store.prune(at(40)) == 2
    assert events_of(store, pod("talked-of")) == ["1", "50"]


def test_what_an_open_verdict_rests_on_stays_though_it_is_over(store: GraphStore) -> None:
    culprit = ObjectKey("ConfigMap", "shop", "cfg")
    store.write(replace(states(1, 2, 3, key=culprit), entities=(entity(culprit, 1, 3),)))
    store.write(states(1, 2, 3, 4))
    rests = Evidence(at=at(1), event_id=f"evt-{pod()}-1", source="kubeapi", entity=pod(), text="it was so")
    why = replace(link("x", 4), blame=culprit, evidence=(rests,))
    store.write(replace(timelines(timeline(4, links=[why])), entities=(entity(pod(), 1),)))
    store.prune(at(40))
    assert events_of(store, culprit) == ["2", "3"]
    assert [one.key for one in store.entities(at(50), kind="ConfigMap")] == [culprit]
    assert events_of(store) == ["1", "3", "4"]
    store.write(timelines(timeline(30, links=[replace(why, valid_to=at(30))])))
    store.prune(at(40))
    assert events_of(store, culprit) == []


def test_who_had_a_name_before_goes_though_its_successor_is_in_trouble(store: GraphStore) -> None:
    store.write(replace(states(1, 2), entities=(entity(pod(), 1, 5), entity(pod(), 6, uid="u2"))))
    now = replace(symptom("CrashLoopBackOff", 7), uid="u2")
    store.write(timelines(timeline(7, uid="u2", symptoms=[now])))
    store.prune(at(40))
    assert [one.uid for one in store.entities(at(50), kind="Pod")] == ["u2"]
    assert events_of(store) == []


def test_verdicts_that_closed_before_go_but_not_those_at_the_timelines_end(store: GraphStore) -> None:
    rows = [symptom("Old", 1, 5), symptom("Last", 6, 10)]
    store.write(replace(timelines(timeline(1, symptoms=rows)), entities=(entity(pod(), 1),)))
    store.write(timelines(timeline(6, symptoms=rows[1:], edges=[edge(node(), 6)])))
    before = store.restore("0")
    assert store.prune(at(40)) == 1
    assert [one.code for one in store.past_symptoms(pod(), at(50))] == ["Last"]
    assert store.restore("0") == before
    assert list(store.edges(pod(), at(50)))


def test_the_event_of_a_change_that_is_kept_is_kept(store: GraphStore) -> None:
    store.write(states(1, 2, 3, 4, 5))
    store.write(GraphBatch(entities=(entity(pod(), 1),), changes=(replace(change(f"evt-{pod()}-1", 1), uid="u1"),)))
    store.prune(at(40))
    assert events_of(store) == ["1", "4", "5"]
    assert len(store.restore("0").changes) == 1


def test_coverage_begins_where_the_history_does(store: GraphStore) -> None:
    seen = [replace(entry(f"evt-{second}", second, stateful=True), source="kubeapi") for second in (1, 2, 3, 50)]
    store.write(replace(history(*seen), entities=(entity(pod(), 1),)))
    store.prune(at(40))
    [row] = store.coverage(at(100))
    assert (row.first, row.last, row.events) == (at(40), at(50), 4)


def test_nothing_goes_of_a_time_before_everything(store: GraphStore) -> None:
    store.write(replace(states(1, 2, 3, 4, 5), entities=(entity(pod(), 1, 3),)))
    dumped = list(store.dump())
    assert store.prune(at(0)) == 0
    assert (list(store.dump()), len(events_of(store))) == (dumped, 5)
