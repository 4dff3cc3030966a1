"""When the source says it happened. The clock of whoever looked is asked only where the object is silent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

_CONDITION_TIMES = ("lastTransitionTime", "lastUpdateTime", "lastProbeTime", "lastHeartbeatTime")
_STATUS_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_STATUS_TIMES = ("startTime", "completionTime", "lastScheduleTime", "lastSuccessfulTime")


def source_time(obj: Json) -> datetime | None:
    """The newest time an object carries: for an Event its last occurrence, for others what was last written of it.

    Deletion counts from when it was asked for: `deletionTimestamp` is that plus the grace period.
    """
    if obj.get("kind") == "Event":
        return _parsed(next(_occurrences(obj), None))
    newest = max(_times(obj), key=order_of, default=None)
    asked = deletion_asked(obj)
    known = [time for time in (_parsed(newest), asked) if time is not None]
    return max(known, default=None)


def deletion_asked(obj: Json) -> datetime | None:
    """When somebody asked for the deletion, or None."""
    meta = obj.get("metadata") or {}
    until = _parsed(meta.get("deletionTimestamp"))
    if until is None:
        return None
    return until - timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)


def parse_time(text: str) -> datetime:
    """An RFC 3339 time, in UTC.

    Raises:
        ValueError: it is none.
    """
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _occurrences(event: Json) -> Iterator[str]:
    """An Event's times, the one to believe first (events.k8s.io leaves the old fields empty, and the other way)."""
    series = event.get("series") or {}
    meta = event.get("metadata") or {}
    listed = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp") or event.get("deprecatedLastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp") or event.get("deprecatedFirstTimestamp"),
        meta.get("creationTimestamp"),
    )
    return (time for time in listed if time)


def _times(obj: Json) -> Iterator[str]:
    meta = obj.get("metadata") or {}
    yield from _present(meta, ("creationTimestamp",))
    for entry in _mappings(meta.get("managedFields")):
        yield from _present(entry, ("time",))
    status = obj.get("status")
    if not isinstance(status, dict):
        return
    yield from _present(status, _STATUS_TIMES)
    for condition in _mappings(status.get("conditions")):
        yield from _present(condition, _CONDITION_TIMES)
    for name in _STATUS_LISTS:
        for container in _mappings(status.get(name)):
            yield from _container_times(container)


def _container_times(container: Json) -> Iterator[str]:
    for state in _mappings([container.get("state"), container.get("lastState")]):
        for part in _mappings(list(state.values())):
            yield from _present(part, ("startedAt", "finishedAt"))


def _mappings(value: Any) -> Iterator[Json]:  # noqa: ANN401  whatever stands where a list should
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _present(holder: Json, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = holder.get(name)
        if value and isinstance(value, str):
            yield value


def order_of(time: str) -> str:
    """Kubernetes writes UTC with `Z`; without it a prefix sorts before its fractions."""
    return time.rstrip("Z")


def _parsed(time: str | None) -> datetime | None:
    if not time:
        return None
    try:
        return parse_time(time)
    except ValueError:
        return None
