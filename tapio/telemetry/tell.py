"""The one place where a happening becomes a log line and metrics."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from tapio.telemetry.happenings import Happening
from tapio.telemetry.logs import LOGGER, logfmt
from tapio.telemetry.metrics import MeasureKind, Measurement, measurements


class Sink(Protocol):
    """Where numbers go: a metrics library's adapter, or `Totals`."""

    def take(self, measurement: Measurement) -> None:
        """Adds to a counter or sets a gauge, by the measurement's kind. Does not raise and does not wait."""


class Totals:
    """The numbers of this process, kept in memory: what `observe()` shows and tests read."""

    def __init__(self) -> None:
        self._values: dict[str, float] = defaultdict(float)

    def take(self, measurement: Measurement) -> None:
        name = measurement.metric.name
        if measurement.metric.kind is MeasureKind.COUNTER:
            self._values[name] += measurement.value
        else:
            self._values[name] = measurement.value

    def __getitem__(self, name: str) -> float:
        """The value of a metric over all its labels; 0 for one that nothing was told of."""
        return self._values.get(name, 0.0)

    def as_dict(self) -> dict[str, float]:
        return dict(sorted(self._values.items()))


class Telemetry:
    """Tells happenings to the log and to every sink; `totals` is always among them."""

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self.totals = Totals()
        self._sinks: tuple[Sink, ...] = (self.totals, *sinks)
        self._logger = logging.getLogger(LOGGER)

    def tell(self, happening: Happening) -> None:
        if self._logger.isEnabledFor(happening.level):
            self._logger.log(happening.level, "%s", logfmt(happening))
        for measurement in measurements(happening):
            for sink in self._sinks:
                sink.take(measurement)
