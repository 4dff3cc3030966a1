"""The things worth telling, named by what happened. One value stands for one batch of work, never for one event.

Fields that are words name where it happened (they label metrics), whole numbers are counts, and numbers with a
fraction are seconds. `error` and `detail` are for the log alone.
"""

import logging
from typing import ClassVar

import msgspec


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all: `level` is the log level it is told at."""

    level: ClassVar[int] = logging.INFO


class StageStarted(Happening, frozen=True, kw_only=True):
    stage: str
    detail: str = ""


class StageStopped(Happening, frozen=True, kw_only=True):
    stage: str


class StageFailed(Happening, frozen=True, kw_only=True):
    """A stage ended by an error that waiting does not mend; whoever runs it starts it again."""

    level: ClassVar[int] = logging.ERROR
    stage: str
    error: str


class VerdictsFailed(Happening, frozen=True, kw_only=True):
    """Rules failed on some subjects: their verdicts before stand, their events are kept. A defect to report."""

    level: ClassVar[int] = logging.ERROR
    stage: str
    subjects: int
    error: str


class Paused(Happening, frozen=True, kw_only=True):
    """A stage waits for something that is away; nothing is lost."""

    level: ClassVar[int] = logging.WARNING
    stage: str
    delay_s: float
    error: str


class Collected(Happening, frozen=True, kw_only=True):
    """A collector's events are durable in RAW."""

    source: str
    events: int
    bytes: int
    took_s: float


class Troubled(Happening, frozen=True, kw_only=True):
    """A source got over something by itself, so many times since this was last told; `error` is the last one."""

    level: ClassVar[int] = logging.WARNING
    source: str
    what: str
    times: int
    error: str


class LossDeclared(Happening, frozen=True, kw_only=True):
    """Events of a source that could not be kept, and that a loss record stands for."""

    level: ClassVar[int] = logging.WARNING
    source: str
    cause: str
    lost: int
    detail: str = ""


class Transformed(Happening, frozen=True, kw_only=True):
    """Raw events are durable as unified ones."""

    stage: str
    raw: int
    unified: int
    took_s: float


class DeadLettered(Happening, frozen=True, kw_only=True):
    """Messages that fail for good were put aside, with the first one's error."""

    level: ClassVar[int] = logging.WARNING
    stage: str
    messages: int
    error: str


class BatchStored(Happening, frozen=True, kw_only=True):
    """A shard's batch is durable in the graph. `apply_s` is the engine's time, `write_s` the store's."""

    stage: str
    events: int
    entities: int
    timelines: int
    links: int
    apply_s: float
    write_s: float


class Pruned(Happening, frozen=True, kw_only=True):
    """The graph has let go of records that are older than it keeps them."""

    stage: str
    records: int
    took_s: float


class Skipped(Happening, frozen=True, kw_only=True):
    """Messages that the stream no longer had when a reader came to them."""

    level: ClassVar[int] = logging.ERROR
    stage: str
    stream: str
    lost: int
