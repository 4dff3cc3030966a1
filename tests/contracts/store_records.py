"""Records for the store suites, and the processes that write them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tapio.graph import (
    Change,
    Edge,
    EdgeType,
    Entity,
    GraphBatch,
    HistoryEntry,
    Link,
    Position,
    SubjectTimeline,
    Symptom,
)
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
)

START = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
PER_BATCH = 20


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def pod(name: str = "web-1", namespace: str = "shop") -> ObjectKey:
    return ObjectKey("Pod", namespace, name)


def node(name: str = "node-a") -> ObjectKey:
    return ObjectKey("Node", "", name)


def event(event_id: str, seconds: float, key: ObjectKey, *, uid: str = "u1", order: int = 0) -> UnifiedEvent:
    return UnifiedEvent(
        id=event_id,
        timestamp=at(seconds),
        type=EventType.LIFECYCLE,
        source="kubeapi",
        severity=Severity.INFO,
        trace_context=TraceContext(),
        k8s_context=K8sContext(
            name=key.name, namespace=key.namespace, kind=key.kind, uid=uid, labels={}, owner_references=()
        ),
        entity=EntityName(key.kind.lower(), key.name, key.namespace),
        order=order,
    )


def entry(
    event_id: str,
    seconds: float,
    *,
    key: ObjectKey | None = None,
    uid: str = "u1",
    order: int = 0,
    partition: str = "0",
    sequence: int = 1,
    raw_id: str = "",
    raw_sequence: int = 0,
    stateful: bool = False,
) -> HistoryEntry:
    key = key or pod()
    return HistoryEntry(
        partition=partition,
        sequence=sequence,
        key=key,
        uid=uid,
        at=at(seconds),
        order=order,
        event_id=event_id,
        raw_id=raw_id or event_id,
        raw_sequence=raw_sequence,
        stateful=stateful,
        document=encode(event(event_id, seconds, key, uid=uid, order=order)),
    )


def entity(
    key: ObjectKey, start: float, end: float | None = None, *, uid: str = "u1", labels: dict[str, str] | None = None
) -> Entity:
    return Entity(key=key, uid=uid, root=key, valid_from=at(start), valid_to=_end(end), labels=labels or {})


def edge(target: ObjectKey, start: float, end: float | None = None, *, source: ObjectKey | None = None) -> Edge:
    return Edge(
        type=EdgeType.RUNS_ON, source=source or pod(), target=target, valid_from=at(start), valid_to=_end(end)
    )  # fmt: skip


def symptom(code: str, start: float, end: float | None = None, *, subject: ObjectKey | None = None) -> Symptom:
    return Symptom(
        subject=subject or pod(), uid="u1", code=code, since=at(start), valid_from=at(start), valid_to=_end(end)
    )  # fmt: skip


def link(code: str, start: float, end: float | None = None, *, subject: ObjectKey | None = None) -> Link:
    return Link(
        subject=subject or pod(),
        uid="u1",
        symptom="symptom-1",
        rule=code,
        version=1,
        code=code,
        blame=node(),
        confidence=0.9,
        summary="it ran out of memory",
        valid_from=at(start),
        valid_to=_end(end),
        change=change("evt-cause", start),
        attributes={"limit_bytes": 2**70, "containers": ["app"]},
    )


def change(event_id: str, seconds: float, *, of: ObjectKey | None = None, field: str = "spec.replicas") -> Change:
    return Change(entity=of or pod(), field=field, at=at(seconds), event_id=event_id, before=None, after=3)


def timeline(
    since: float,
    *,
    subject: ObjectKey | None = None,
    uid: str = "u1",
    partition: str = "0",
    edges: Sequence[Edge] = (),
    symptoms: Sequence[Symptom] = (),
    links: Sequence[Link] = (),
    state: bytes = b"",
) -> SubjectTimeline:
    return SubjectTimeline(
        partition=partition,
        subject=subject or pod(),
        uid=uid,
        since=at(since),
        edges=tuple(edges),
        symptoms=tuple(symptoms),
        links=tuple(links),
        state=state,
    )


def history(*entries: HistoryEntry) -> GraphBatch:
    return GraphBatch(history=entries)


def timelines(*each: SubjectTimeline) -> GraphBatch:
    return GraphBatch(timelines=each)


def numbered_batch(writer: str, number: int) -> GraphBatch:
    """A batch of which one can tell whether all of it is there: PER_BATCH of everything, and a position."""
    keys = [pod(f"{writer}-{number}-{place}") for place in range(PER_BATCH)]
    return GraphBatch(
        history=tuple(
            entry(f"evt-{key.name}", number, key=key, partition=writer, sequence=number * PER_BATCH + place)
            for place, key in enumerate(keys)
        ),
        entities=tuple(entity(key, number) for key in keys),
        timelines=tuple(
            timeline(number, subject=key, partition=writer, edges=[edge(node(), number, source=key)]) for key in keys
        ),
        positions=(Position(reader=writer, stream="UNIFIED-0", sequence=number),),
    )


def write_numbered(path: Path, writer: str, batches: int) -> None:
    """Writes `batches` numbered batches, saying each number once it is stored. Runs in a process of its own."""
    store = SqliteStore(path)
    for number in range(1, batches + 1):
        store.write(numbered_batch(writer, number))
        print(number, flush=True)
    store.close()


def _end(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)
