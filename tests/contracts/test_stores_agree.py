"""The SQLite store against the reference: the same batches in the same order give the same answers to everything."""

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapio.graph import (
    Change,
    Edge,
    EdgeType,
    Entity,
    Evidence,
    Gap,
    GraphBatch,
    HistoryEntry,
    Link,
    Position,
    SourceCoverage,
    SubjectTimeline,
    Symptom,
)
from tapio.stores import GraphStore
from tapio.stores.memory import MemoryStore
from tapio.stores.port import RestoreLimits
from tapio.stores.sqlite import SqliteStore
from tapio.unified import ObjectKey
from tests.contracts.store_records import START, at, entry

# Small domains, so that records meet: on the same name, in the same instant, with the same id.
SECONDS = range(8)
KEYS = [
    ObjectKey("Pod", "shop", "web"),
    ObjectKey("Pod", "lab", "web"),
    ObjectKey("Service", "shop", "web"),
    ObjectKey("Node", "", "a"),
    ObjectKey("Rolé", "", "tapio/é:'\"%_"),
]
UIDS = ["", "u1", "u2"]
LIMITS = RestoreLimits(states=2, happenings=3, changes=2)
PARTITIONS = ["0", "1", "shared"]

MOMENTS = sorted([*(at(second) for second in SECONDS), START + timedelta(microseconds=1)])

moments = st.sampled_from(MOMENTS)
keys = st.sampled_from(KEYS)
uids = st.sampled_from(UIDS)
labels = st.dictionaries(st.sampled_from("ab"), st.text(max_size=3), max_size=2)
json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@st.composite
def spans(draw: st.DrawFn, reaching: datetime = MOMENTS[0]) -> tuple[datetime, datetime | None]:
    """A start and an end no earlier; it reaches the moment given by beginning then or later, or by lasting longer."""
    start = draw(moments)
    ends = [end for end in MOMENTS if (end >= start if start >= reaching else end > reaching)]
    return start, draw(st.sampled_from([None, *ends]))


@st.composite
def entries(draw: st.DrawFn) -> HistoryEntry:
    """What an id says is fixed by the id, as event ids are made of what they name."""
    number = draw(st.integers(0, 30))
    return entry(
        f"evt-{number}",
        number % 7,
        key=KEYS[number % 5],
        uid=UIDS[number % 3],
        order=number % 2,
        raw_id=f"evt-{number - number % 4}",
        raw_sequence=number,
        stateful=number % 5 > 2,
        partition=draw(st.sampled_from(PARTITIONS)),
        sequence=draw(st.integers(1, 40)),
    )


@st.composite
def entities(draw: st.DrawFn) -> Entity:
    start, end = draw(spans())
    return Entity(
        key=draw(keys), uid=draw(uids), root=draw(keys), valid_from=start, valid_to=end, labels=draw(labels)
    )  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> Change:
    return Change(
        entity=draw(keys),
        field=draw(st.sampled_from(["image", "replicas"])),
        uid=draw(uids),
        at=draw(moments),
        event_id=draw(st.sampled_from(["evt-1", "evt-2", "evt-3", "evt-none"])),
        before=draw(json_values),
        after=draw(json_values),
    )


@st.composite
def timelines(draw: st.DrawFn) -> SubjectTimeline:
    subject, uid, since = draw(keys), draw(uids), draw(moments)
    held = spans(since)
    return SubjectTimeline(
        partition=draw(st.sampled_from(PARTITIONS)),
        subject=subject,
        uid=uid,
        since=since,
        edges=tuple(_edge(draw, span) for span in draw(st.lists(held, max_size=3))),
        symptoms=tuple(
            _symptom(subject, uid, f"code-{place}", span) for place, span in enumerate(draw(st.lists(held, max_size=3)))
        ),
        links=tuple(
            _link(draw, subject, uid, f"code-{place}", span)
            for place, span in enumerate(draw(st.lists(held, max_size=2)))
        ),
        state=draw(st.binary(max_size=4)),
    )


def _edge(draw: st.DrawFn, span: tuple[datetime, datetime | None]) -> Edge:
    type_ = draw(st.sampled_from([EdgeType.OWNS, EdgeType.RUNS_ON]))
    return Edge(type=type_, source=draw(keys), target=draw(keys), valid_from=span[0], valid_to=span[1])


def _symptom(subject: ObjectKey, uid: str, code: str, span: tuple[datetime, datetime | None]) -> Symptom:
    seen = Evidence(at=span[0], event_id="evt-1", source="kubeapi", entity=subject, text="it fell over")
    return Symptom(
        subject=subject, uid=uid, code=code, since=span[0], valid_from=span[0], valid_to=span[1], evidence=(seen,)
    )  # fmt: skip


def _link(draw: st.DrawFn, subject: ObjectKey, uid: str, code: str, span: tuple[datetime, datetime | None]) -> Link:
    return Link(
        subject=subject,
        uid=uid,
        symptom="symptom-1",
        rule=code,
        version=1,
        code=code,
        blame=draw(keys),
        confidence=0.5,
        summary="because",
        valid_from=span[0],
        valid_to=span[1],
        change=draw(st.none() | changes()),
        attributes={"value": draw(json_values)},
    )


@st.composite
def coverages(draw: st.DrawFn) -> SourceCoverage:
    span = draw(st.none() | spans())
    gap_spans = draw(st.lists(spans(), max_size=2))
    return SourceCoverage(
        source=draw(st.sampled_from(["kubeapi", "ebpf"])),
        node=draw(st.sampled_from(["", "a"])),
        first=span and span[0],
        last=span and (span[1] or span[0]),
        events=draw(st.integers(0, 9)),
        gaps=tuple(Gap(start=start, end=end, cause="watch_expired") for start, end in gap_spans),
    )


positions = st.builds(
    Position,
    reader=st.sampled_from(["partition/0", "partition/1"]),
    stream=st.sampled_from(["UNIFIED-0", "UNIFIED-shared"]),
    sequence=st.integers(0, 9),
)
batches = st.builds(
    GraphBatch,
    history=st.lists(entries(), max_size=8).map(tuple),
    entities=st.lists(entities(), max_size=4).map(tuple),
    changes=st.lists(changes(), max_size=3).map(tuple),
    timelines=st.lists(timelines(), max_size=4).map(tuple),
    coverage=st.lists(coverages(), max_size=2).map(tuple),
    positions=st.lists(positions, max_size=2).map(tuple),
)


# The same examples in each run, whatever the machine's speed; HYPOTHESIS_EXAMPLES=5000 looks for new ones.
_WANTED = int(os.environ.get("HYPOTHESIS_EXAMPLES", "0"))
EXAMPLES = settings(
    max_examples=_WANTED or 100,
    derandomize=not _WANTED,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@given(written=st.lists(batches, min_size=1, max_size=5), repeated=st.booleans())
@EXAMPLES
def test_both_stores_answer_alike(written: list[GraphBatch], *, repeated: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        memory = MemoryStore(limits=LIMITS)
        sqlite = SqliteStore(Path(folder) / "graph.db", limits=LIMITS)
        for batch in written:
            memory.write(batch)
            for _ in range(1 + repeated):
                sqlite.write(batch)
        assert _answers(sqlite) == _answers(memory)
        sqlite.close()


@given(written=st.lists(batches, min_size=2, max_size=4), before=moments)
@EXAMPLES
def test_both_stores_let_go_of_the_same(written: list[GraphBatch], before: datetime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        memory = MemoryStore(limits=LIMITS)
        sqlite = SqliteStore(Path(folder) / "graph.db", limits=LIMITS)
        for batch in written:
            memory.write(batch)
            sqlite.write(batch)
            assert sqlite.prune(before) == memory.prune(before)
            assert _answers(sqlite) == _answers(memory)
        assert sqlite.prune(before) == memory.prune(before) == 0
        sqlite.close()


def _answers(store: GraphStore) -> list[object]:
    return [list(part) for part in (_as_of_each_moment(store), _histories(store), _restored(store), store.dump())]


def _as_of_each_moment(store: GraphStore) -> Iterator[object]:
    for second in SECONDS:
        now = at(second)
        yield store.newest(), list(store.entities(now)), list(store.symptoms(now)), list(store.coverage(now))
        yield [list(store.entities(now, uid=uid, name="web")) for uid in UIDS]
        for key in KEYS:
            yield list(store.entities(now, kind=key.kind, namespace=key.namespace, name=key.name))
            yield list(store.edges(key, now)), list(store.links(key, now))
            yield list(store.symptoms(now, key)), list(store.past_symptoms(key, now))


def _histories(store: GraphStore) -> Iterator[object]:
    for key in KEYS:
        yield list(store.events(key, at(2), at(5))), list(store.changes(at(1), at(6), entity=key))
    for namespace in ("", "shop", "lab"):
        yield list(store.changes(at(0), at(7), namespace=namespace))
    for number in range(31):
        yield store.event(f"evt-{number}"), store.raw_sequence(f"evt-{number}")


def _restored(store: GraphStore) -> Iterator[object]:
    for partition in PARTITIONS:
        yield store.restore(partition), store.restore(partition, up_to=20)
    for reader in ("partition/0", "partition/1"):
        yield list(store.positions(reader))
