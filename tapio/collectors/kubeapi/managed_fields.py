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


def last_write(entries: Sequence[Json], path: Sequence[Step], *, present: bool) -> Write:
    """The newest manager that owns a path; of a field that is gone, the newest that wrote any desired state."""
    writers = [entry for entry in entries if entry.get("subresource") != "status"]
    owners = [entry for entry in writers if _holds(entry.get("fieldsV1"), path)]
    if not owners and not present:
        owners = writers
    newest = max(owners, key=lambda entry: entry.get("time") or "", default=None)
    if newest is None:
        return NOBODY
    time = newest.get("time")
    return Write(newest.get("manager"), parse_time(time) if time else None)


def _holds(fields: Any, path: Sequence[Step]) -> bool:  # noqa: ANN401  FieldsV1 is untyped
    if not isinstance(fields, dict):
        return False
    for step in path:
        found = _find(fields, step)
        if found is None:
            return False
        if not found:
            return True  # a leaf is owned with all that is under it
        fields = found
    return True


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
