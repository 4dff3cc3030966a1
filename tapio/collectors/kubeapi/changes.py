"""What changed between two versions of an object: its desired state, field by field, with who wrote it. Pure.

Status, versions and bookkeeping are no change: somebody's or some controller's wish is.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tapio.collectors.kubeapi.managed_fields import Field, Item, Step, last_write
from tapio.collectors.kubeapi.redaction import LAST_APPLIED
from tapio.collectors.redaction import shown
from tapio.raw import FieldChange

Json = dict[str, Any]

# Kinds that record what is, not what is wanted.
_OBSERVED = frozenset({"Event", "EndpointSlice", "Endpoints", "Lease", "PodMetrics", "NodeMetrics"})
# Of these not even the labels are anybody's wish.
_RECORDS = frozenset({"Event", "Lease"})

# Fields of `spec` that a controller fills in once, as an answer to the wish.
_ASSIGNED = frozenset(
    {
        ("Pod", "nodeName"),
        ("Node", "podCIDR"),
        ("Node", "podCIDRs"),
        ("Node", "providerID"),
        ("PersistentVolume", "claimRef"),
        ("PersistentVolumeClaim", "volumeName"),
        ("Namespace", "finalizers"),
    }
)

# Annotations that controllers keep their books in.
BOOKKEEPING = (
    LAST_APPLIED,
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "control-plane.alpha.kubernetes.io/leader",
    "endpoints.kubernetes.io/",
    "node.alpha.kubernetes.io/ttl",
    "volumes.kubernetes.io/controller-managed-attach-detach",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "batch.kubernetes.io/",
    "kubernetes.io/config.",
)

_UNCOUNTED_METADATA = frozenset({"managedFields", "resourceVersion", "generation", "selfLink"})

# What tells the elements of a list apart, the first that is in all of them and different in each.
_NATURAL_KEYS = ("name", "containerPort", "mountPath", "key", "type", "ip", "port", "topologyKey")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class _Difference(NamedTuple):
    path: tuple[Step, ...]
    before: Any
    after: Any


def pruned(obj: Json) -> Json:
    """What is remembered of an object, to compare the next version with: no status, no books."""
    kept = {"kind": obj.get("kind"), "apiVersion": obj.get("apiVersion"), "metadata": _metadata(obj)}
    if obj.get("kind") not in _OBSERVED:
        kept.update((name, value) for name, value in obj.items() if name not in kept and name != "status")
    return kept


def diff(old: Json, new: Json, *, since: datetime | None = None) -> tuple[FieldChange, ...]:
    """The fields of desired state that differ, ordered by path; either version may be pruned.

    An added or removed subtree is one change at its top. `null` is absent. The manager is read from the new
    version's managedFields; `since` is the old version's time, where it is known.
    """
    if new.get("kind") in _RECORDS:
        return ()
    entries = (new.get("metadata") or {}).get("managedFields") or ()
    found = (_change(difference, entries, since) for difference in _differences(old, new))
    return tuple(sorted(found, key=lambda change: change.field))


def _change(difference: _Difference, entries: Sequence[Json], since: datetime | None) -> FieldChange:
    path, before, after = difference
    write = last_write(entries, path, present=after is not None, since=since)
    return FieldChange(
        field=path_text(path), before=shown(before), after=shown(after), manager=write.manager, at=write.at
    )


# The fields of an object that say what it is and how it fares, not how it should be.
_NO_WISH = frozenset({"kind", "apiVersion", "metadata", "status"})


def _differences(old: Json, new: Json) -> Iterator[_Difference]:
    kind = new.get("kind")
    for name in ("labels", "annotations"):
        before, after = _of_metadata(old, name), _of_metadata(new, name)
        yield from _walk((Field("metadata"), Field(name)), before, after)
    if kind in _OBSERVED:
        return
    for name in sorted((old.keys() | new.keys()) - _NO_WISH):
        for difference in _walk((Field(name),), old.get(name), new.get(name)):
            if (kind, _second(difference.path)) not in _ASSIGNED:
                yield difference


def _walk(path: tuple[Step, ...], old: Any, new: Any) -> Iterator[_Difference]:  # noqa: ANN401  JSON values
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old.keys() | new.keys():
            yield from _walk((*path, Field(name)), old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and (key := _natural_key(old, new)):
        yield from _walk_elements(path, key, old, new)
    else:
        yield _Difference(path, old, new)


def _walk_elements(path: tuple[Step, ...], key: str, old: list[Json], new: list[Json]) -> Iterator[_Difference]:
    before, after = ({element[key]: element for element in elements} for elements in (old, new))
    if before == after:
        yield _Difference(path, old, new)  # only the order differs, and order counts (env, initContainers)
        return
    for name in before.keys() | after.keys():
        element = after.get(name) or before[name]
        yield from _walk((*path, Item(str(name), element)), before.get(name), after.get(name))


def _natural_key(old: list[Any], new: list[Any]) -> str | None:
    if not all(isinstance(element, dict) for element in (*old, *new)):
        return None
    return next((key for key in _NATURAL_KEYS if _tells_apart(key, old) and _tells_apart(key, new)), None)


def _tells_apart(key: str, elements: list[Json]) -> bool:
    values = [element.get(key) for element in elements]
    return all(isinstance(value, str | int) for value in values) and len(set(values)) == len(values)


def path_text(path: Sequence[Step]) -> str:
    """`spec.template.spec.containers[app].env[DB_HOST].value`; a name with dots stands in brackets too."""
    return "".join(_step_text(step) for step in path).lstrip(".")


def _step_text(step: Step) -> str:
    if isinstance(step, Item):
        return f"[{step.key}]"
    return f".{step.name}" if _PLAIN.fullmatch(step.name) else f"[{step.name}]"


def _second(path: Sequence[Step]) -> str:
    step = path[1] if len(path) > 1 else None
    return step.name if isinstance(step, Field) else ""


def _metadata(obj: Json) -> Json:
    meta = obj.get("metadata") or {}
    kept = {name: value for name, value in meta.items() if name not in _UNCOUNTED_METADATA}
    if "annotations" in kept:
        kept["annotations"] = _wishes(kept["annotations"])
    return kept


def _of_metadata(obj: Json, name: str) -> Json:
    value = (obj.get("metadata") or {}).get(name) or {}
    return _wishes(value) if name == "annotations" else value


def _wishes(annotations: Json) -> Json:
    return {key: value for key, value in annotations.items() if not key.startswith(BOOKKEEPING)}
