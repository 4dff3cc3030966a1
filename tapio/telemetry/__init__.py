"""What the running system says of itself.

In: happenings, one per batch of work. Out: one structured log line and the metrics of each, in one place.
Promised: telling never raises and never waits; a happening's words and numbers are those of its fields.
Never: per event, a decision, an import of a metrics library (a `Sink` adapts one).
"""

from tapio.telemetry.happenings import (
    BatchStored,
    Collected,
    DeadLettered,
    Happening,
    LossDeclared,
    Paused,
    Pruned,
    Skipped,
    StageFailed,
    StageStarted,
    StageStopped,
    Transformed,
    Troubled,
    VerdictsFailed,
)
from tapio.telemetry.logs import configure_logging, logfmt
from tapio.telemetry.metrics import METRICS, MeasureKind, Measurement, Metric, measurements
from tapio.telemetry.tell import Sink, Telemetry, Totals

__all__ = [
    "METRICS",
    "BatchStored",
    "Collected",
    "DeadLettered",
    "Happening",
    "LossDeclared",
    "MeasureKind",
    "Measurement",
    "Metric",
    "Paused",
    "Pruned",
    "Sink",
    "Skipped",
    "StageFailed",
    "StageStarted",
    "StageStopped",
    "Telemetry",
    "Totals",
    "Transformed",
    "Troubled",
    "VerdictsFailed",
    "configure_logging",
    "logfmt",
    "measurements",
]
