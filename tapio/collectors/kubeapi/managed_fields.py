"""Who wrote a field: `metadata.managedFields` read by path (structured-merge-diff's FieldsV1)."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from tapio.collectors.kubeapi.timestamps import parse_time

Json = dict[str, Any]


class Field(NamedTuple):
    """A step into a mapping."""

    name: str


class Item(NamedTuple):
    """A step into a list, to the element with this natural key; `element` holds its fields."""

    key: str
    element: Json


Step = Field | Item


class Write(NamedTuple):
    """Who wrote last, and when (whole seconds, the API server's clock)."""

    manager: str | None
    at: datetime | None


NOBODY = Write(None, None)


def last_write(entries: Sequence[Json], path: Sequence[Step], *, present: bool, since: datetime | None = None) -> Write:
    """The newest manager that owns a path; of a field that is gone, the newest that wrote any desired state.

    Who takes a field away and writes nothing beside leaves no entry (`kubectl edit`, a JSON patch): where the newest
    wrote no later than `since`, the time of the version before, nobody knows who it was.
    Who owns the path itself comes before who owns a whole above it: a manager whose key was taken over is left with
    the bare map (`f:data: {}`).
    """
    writers = [entry for entry in entries if entry.get("subresource") != "status"]
    depths = [_depth(entry.get("fieldsV1"), path) for entry in writers]
    deepest = max(depths, default=0)
    owners = [entry for entry, depth in zip(writers, depths, strict=True) if depth == deepest] if deepest else []
    if not present:
        owners = writers
    if not owners:
        return NOBODY
    # Of one second the later entry wins: the API server sorts them by time, then by name.
    newest = max(enumerate(owners), key=lambda numbered: (numbered[1].get("time") or "", numbered[0]))[1]
    time = newest.get("time")
    at = parse_time(time) if time else None
    if not present and since is not None and (at is None or at <= since):
        return NOBODY
    return Write(newest.get("manager"), at)


def _depth(fields: Any, path: Sequence[Step]) -> int:  # noqa: ANN401  FieldsV1 is untyped
    """How many steps of the path are owned: all of them, or as far as a leaf, which holds all under it; else 0."""
    if not isinstance(fields, dict):
        return 0
    for depth, step in enumerate(path, start=1):
        found = _find(fields, step)
        if found is None:
            return 0
        if not found:
            return depth
        fields = found
    return len(path)


def _find(fields: Json, step: Step) -> Json | None:
    if isinstance(step, Field):
        return fields.get(f"f:{step.name}")
    return next((found for key, found in fields.items() if key.startswith("k:") and _is_key_of(key, step)), None)


def _is_key_of(key: str, step: Item) -> bool:
    return all(step.element.get(name) == value for name, value in _key(key[2:]).items())


@lru_cache(maxsize=4096)
def _key(text: str) -> Json:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"": text}
