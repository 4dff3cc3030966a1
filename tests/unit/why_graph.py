"""Graphs for the tests of `why`, said in a few words and kept in the real in-memory store."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

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
    RuledOut,
    SourceCoverage,
    SubjectTimeline,
    Symptom,
)
from tapio.stores.memory import MemoryStore
from tapio.unified import ObjectKey, UnifiedEvent, encode
from tapio.unified.event import EntityName, EventType, K8sContext, Severity, TraceContext
from tapio.why import Explanation, Question, explain

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)


def t(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def key(text: str) -> ObjectKey:
    """`Pod/shop/web-0`; a kind without a namespace is written `Node//n1`."""
    return ObjectKey.parse(text)


def seen(text: str, at: float, source: str = "kubeapi", of: str = "Pod/shop/web-0", event: str = "") -> Evidence:
    return Evidence(at=t(at), event_id=event or f"evt-{source}-{at:g}", source=source, entity=key(of), text=text)


class World:
    """Records in the making; `store` writes them, in this or a shuffled order. Everything begins at noon."""

    def __init__(self) -> None:
        self.entities: list[Entity] = []
        self.edges: list[Edge] = []
        self.symptoms: list[Symptom] = []
        self.links: list[Link] = []
        self.changes: list[Change] = []
        self.sources: list[SourceCoverage] = []
        self.events: list[HistoryEntry] = []

    def has(self, name: str, *, uid: str = "", root: str = "", since: float = 0, until: float | None = None) -> "World":
        self.entities.append(
            Entity(
                key=key(name),
                uid=uid or f"uid-{key(name).name}",
                root=key(root or name),
                valid_from=t(since),
                valid_to=None if until is None else t(until),
            )
        )
        return self

    def edge(
        self, type_: EdgeType, source: str, *targets: str, since: float = 0, until: float | None = None
    ) -> "World":
        for target in targets:
            end = None if until is None else t(until)
            self.edges.append(
                Edge(type=type_, source=key(source), target=key(target), valid_from=t(since), valid_to=end)
            )
        return self

    def owns(self, owner: str, *owned: str) -> "World":
        return self.edge(EdgeType.OWNS, owner, *owned)

    def deployment(self, name: str, *pods: str, namespace: str = "shop") -> "World":
        """A Deployment with one ReplicaSet and these pods."""
        top, middle = f"Deployment/{namespace}/{name}", f"ReplicaSet/{namespace}/{name}-rs"
        self.has(top).has(middle, root=top).owns(top, middle)
        for pod in pods:
            self.has(f"Pod/{namespace}/{pod}", root=top).owns(middle, f"Pod/{namespace}/{pod}")
        return self

    def shows(
        self, subject: str, code: str, since: float = 1, *, expected_by: float | None = None, **kw: Any
    ) -> "World":
        self.symptoms.append(
            Symptom(
                subject=key(subject),
                uid=kw.pop("uid", f"uid-{key(subject).name}"),
                code=code,
                since=t(since),
                valid_from=t(since),
                valid_to=t(kw.pop("until")) if "until" in kw else None,
                expected_by=None if expected_by is None else t(expected_by),
                **{"message": f"{code} it says", "evidence": (seen(code, since, of=subject),), **kw},
            )
        )
        return self

    def says(self, subject: str, code: str, blame: str = "", confidence: float = 0.9, **kw: Any) -> "World":
        """A rule's conclusion. `through` is given as texts, `since` and `until` in minutes."""
        since, until = kw.pop("since", 1), kw.pop("until", None)
        defaults: dict[str, Any] = {
            "uid": f"uid-{key(subject).name}",
            "symptom": "",
            "rule": code,
            "version": 1,
            "summary": f"{code} of {blame or subject}",
            "evidence": (seen(f"evidence of {code}", since, of=subject, event=f"evt-{code}-{subject}"),),
        }
        kw["through"] = tuple(key(text) for text in kw.get("through", ()))
        kw["ruled_out"] = tuple(RuledOut(code=each, because="not so") for each in kw.get("ruled_out", ()))
        self.links.append(
            Link(
                subject=key(subject),
                code=code,
                blame=key(blame or subject),
                confidence=confidence,
                valid_from=t(since),
                valid_to=None if until is None else t(until),
                **{**defaults, **kw},
            )
        )
        return self

    def changed(self, entity: str, field: str, at: float, **kw: Any) -> Change:
        change = Change(
            entity=key(entity), field=field, at=t(at), **{"event_id": f"evt-change-{entity}-{at:g}", **kw}
        )  # fmt: skip
        self.changes.append(change)
        return change

    def source(
        self, name: str, *gaps: tuple[float, float | None], node: str = "", lost: int = 0, cause: str = "reconnect"
    ) -> "World":
        parts = tuple(Gap(start=t(a), end=None if b is None else t(b), cause=cause) for a, b in gaps)
        self.sources.append(SourceCoverage(source=name, node=node, first=t(0), last=t(60), gaps=parts, lost=lost))
        return self

    def heard(self, subject: str, message: str, at: float) -> "World":
        about = key(subject)
        event = UnifiedEvent(
            id=f"evt-{about.name}-{at:g}",
            timestamp=t(at),
            type=EventType.LIFECYCLE,
            source="kubeapi",
            severity=Severity.INFO,
            trace_context=TraceContext(),
            k8s_context=K8sContext(
                name=about.name, namespace=about.namespace, kind=about.kind, uid="", labels={}, owner_references=()
            ),
            entity=EntityName(about.kind.lower(), about.name, about.namespace),
            message=message,
        )
        number = len(self.events) + 1
        self.events.append(
            HistoryEntry(
                partition="0",
                sequence=number,
                key=about,
                uid="",
                at=event.timestamp,
                order=0,
                event_id=event.id,
                raw_id="",
                document=encode(event),
            )
        )
        return self

    def store(self, shuffle: int | None = None) -> MemoryStore:
        self.heard("Node//clock", "the newest event", 10)
        batch = GraphBatch(
            history=self._mixed(self.events, shuffle),
            entities=self._mixed(self.entities, shuffle),
            changes=self._mixed(self.changes, shuffle),
            timelines=self._mixed(self._timelines(shuffle), shuffle),
            coverage=self._mixed(self.sources, shuffle),
        )
        store = MemoryStore()
        store.write(batch)
        return store

    def _timelines(self, shuffle: int | None) -> list[SubjectTimeline]:
        subjects: defaultdict[tuple[ObjectKey, str], None] = defaultdict(lambda: None)
        for symptom in self.symptoms:
            subjects[symptom.subject, symptom.uid]
        for link in self.links:
            subjects[link.subject, link.uid]
        for edge in self.edges:
            subjects[edge.source, ""]
        return [
            SubjectTimeline(
                partition="0",
                subject=subject,
                uid=uid,
                since=NOON,
                edges=self._mixed((e for e in self.edges if (e.source, "") == (subject, uid)), shuffle),
                symptoms=self._mixed((s for s in self.symptoms if (s.subject, s.uid) == (subject, uid)), shuffle),
                links=self._mixed((one for one in self.links if (one.subject, one.uid) == (subject, uid)), shuffle),
            )
            for subject, uid in subjects
        ]

    @staticmethod
    def _mixed(records: Iterable[Any], shuffle: int | None) -> tuple[Any, ...]:
        found = list(records)
        if shuffle is not None:
            random.Random(shuffle).shuffle(found)
        return tuple(found)

    def why(self, target: str = "", at: float = 10, **question: Any) -> Explanation:
        return explain(Question(target=target, at=t(at), **question), self.store())


def codes(explanation: Explanation) -> list[str]:
    return [cause.code for cause in explanation.causes]
