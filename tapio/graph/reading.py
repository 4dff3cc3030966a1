"""The port through which `why` and the API read the graph, always as of some moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tapio.graph.records import Change, Edge, Entity, Link, SourceCoverage, Symptom
from tapio.unified import ObjectKey, UnifiedEvent


class GraphReader(Protocol):
    """The graph as it was at a moment: a record holds at `at` when `valid_from <= at` and not yet `valid_to <= at`."""

    def newest(self) -> datetime | None:
        """The time of the newest event stored, or None for an empty graph."""

    def entities(
        self, at: datetime, *, kind: str = "", namespace: str = "", name: str = "", uid: str = ""
    ) -> Sequence[Entity]:
        """Entities created by `at`, deleted ones included (their `valid_to` says when); newest first.

        Each filter left empty matches everything.
        """

    def edges(self, key: ObjectKey, at: datetime) -> Sequence[Edge]:
        """The edges that touch `key` at `at`, from either end."""

    def symptoms(self, at: datetime, subject: ObjectKey | None = None) -> Sequence[Symptom]:
        """The symptoms that hold at `at`: one subject's, or everybody's; oldest onset first."""

    def past_symptoms(self, subject: ObjectKey, at: datetime) -> Sequence[Symptom]:
        """The subject's symptoms that were over by `at`, newest first."""

    def links(self, subject: ObjectKey, at: datetime) -> Sequence[Link]:
        """The links to the subject that hold at `at`."""

    def changes(
        self, since: datetime, until: datetime, *, entity: ObjectKey | None = None, namespace: str = ""
    ) -> Sequence[Change]:
        """Changes with `since <= at <= until`, oldest first. Each filter left empty matches everything, so one
        namespace's changes leave out those of cluster-wide objects.
        """

    def events(self, key: ObjectKey, since: datetime, until: datetime) -> Sequence[UnifiedEvent]:
        """What happened to `key` in `since <= timestamp <= until`, in the one order of events."""

    def event(self, event_id: str) -> UnifiedEvent | None:
        """One event by its id or by its raw event's id (the first in order, where a raw event made several)."""

    def coverage(self, at: datetime) -> Sequence[SourceCoverage]:
        """What each source saw until `at`."""
