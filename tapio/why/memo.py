"""A graph read once per question: one answer asks for the same links and edges again and again."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import TypeVar

from tapio.graph import Change, Edge, Entity, GraphReader, Link, SourceCoverage, Symptom
from tapio.unified import ObjectKey, UnifiedEvent

Read = TypeVar("Read")


class ReadOnce:
    """Another reader, asked each thing once. Lives as long as one question: what is written meanwhile is not seen."""

    def __init__(self, graph: GraphReader) -> None:
        self._graph = graph
        self._answers: dict[Hashable, object] = {}

    def _once(self, asked: Hashable, read: Callable[[], Read]) -> Read:
        if asked not in self._answers:
            self._answers[asked] = read()
        return self._answers[asked]  # type: ignore[return-value]  # the key holds the method, so the type is its own

    def newest(self) -> datetime | None:
        return self._once("newest", self._graph.newest)

    def entities(
        self, at: datetime, *, kind: str = "", namespace: str = "", name: str = "", uid: str = ""
    ) -> Sequence[Entity]:
        return self._once(
            ("entities", at, kind, namespace, name, uid),
            lambda: self._graph.entities(at, kind=kind, namespace=namespace, name=name, uid=uid),
        )

    def edges(self, key: ObjectKey, at: datetime) -> Sequence[Edge]:
        return self._once(("edges", key, at), lambda: self._graph.edges(key, at))

    def symptoms(self, at: datetime, subject: ObjectKey | None = None) -> Sequence[Symptom]:
        return self._once(("symptoms", at, subject), lambda: self._graph.symptoms(at, subject))

    def past_symptoms(self, subject: ObjectKey, at: datetime) -> Sequence[Symptom]:
        return self._once(("past_symptoms", subject, at), lambda: self._graph.past_symptoms(subject, at))

    def links(self, subject: ObjectKey, at: datetime) -> Sequence[Link]:
        return self._once(("links", subject, at), lambda: self._graph.links(subject, at))

    def changes(
        self, since: datetime, until: datetime, *, entity: ObjectKey | None = None, namespace: str = ""
    ) -> Sequence[Change]:
        return self._graph.changes(since, until, entity=entity, namespace=namespace)

    def events(self, key: ObjectKey, since: datetime, until: datetime) -> Sequence[UnifiedEvent]:
        return self._graph.events(key, since, until)

    def event(self, event_id: str) -> UnifiedEvent | None:
        return self._graph.event(event_id)

    def coverage(self, at: datetime) -> Sequence[SourceCoverage]:
        return self._once(("coverage", at), lambda: self._graph.coverage(at))
