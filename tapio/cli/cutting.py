"""Which raw events tell one incident: those of a namespace, from some moment on, and the state before it. Pure."""

import re
from collections.abc import Iterable
from datetime import datetime

from tapio.raw import RawEvent

_MARK = re.compile(rb"\[redacted:[0-9a-f]{12}\]")


def cut(events: Iterable[RawEvent], *, namespace: str = "", since: datetime | None = None) -> list[RawEvent]:
    """The events of `namespace` and of what has none (nodes), in the order of time.

    With `since`, of what came before only each object's last state is kept: changes after it have their before.
    """
    told = sorted((event for event in events if _belongs(event, namespace)), key=lambda event: event.timestamp)
    if since is None:
        return told
    before = {_object(event): event for event in told if event.timestamp < since and _is_state(event)}
    return [*before.values(), *(event for event in told if event.timestamp >= since)]


def redactions(events: Iterable[RawEvent]) -> int:
    """How many values are hidden in these events."""
    return sum(len(_MARK.findall(event.data)) for event in events)


def _belongs(event: RawEvent, namespace: str) -> bool:
    meta = event.metadata
    if meta.k8s_kind == "Namespace" and namespace:
        return meta.k8s_name == namespace
    return not namespace or meta.k8s_namespace in (namespace, "")


def _is_state(event: RawEvent) -> bool:
    return event.metadata.k8s_kind not in ("", "Event") and not event.type.endswith("_deleted")


def _object(event: RawEvent) -> tuple[str, str, str]:
    meta = event.metadata
    return meta.k8s_kind, meta.k8s_namespace, meta.k8s_name
