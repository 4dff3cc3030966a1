"""From a happening to its metrics: read off the fields' types once per kind of happening."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec

from tapio.telemetry import happenings
from tapio.telemetry.happenings import Happening


class MeasureKind(StrEnum):
    """A counter only grows; a gauge holds the last value."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Metric(msgspec.Struct, frozen=True):
    """One metric: its name on the metrics page, what is added to or set, and the labels it carries."""

    name: str
    kind: MeasureKind
    labels: tuple[str, ...]
    help: str


class Measurement(msgspec.Struct, frozen=True):
    """One number for one metric."""

    metric: Metric
    value: float
    labels: dict[str, str]


_LOG_ONLY = frozenset({"error", "detail"})


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


def _spell(happening: type[Happening], field: str, kind: MeasureKind) -> str:
    name = f"tapio_{_snake(happening.__name__)}_{field}"
    return f"{name}_total" if kind is MeasureKind.COUNTER else f"{name.removesuffix('_s')}_seconds"


def _metrics_of(happening: type[Happening]) -> dict[str, Metric]:
    """The metrics of one kind, by field; `""` counts the happenings themselves."""
    fields = msgspec.structs.fields(happening)
    labels = tuple(field.name for field in fields if field.type is str and field.name not in _LOG_ONLY)
    doc = (happening.__doc__ or happening.__name__).split("\n")[0]
    kinds: dict[Any, MeasureKind] = {int: MeasureKind.COUNTER, float: MeasureKind.GAUGE}
    counted = {"": Metric(f"tapio_{_snake(happening.__name__)}_total", MeasureKind.COUNTER, labels, doc)}
    return counted | {
        field.name: Metric(_spell(happening, field.name, kinds[field.type]), kinds[field.type], labels, doc)
        for field in fields
        if field.type in kinds
    }


_BY_KIND = {
    kind: _metrics_of(kind)
    for kind in vars(happenings).values()
    if isinstance(kind, type) and issubclass(kind, Happening) and kind is not Happening
}

METRICS: tuple[Metric, ...] = tuple(metric for table in _BY_KIND.values() for metric in table.values())


def measurements(happening: Happening) -> Iterator[Measurement]:
    """The numbers of one happening: itself counted once, then each field that is a number."""
    for field, metric in _BY_KIND[type(happening)].items():
        labels = {label: str(getattr(happening, label)) for label in metric.labels}
        yield Measurement(metric, float(getattr(happening, field)) if field else 1.0, labels)
