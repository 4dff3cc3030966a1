"""The answer as a document: the records of the JSON that every surface shows, its exit code and its schema."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Literal, assert_never

import msgspec

from tapio.errors import Exit
from tapio.graph.symptoms import SymptomCode
from tapio.unified import ObjectKey

_ID_BYTES = 5  # short enough to type; it names one answer among those a person looks at, not among all there are


class Status(StrEnum):
    """What kind of answer it is."""

    EXPLAINED = "explained"
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    INCOMPLETE = "incomplete"


class _Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part whose every field is always written."""


class Ref(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An entity; `uid` and `apiVersion` where they are known."""

    kind: str
    namespace: str
    name: str
    uid: str = ""
    api_version: str = msgspec.field(default="", name="apiVersion")

    @property
    def key(self) -> ObjectKey:
        return ObjectKey(self.kind, self.namespace, self.name)


class SymptomPart(_Part, frozen=True, kw_only=True):
    code: SymptomCode
    since: datetime
    message: str


class ChangePart(_Part, frozen=True, kw_only=True):
    """`before` and `after` are JSON values: null is absent, left out is not known.

    `entity` is what was changed, where that is not what is to blame.
    """

    field: str
    before: Any = msgspec.UNSET
    after: Any = msgspec.UNSET
    actor: str | None
    at: datetime
    entity: Ref | msgspec.UnsetType = msgspec.UNSET


class Step(_Part, frozen=True, kw_only=True):
    """One step of a chain; `rule` is null for a bare fact."""

    at: datetime
    event_id: str
    source: str
    entity: Ref
    text: str
    rule: str | None


class Cause(_Part, frozen=True, kw_only=True):
    rank: int
    code: str
    confidence: float
    attributes: dict[str, Any]
    entity: Ref
    workload: Ref | None
    change: ChangePart | None
    summary: str
    chain: tuple[Step, ...]


class Examined(_Part, frozen=True, kw_only=True):
    """A code that was looked at, and why it is not the cause."""

    code: str
    because: str


class Coincidence(_Part, frozen=True, kw_only=True):
    """Near in time, with no mechanism to the symptom."""

    at: datetime
    entity: Ref
    text: str


class ServiceImpact(_Part, frozen=True, kw_only=True):
    namespace: str
    name: str
    ready: int
    total: int


class Impact(_Part, frozen=True, kw_only=True):
    """What else is hit: how many pods, and who stands before them."""

    pods: int
    services: tuple[ServiceImpact, ...]
    ingresses: tuple[Ref, ...]
    callers: tuple[Ref, ...]


class GapPart(_Part, frozen=True, kw_only=True):
    """An interval in which a source did not see; `to` is null while it still does not."""

    start: datetime = msgspec.field(name="from")
    to: datetime | None
    cause: str


class SourcePart(_Part, frozen=True, kw_only=True):
    source: str
    node: str
    gaps: tuple[GapPart, ...]
    lost: int


class Coverage(_Part, frozen=True, kw_only=True):
    """What could be seen. `live` is the running system's own state, and the one part that the same data may change."""

    complete: bool
    sources: tuple[SourcePart, ...]
    live: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class Explanation(_Part, frozen=True, kw_only=True):
    """The whole answer. `looked_at` is there when no cause is."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["Explanation"] = "Explanation"
    id: str
    at: datetime
    question: str
    subject: Ref
    status: Status
    symptom: SymptomPart | None
    causes: tuple[Cause, ...]
    looked_at: tuple[Examined, ...] | msgspec.UnsetType = msgspec.UNSET
    ruled_out: tuple[Examined, ...]
    coincident: tuple[Coincidence, ...]
    impact: Impact
    coverage: Coverage
    next: tuple[str, ...]


def explanation_id(subject: Ref, at: datetime, question: str, status: Status, causes: Iterable[str]) -> str:
    """The id of an answer: a hash of what was asked about what, of when, and of what was answered."""
    parts = (subject.kind, subject.namespace, subject.name, subject.uid, at.isoformat(), question, status, *causes)
    return "x" + blake2b(chr(31).join(parts).encode(), digest_size=_ID_BYTES).hexdigest()


def exit_code(explanation: Explanation) -> Exit:
    """The exit code of one answer."""
    match explanation.status:
        case Status.HEALTHY:
            return Exit.DONE
        case Status.EXPLAINED:
            return Exit.EXPLAINED
        case Status.UNKNOWN:
            return Exit.UNKNOWN
        case Status.INCOMPLETE:
            return Exit.INCOMPLETE
        case _:
            assert_never(explanation.status)


def exit_code_of_each(explanations: Sequence[Explanation]) -> Exit:
    """The exit code of a list, worst first: the worst one's; of an empty list, that nothing is wrong."""
    return exit_code(explanations[0]) if explanations else Exit.DONE


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Explanation)


def encode(explanation: Explanation | Sequence[Explanation]) -> bytes:
    """The answer, or a list of them, as one JSON document: the same answer gives the same bytes."""
    return _encoder.encode(explanation)


def decode(document: bytes | str) -> Explanation:
    """Reads one answer, as a server sends it.

    Raises:
        msgspec.DecodeError: it is no such document.
    """
    return _decoder.decode(document)


def schema(codes: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON Schema of the document; `codes` closes the list of causes (the rules know it, this package does not)."""
    document = msgspec.json.schema(Explanation)
    known = sorted(codes)
    if known:
        document["$defs"]["Cause"]["properties"]["code"] = {"enum": known}
    return document
