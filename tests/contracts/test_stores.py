"""What every graph store promises, run on each of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tapio.graph import Gap, GraphBatch, Position, RestoredPartition, SourceCoverage
from tapio.stores import GraphStore, dump_hash
from tapio.stores.memory import MemoryStore
from tapio.stores.port import RestoreLimits
from tapio.stores.sqlite import SqliteStore
from tests.contracts.store_records import (
    at,
    change,
    edge,
    entity,
    entry,
    history,
    link,
    node,
    numbered_batch,
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


# --- An empty graph --------------------------------------------------------------------------------------------------


def test_an_empty_graph_answers_every_question(store: GraphStore) -> None:
    assert store.newest() is None
    assert list(store.entities(at(0))) == []
    assert list(store.edges(pod(), at(0))) == []
    assert list(store.symptoms(at(0))) == []
    assert list(store.events(pod(), at(0), at(9))) == []
    assert store.event("") is None
    assert store.raw_sequence("") is None
    assert list(store.coverage(at(0))) == []
    assert list(store.positions("partition/0")) == []
    assert store.restore("0") == RestoredPartition(history=(), timelines=())
    assert list(store.dump()) == []


# --- Writing ---------------------------------------------------------------------------------------------------------


def test_a_batch_written_twice_is_written_once(store: GraphStore) -> None:
    batch = replace(numbered_batch("0", 1), changes=(change("evt-1", 1),))
    store.write(batch)
    once, restored = list(store.dump()), store.restore("0")
    store.write(batch)
    assert list(store.dump()) == once
    assert store.restore("0") == restored


def test_a_batch_that_fails_leaves_nothing(store: GraphStore) -> None:
    good = numbered_batch("0", 1)
    zoneless = replace(change("evt-1", 1), at=at(1).replace(tzinfo=None))
    with pytest.raises(ValueError, match="without a zone"):
        store.write(replace(good, changes=(zoneless,)))
    assert list(store.dump()) == []
    assert store.newest() is None
    assert list(store.positions("0")) == []
    store.write(good)
    assert len(store.entities(at(1))) == 20


def test_an_event_stays_where_it_was_first_read(store: GraphStore) -> None:
    store.write(history(entry("evt-1", 1, sequence=5)))
    store.write(history(entry("evt-1", 1, sequence=9)))
    assert [each.sequence for each in store.restore("0").history] == [5]


def test_positions_never_go_back(store: GraphStore) -> None:
    for sequence in (3, 7, 5):
        store.write(GraphBatch(positions=(Position(reader="r", stream="UNIFIED-0", sequence=sequence),)))
    store.write(GraphBatch(positions=(Position(reader="other", stream="UNIFIED-0", sequence=1),)))
    assert list(store.positions("r")) == [Position(reader="r", stream="UNIFIED-0", sequence=7)]


def test_a_change_is_kept_once(store: GraphStore) -> None:
    store.write(GraphBatch(changes=(change("evt-1", 1), change("evt-1", 1), change("evt-1", 1, field="spec.paused"))))
    store.write(GraphBatch(changes=(change("evt-1", 1),)))
    assert [each.field for each in store.changes(at(0), at(2))] == ["spec.paused", "spec.replicas"]


# --- Entities --------------------------------------------------------------------------------------------------------


def test_an_entity_lives_from_its_earliest_sight_to_its_earliest_end(store: GraphStore) -> None:
    store.write(GraphBatch(entities=(entity(pod(), 5, labels={"v": "1"}),)))
    store.write(GraphBatch(entities=(entity(pod(), 3, 20, labels={"v": "2"}),)))
    store.write(GraphBatch(entities=(entity(pod(), 4, 30, labels={"v": "3"}),)))
    store.write(GraphBatch(entities=(entity(pod(), 9, labels={"v": "4"}),)))
    assert list(store.entities(at(9))) == [entity(pod(), 3, 20, labels={"v": "4"})]


def test_a_name_used_again_is_another_entity(store: GraphStore) -> None:
    store.write(GraphBatch(entities=(entity(pod(), 1, 5), entity(pod(), 6, uid="u2"))))
    assert [each.uid for each in store.entities(at(9), name="web-1")] == ["u2", "u1"]
    assert [each.uid for each in store.entities(at(5), name="web-1")] == ["u1"]
    assert [each.uid for each in store.entities(at(9), uid="u1")] == ["u1"]


def test_entities_are_found_by_any_part_of_their_name(store: GraphStore) -> None:
    store.write(GraphBatch(entities=(entity(pod(), 1), entity(node(), 2), entity(pod(namespace="lab"), 3, 4))))
    assert [each.key for each in store.entities(at(9))] == [pod(namespace="lab"), node(), pod()]
    assert [each.key for each in store.entities(at(9), kind="Node")] == [node()]
    assert [each.key for each in store.entities(at(9), kind="Node", name="node-a")] == [node()]
    assert [each.key for each in store.entities(at(9), namespace="shop")] == [pod()]
    assert [each.key for each in store.entities(at(9), kind="Pod", namespace="lab", name="web-1")] == [
        pod(namespace="lab")
    ]
    assert list(store.entities(at(9), name="web")) == []


def test_an_entity_is_there_from_its_very_instant(store: GraphStore) -> None:
    store.write(GraphBatch(entities=(entity(pod(), 1),)))
    assert len(store.entities(at(1))) == 1
    assert list(store.entities(at(1) - timedelta(microseconds=1))) == []


# --- Timelines -------------------------------------------------------------------------------------------------------


def test_what_ends_at_t_is_over_at_t(store: GraphStore) -> None:
    rows = timeline(0, edges=[edge(node(), 1, 5)], symptoms=[symptom("restarting", 1, 5)], links=[link("oom", 1, 5)])
    store.write(timelines(rows))
    just_before = at(5) - timedelta(microseconds=1)
    for held in (at(1), just_before):
        assert list(store.edges(pod(), held)) == list(store.edges(node(), held)) == list(rows.edges)
        assert list(store.symptoms(held)) == list(store.symptoms(held, pod())) == list(rows.symptoms)
        assert list(store.links(pod(), held)) == list(rows.links)
        assert list(store.past_symptoms(pod(), held)) == []
    for not_held in (at(1) - timedelta(microseconds=1), at(5)):
        assert list(store.edges(node(), not_held)) == []
        assert list(store.symptoms(not_held)) == []
        assert list(store.links(pod(), not_held)) == []
    assert list(store.past_symptoms(pod(), at(5))) == list(rows.symptoms)


def test_a_timeline_replaces_what_reaches_its_beginning(store: GraphStore) -> None:
    store.write(
        timelines(
            timeline(0, symptoms=[symptom("done", 1, 4), symptom("ends-there", 1, 5), symptom("ends-later", 1, 6)]),
            timeline(4, symptoms=[symptom("ends-there", 1, 5), symptom("open", 2), symptom("later", 7, 8)]),
        )
    )
    assert _codes(store) == {"done", "ends-there", "open", "later"}
    store.write(timelines(timeline(5, symptoms=[symptom("open", 2, 6)])))
    assert _codes(store) == {"done", "ends-there", "open"}
    assert [each.code for each in store.past_symptoms(pod(), at(9))] == ["open", "ends-there", "done"]


def test_a_late_event_corrects_what_was_concluded_after_it(store: GraphStore) -> None:
    store.write(timelines(timeline(1, links=[link("runtime.crash_app", 5)], symptoms=[symptom("restarting", 5)])))
    corrected = timeline(3, links=[link("runtime.oom_killed", 3)], symptoms=[symptom("restarting", 3)])
    store.write(timelines(corrected))
    assert [each.code for each in store.links(pod(), at(9))] == ["runtime.oom_killed"]
    assert [each.since for each in store.symptoms(at(3))] == [at(3)]
    assert list(store.symptoms(at(2))) == []


def test_subjects_do_not_touch_one_another(store: GraphStore) -> None:
    other, reborn = pod("web-2"), "u2"
    store.write(
        timelines(
            timeline(0, edges=[edge(node(), 1)]),
            timeline(0, uid=reborn, edges=[edge(node("node-b"), 2)]),
            timeline(0, subject=other, edges=[edge(node(), 1, source=other)]),
        )
    )
    store.write(timelines(timeline(0, uid=reborn)))
    assert list(store.edges(pod(), at(9))) == [edge(node(), 1)]
    assert list(store.edges(node(), at(9))) == [edge(node(), 1), edge(node(), 1, source=other)]


def test_an_edge_that_two_subjects_state_is_one(store: GraphStore) -> None:
    stated = [edge(node(), 1)]
    store.write(timelines(timeline(0, edges=stated), timeline(0, subject=node(), edges=stated)))
    assert list(store.edges(pod(), at(2))) == stated
    assert len(list(store.dump())) == 1


def test_records_come_back_whole(store: GraphStore) -> None:
    rows = timeline(0, links=[link("oom", 1)], symptoms=[symptom("restarting", 1)])
    store.write(replace(timelines(rows), changes=(change("evt-1", 1),)))
    assert list(store.links(pod(), at(2))) == list(rows.links)
    assert list(store.symptoms(at(2))) == list(rows.symptoms)
    assert list(store.changes(at(1), at(1))) == [change("evt-1", 1)]


# --- Changes, events, coverage ---------------------------------------------------------------------------------------


def test_changes_are_found_by_time_entity_and_namespace(store: GraphStore) -> None:
    of_pod, of_node, of_lab = change("c", 2), change("b", 1, of=node()), change("a", 3, of=pod(namespace="lab"))
    store.write(GraphBatch(changes=(of_lab, of_pod, of_node)))
    assert list(store.changes(at(1), at(3))) == [of_node, of_pod, of_lab]
    assert list(store.changes(at(1.5), at(2.5))) == [of_pod]
    assert list(store.changes(at(0), at(9), entity=node())) == [of_node]
    assert list(store.changes(at(0), at(9), namespace="lab")) == [of_lab]
    assert list(store.changes(at(0), at(9), entity=node(), namespace="lab")) == []


def test_events_come_once_and_in_their_one_order(store: GraphStore) -> None:
    store.write(history(entry("b", 2, order=1), entry("a", 2, order=1), entry("d", 1), entry("c", 2, order=0)))
    store.write(history(entry("a", 2, order=1, partition="shared"), entry("e", 2, key=node())))
    assert [each.id for each in store.events(pod(), at(1), at(2))] == ["d", "c", "a", "b"]
    assert [each.id for each in store.events(pod(), at(1.5), at(2))] == ["c", "a", "b"]
    assert store.newest() == at(2)


def test_an_event_is_found_by_its_id_or_its_raw_id(store: GraphStore) -> None:
    store.write(history(entry("raw-1", 2, raw_sequence=7), entry("facts-1", 1, raw_id="raw-1"), entry("x", 1)))
    store.write(history(entry("facts-2", 4, raw_id="raw-2"), entry("facts-3", 3, raw_id="raw-2", raw_sequence=8)))
    found = {each: store.event(each) for each in ("raw-1", "facts-1", "raw-2", "nothing")}
    assert {each: event and event.id for each, event in found.items()} == {
        "raw-1": "raw-1",
        "facts-1": "facts-1",
        "raw-2": "facts-3",
        "nothing": None,
    }
    assert [store.raw_sequence(each) for each in ("raw-1", "raw-2", "x", "nothing")] == [7, 8, None, None]


def test_coverage_is_as_of_t(store: GraphStore) -> None:
    gaps = (Gap(start=at(3), end=at(6), cause="watch_expired"), Gap(start=at(8), cause="disconnected"))
    first = SourceCoverage(source="kubeapi", first=at(1), last=at(2), events=10)
    store.write(GraphBatch(coverage=(first, SourceCoverage(source="ebpf", node="node-a", first=at(9), last=at(9)))))
    store.write(GraphBatch(coverage=(replace(first, last=at(9), events=20, gaps=gaps),)))
    assert [each.source for each in store.coverage(at(9))] == ["ebpf", "kubeapi"]
    (seen,) = store.coverage(at(5))
    assert (seen.first, seen.last, seen.events) == (at(1), at(5), 20)
    assert seen.gaps == (replace(gaps[0], end=None),)
    assert store.coverage(at(9))[1].gaps == gaps
    assert list(store.coverage(at(0))) == []


# --- Restoring -------------------------------------------------------------------------------------------------------


def test_a_restore_gives_each_entitys_newest_events_in_order(store: GraphStore) -> None:
    store.write(history(*(entry(f"w-{n}", n, sequence=n) for n in (5, 1, 4, 2, 3))))
    store.write(
        history(entry("reborn", 2.5, uid="u2"), entry("n-1", 1, key=node()), entry("not-ours", 9, partition="1"))
    )
    restored = store.restore("0").history
    assert [each.event_id for each in restored] == ["n-1", "reborn", "w-3", "w-4", "w-5"]
    assert restored[-1] == entry("w-5", 5, sequence=5)


def test_a_restore_keeps_states_and_happenings_apart(store: GraphStore) -> None:
    store.write(history(*(entry(f"said-{n}", n) for n in range(5, 9))))
    store.write(history(*(entry(f"state-{n}", n, stateful=True) for n in range(4))))
    assert [each.event_id for each in store.restore("0").history] == [
        *("state-2", "state-3"),
        *("said-6", "said-7", "said-8"),
    ]


def test_a_restore_gives_the_newest_changes_of_the_events_it_covers(store: GraphStore) -> None:
    made = [change("a", 1), change("b", 2), change("c", 3), change("elsewhere", 4), change("n", 0, of=node())]
    read = [entry(each.event_id, 1, partition="shared", sequence=place) for place, each in enumerate(made, start=1)]
    store.write(GraphBatch(history=tuple(read[:3] + read[4:]), changes=tuple(made)))
    store.write(history(replace(read[3], partition="0")))
    assert store.restore("shared").changes == (made[4], made[2])
    assert store.restore("shared", up_to=2).changes == (made[1],)
    assert store.restore("0").changes == (made[3],)


def test_a_restore_of_shared_stops_where_it_is_told(store: GraphStore) -> None:
    store.write(history(*(entry(f"s-{n}", n, partition="shared", sequence=n) for n in range(1, 7))))
    assert [each.sequence for each in store.restore("shared", up_to=4).history] == [2, 3, 4]
    assert [each.sequence for each in store.restore("shared").history] == [4, 5, 6]


def test_a_restore_gives_the_last_timeline_of_each_subject(store: GraphStore) -> None:
    old = timeline(0, symptoms=[symptom("done", 1, 2)], edges=[edge(node(), 1)], state=b"old")
    new = timeline(3, edges=[edge(node(), 1)], links=[link("oom", 4)], symptoms=[symptom("open", 4)], state=b"new")
    reborn = timeline(6, uid="u2", state=b"reborn")
    store.write(timelines(old, timeline(0, subject=node(), partition="1"), reborn))
    store.write(timelines(new))
    assert store.restore("0").timelines == (new, reborn)


def test_writing_what_was_restored_changes_nothing(store: GraphStore) -> None:
    store.write(
        timelines(timeline(0, symptoms=[symptom("done", 1, 2), symptom("open", 1)], edges=[edge(node(), 1, 3)]))
    )
    store.write(timelines(timeline(2, symptoms=[symptom("open", 1, 4)], edges=[edge(node(), 1, 3)])))
    before, restored = list(store.dump()), store.restore("0")
    store.write(GraphBatch(history=restored.history, timelines=restored.timelines))
    assert list(store.dump()) == before
    assert store.restore("0") == restored


def test_a_subject_that_moved_is_restored_by_its_new_partition(store: GraphStore) -> None:
    store.write(timelines(timeline(0, state=b"there")))
    store.write(timelines(timeline(0, partition="5", state=b"here")))
    assert store.restore("0").timelines == ()
    assert [each.state for each in store.restore("5").timelines] == [b"here"]


# --- The canonical dump ----------------------------------------------------------------------------------------------


def test_the_dump_is_the_same_whatever_came_first(tmp_path: Path) -> None:
    batches = [numbered_batch(writer, number) for writer in "01" for number in (1, 2)]
    hashes = set()
    for make in MAKERS.values():
        for place, order in enumerate((batches, batches[::-1])):
            folder = tmp_path / f"{place}"
            folder.mkdir(exist_ok=True)
            store = make(folder)
            for batch in order:
                store.write(batch)
            hashes.add(dump_hash(store.dump()))
            store.close()
    assert len(hashes) == 1


def test_the_dump_of_a_namespace_has_its_objects_only(store: GraphStore) -> None:
    elsewhere = pod(namespace="lab")
    store.write(
        GraphBatch(
            entities=(entity(pod(), 1), entity(elsewhere, 1), entity(node(), 1)),
            changes=(change("a", 1), change("b", 1, of=elsewhere)),
            timelines=(timeline(0, edges=[edge(node(), 1)]), timeline(0, subject=elsewhere, symptoms=[])),
        )
    )
    assert [line.split('"')[1] for line in store.dump("shop")] == ["change", "edge", "entity"]
    assert len(list(store.dump())) == 6


def _codes(store: GraphStore) -> set[str]:
    return {each.code for moment in range(10) for each in store.symptoms(at(moment))}


def test_coverage_counts_each_event_that_a_source_saw_once(store: GraphStore) -> None:
    own = [replace(entry(f"evt-{n}", n), raw_id=f"evt-{n}", source="kubeapi") for n in (1, 2, 3)]
    derived = replace(entry("evt-fact", 4), raw_id="evt-3", source="kubeapi")
    store.write(GraphBatch(history=(own[0], own[1])))
    store.write(GraphBatch(history=(own[1], own[2], derived)))
    store.write(GraphBatch(coverage=(SourceCoverage(source="kubeapi", lost=2),)))
    (seen,) = store.coverage(at(9))
    assert (seen.first, seen.last, seen.events, seen.lost) == (at(1), at(3), 3, 2)
