"""The pipeline's numbers on Ray's metrics page."""

from ray.util.metrics import Counter, Gauge

from tapio.telemetry import MeasureKind, Measurement, Metric


class RayMetrics:
    """A sink: each metric is registered with Ray when it is first told."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}

    def take(self, measurement: Measurement) -> None:
        """Adds or sets. Ray sends the numbers on by itself, every few seconds."""
        metric = measurement.metric
        if metric.kind is MeasureKind.GAUGE:
            self._gauge(metric).set(measurement.value, measurement.labels)
        elif measurement.value > 0:  # Ray refuses to add nothing
            self._counter(metric).inc(measurement.value, measurement.labels)

    def _counter(self, metric: Metric) -> Counter:
        if metric.name not in self._counters:
            self._counters[metric.name] = Counter(metric.name, metric.help, metric.labels)
        return self._counters[metric.name]

    def _gauge(self, metric: Metric) -> Gauge:
        if metric.name not in self._gauges:
            self._gauges[metric.name] = Gauge(metric.name, metric.help, metric.labels)
        return self._gauges[metric.name]
