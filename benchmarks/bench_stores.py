"""The graph store: how fast it takes events, and how long a question takes that `why` would ask.

    python -m benchmarks.bench_stores [--events 40000] [--objects 50000] [--memory]

Events are of about 1 kB and spread over all objects. A question is what `why` reads about one pod: the entity, its
edges and its node's, symptoms, links, changes and events of it and of its owner.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tapio.graph import Change, Edge, EdgeType, Entity, GraphBatch, HistoryEntry, Link, SubjectTimeline, Symptom
from tapio.stores import GraphStore
from tapio.stores.memory import MemoryStore
from tapio.stores.sqlite import SqliteStore
from tapio.unified import (
    EntityName,
    EventType,
    K8sContext,
    ObjectKey,
    Severity,
    TraceContext,
    UnifiedEvent,
    encode,
    partition_of,
)

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
BATCH = 500
QUESTIONS = 300
PODS_PER_NODE = 30
PODS_PER_OWNER = 3
_FILLER = "Back-off restarting failed container app in pod; " * 12  # with the fixed fields, about 1 kB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=40_000, help="events written one way and the other")
    parser.add_argument("--objects", type=int, default=50_000, help="pods and owners in the graph")
    parser.add_argument("--memory", action="store_true", help="the in-memory store instead of SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.db"
        store: GraphStore = MemoryStore() if options.memory else SqliteStore(path)
        run(store, options.objects, options.events)
        store.close()
        if path.exists():
            print(f"file                 {path.stat().st_size / 2**20:8.0f} MiB")


def run(store: GraphStore, objects: int, events: int) -> None:
    """Fills the store and asks; prints as it goes."""
    half = events // 2
    objects_s = _timed(lambda: _write(store, object_batches(objects)))
    print(f"objects              {objects / objects_s:8.0f} /s   ({objects} entities with edges and a state)")
    history_s = _timed(lambda: _write(store, event_batches(objects, 0, half, with_timelines=False)))
    print(f"events, alone        {half / history_s:8.0f} /s   (batches of {BATCH})")
    timelines_s = _timed(lambda: _write(store, event_batches(objects, half, events, with_timelines=True)))
    print(f"events, timelines    {(events - half) / timelines_s:8.0f} /s   (one timeline with a link for each event)")
    spent = sorted(_timed(lambda pod=pod: ask(store, pod)) for pod in _asked(objects))  # type: ignore[misc]  # bound
    p99 = spent[int(len(spent) * 0.99)] * 1e3
    print(f"question             {statistics.median(spent) * 1e3:8.2f} ms median, {p99:.2f} ms p99, of {len(spent)}")
    everywhere = _timed(lambda: store.symptoms(at(10 * events)))
    print(f"all symptoms         {everywhere * 1e3:8.2f} ms")
    print(f"restore              {_timed(lambda: store.restore('0')):8.2f} s, one partition of eight")


def ask(store: GraphStore, number: int) -> None:
    """One question about one pod, as of the end."""
    now = store.newest() or START
    key, owner, node = pod(number), owner_of(number), node_of(number)
    store.entities(now, kind=key.kind, namespace=key.namespace, name=key.name)
    for one in (key, owner, node):
        store.edges(one, now)
        store.symptoms(now, one)
        store.past_symptoms(one, now)
        store.links(one, now)
        store.changes(START, now, entity=one)
    store.events(key, START, now)
    store.changes(now - timedelta(seconds=10), now, namespace=key.namespace)
    store.coverage(now)


def object_batches(objects: int) -> Iterator[GraphBatch]:
    """Every pod once, with its owner, its node and a timeline."""
    for first in range(0, objects, BATCH):
        numbers = range(first, min(first + BATCH, objects))
        yield GraphBatch(
            entities=tuple(
                Entity(key=pod(n), uid=f"uid-{n}", root=owner_of(n), valid_from=START, labels={"app": f"app-{n // 3}"})
                for n in numbers
            ),
            timelines=tuple(timeline(n, START) for n in numbers),
        )


def event_batches(objects: int, first: int, last: int, *, with_timelines: bool) -> Iterator[GraphBatch]:
    """Events in the order of their numbers, spread over the objects by a stride that meets them all."""
    for start in range(first, last, BATCH):
        numbers = range(start, min(start + BATCH, last))
        pods = [(7919 * n) % objects for n in numbers]
        yield GraphBatch(
            history=tuple(entry(n, of) for n, of in zip(numbers, pods, strict=True)),
            changes=tuple(change(n, of) for n, of in zip(numbers, pods, strict=True) if n % 20 == 0),
            timelines=tuple(timeline(of, at(n), failing=True) for n, of in zip(numbers, pods, strict=True))
            if with_timelines
            else (),
        )


def entry(number: int, of: int) -> HistoryEntry:
    key, uid = pod(of), f"uid-{of}"
    event = UnifiedEvent(
        id=f"evt-{hash((number, 1)) & (2**80 - 1):020x}",
        timestamp=at(number),
        type=EventType.LIFECYCLE,
        source="kubeapi",
        severity=Severity.WARNING,
        trace_context=TraceContext(),
        k8s_context=K8sContext(
            name=key.name, namespace=key.namespace, kind=key.kind, uid=uid, labels={}, owner_references=()
        ),
        entity=EntityName("pod", key.name, key.namespace),
        message=_FILLER,
    )
    return HistoryEntry(
        partition=str(partition_of(str(owner_of(of)))), sequence=number, key=key, uid=uid, at=event.timestamp,
        order=number,
        event_id=event.id, raw_id=event.id, document=encode(event), raw_sequence=number,
    )  # fmt: skip


def change(number: int, of: int) -> Change:
    field = "spec.template.spec.containers[app].image"
    return Change(
        entity=owner_of(of), field=field, at=at(number), event_id=f"evt-{number}", before="app:1", after="a:2"
    )


def timeline(number: int, since: datetime, *, failing: bool = False) -> SubjectTimeline:
    key, uid = pod(number), f"uid-{number}"
    links = (
        Link(
            subject=key, uid=uid, symptom="symptom-1", rule="runtime.oom_killed", version=1, code="runtime.oom_killed",
            blame=owner_of(number), confidence=0.95, summary="the container ran out of its own limit", valid_from=since,
        ),
    )  # fmt: skip
    symptoms = (Symptom(subject=key, uid=uid, code="crash_looping", since=since, valid_from=since),)
    return SubjectTimeline(
        partition=str(partition_of(str(owner_of(number)))),
        subject=key,
        uid=uid,
        since=since,
        edges=(
            Edge(type=EdgeType.OWNS, source=owner_of(number), target=key, valid_from=START),
            Edge(type=EdgeType.RUNS_ON, source=key, target=node_of(number), valid_from=START),
        ),
        symptoms=symptoms if failing else (),
        links=links if failing else (),
        state=b"{}",
    )


def pod(number: int) -> ObjectKey:
    return ObjectKey("Pod", f"team-{number % 50}", f"app-{number // PODS_PER_OWNER}-7d8f9c-{number:05x}")


def owner_of(number: int) -> ObjectKey:
    return ObjectKey("Deployment", f"team-{number % 50}", f"app-{number // PODS_PER_OWNER}")


def node_of(number: int) -> ObjectKey:
    return ObjectKey("Node", "", f"node-{number // PODS_PER_NODE}")


def at(number: int) -> datetime:
    return START + timedelta(milliseconds=20 * number)


def _asked(objects: int) -> range:
    return range(0, objects, max(1, objects // QUESTIONS))


def _write(store: GraphStore, batches: Iterator[GraphBatch]) -> None:
    for batch in batches:
        store.write(batch)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
