"""What the graph holds. `valid_from`/`valid_to` are event times: a record holds from the one until before the other."""

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import msgspec

from tapio.unified import ObjectKey


class EdgeType(StrEnum):
    """How one entity can carry trouble to another."""

    OWNS = "OWNS"
    RUNS_ON = "RUNS_ON"
    SELECTS = "SELECTS"
    MOUNTS = "MOUNTS"
    USES = "USES"
    ROUTES_TO = "ROUTES_TO"
    TALKS_TO = "TALKS_TO"


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The base of every record of the graph."""


def record_id(prefix: str, *parts: str) -> str:
    """The id of a record: a hash of what it names, so the same conclusion has one id in every run."""
    return f"{prefix}-{blake2b(chr(31).join(parts).encode(), digest_size=10).hexdigest()}"


class Entity(_Record, frozen=True, kw_only=True):
    """One object from its creation to its deletion; a name used again is another entity with another uid."""

    key: ObjectKey
    uid: str
    root: ObjectKey
    valid_from: datetime
    valid_to: datetime | None = None
    labels: dict[str, str] = {}

    def lives_at(self, at: datetime) -> bool:
        """Whether it is not deleted yet."""
        return self.valid_to is None or self.valid_to > at


class Edge(_Record, frozen=True, kw_only=True):
    """`source` stands in relation `type` to `target`, by name, as Kubernetes refers to things."""

    type: EdgeType
    source: ObjectKey
    target: ObjectKey
    valid_from: datetime
    valid_to: datetime | None = None

    @property
    def id(self) -> str:
        return record_id("edge", self.type, str(self.source), str(self.target), self.valid_from.isoformat())


class Change(_Record, frozen=True, kw_only=True):
    """A field of desired state that got another value: what, from what to what, by whom, when."""

    entity: ObjectKey
    field: str
    at: datetime
    event_id: str
    before: Any = msgspec.UNSET
    after: Any = msgspec.UNSET
    actor: str | None = None
    uid: str = ""

    @property
    def id(self) -> str:
        return record_id("change", self.event_id, self.field)


class Evidence(_Record, frozen=True, kw_only=True):
    """One observation behind a conclusion. `rule` is set where a rule concluded it, empty for a bare fact."""

    at: datetime
    event_id: str
    source: str
    entity: ObjectKey
    text: str
    rule: str = ""


class RuledOut(_Record, frozen=True, kw_only=True):
    """A code that was looked at and is not the cause, and why not."""

    code: str
    because: str


class Symptom(_Record, frozen=True, kw_only=True):
    """Something left its healthy path: `since` is the onset; `valid_from` the event that first showed it.

    `expected_by` is set where it may yet be an ordinary start: until then nothing is wrong. `examined` says what was
    looked at and found in order, so that an answer without a cause is not an empty one. `by_hearsay`: only Events speak
    of the subject, whose state was never seen.
    """

    subject: ObjectKey
    uid: str
    code: str
    since: datetime
    valid_from: datetime
    valid_to: datetime | None = None
    message: str = ""
    expected_by: datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    examined: tuple[RuledOut, ...] = ()
    by_hearsay: bool = False

    @property
    def id(self) -> str:
        return record_id("symptom", str(self.subject), self.uid, self.code, self.since.isoformat())


class Link(_Record, frozen=True, kw_only=True):
    """A rule's conclusion made durable: `blame` (and the change, where there was one) caused the subject's symptom.

    Codes `none.*` say that nothing is wrong with the subject, and blame it by name only. `through` names entities
    whose own symptoms lie deeper. `missing` names the sources that the rule would have asked and that were not there.
    """

    subject: ObjectKey
    uid: str
    symptom: str
    rule: str
    version: int
    code: str
    blame: ObjectKey
    confidence: float
    summary: str
    valid_from: datetime
    valid_to: datetime | None = None
    blame_uid: str = ""
    workload: ObjectKey | None = None
    change: Change | None = None
    attributes: dict[str, Any] = {}
    evidence: tuple[Evidence, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    through: tuple[ObjectKey, ...] = ()
    missing: tuple[str, ...] = ()
    next: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        cause = self.change.id if self.change else str(self.blame)
        return record_id("link", f"{self.rule}@{self.version}", self.code, cause, str(self.subject), self.uid)


class Gap(_Record, frozen=True, kw_only=True):
    """An interval in which a source did not see; `end` is None while it still does not."""

    start: datetime
    cause: str
    end: datetime | None = None
    lost: int = 0


class SourceCoverage(_Record, frozen=True, kw_only=True):
    """What one source saw: where it runs, from its first event to its last, and where it was blind."""

    source: str
    node: str = ""
    first: datetime | None = None
    last: datetime | None = None
    events: int = 0
    lost: int = 0
    gaps: tuple[Gap, ...] = ()
