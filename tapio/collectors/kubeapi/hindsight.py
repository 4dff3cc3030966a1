"""Changes that one look shows without a "before": old templates live on in ReplicaSets, writers in managedFields."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tapio.collectors.kubeapi.changes import diff, path_text
from tapio.collectors.kubeapi.managed_fields import Field, last_write
from tapio.collectors.kubeapi.timestamps import parse_time
from tapio.collectors.redaction import shown
from tapio.raw import FieldChange

Json = dict[str, Any]

# Fields that close a cluster to pods, by kind: who wrote them last, after the object was made, changed them.
_CLOSING: dict[str, tuple[tuple[str, ...], ...]] = {
    "Node": (("spec", "unschedulable"), ("spec", "taints")),
    "ResourceQuota": (("spec", "hard"),),
    "Namespace": (("metadata", "labels", "pod-security.kubernetes.io/enforce"),),
}
_REVISION = "deployment.kubernetes.io/revision"
_TEMPLATE_HASH = "pod-template-hash"  # the controller's own label, another in every template


def changes_in_sight(objects: Iterable[Json]) -> dict[str, tuple[FieldChange, ...]]:
    """The changes that objects seen once still tell of, by the uid of what was changed."""
    made: defaultdict[str, list[Json]] = defaultdict(list)
    found: dict[str, tuple[FieldChange, ...]] = {}
    deployments: list[Json] = []
    for obj in objects:
        kind = obj.get("kind")
        if kind == "ReplicaSet":
            made[_owner_uid(obj)].append(obj)
        elif kind == "Deployment":
            deployments.append(obj)
        elif kind in {"ConfigMap", "Secret"}:
            found[_uid(obj)] = last_data_write(obj)
        elif kind in _CLOSING:
            found[_uid(obj)] = tuple(last_writes(obj, _CLOSING[kind]))
    found.update((_uid(each), last_rollout(each, made[_uid(each)])) for each in deployments)
    return {uid: changes for uid, changes in found.items() if changes}


def last_rollout(deployment: Json, replica_sets: Sequence[Json]) -> tuple[FieldChange, ...]:
    """What differs between the two newest revisions of a Deployment's template, as changes of the Deployment."""
    by_revision = sorted((_revision(obj), obj["metadata"].get("name", ""), obj) for obj in replica_sets)
    revisions = [obj for revision, _, obj in by_revision if revision]
    if len(revisions) < 2:  # noqa: PLR2004  a rollout is a step from one to the next
        return ()
    before, after = (_with_template(deployment, revision) for revision in revisions[-2:])
    began = _made_at(revisions[-1])
    # A rollback brings an older ReplicaSet back: then only the manager's last write tells when.
    made_for_it = began > _made_at(revisions[-2])
    return tuple(_dated(change, began if made_for_it else None) for change in diff(before, after))


def last_data_write(holder: Json, since: str = "") -> tuple[FieldChange, ...]:
    """The newest write of a ConfigMap's or Secret's data after it was made (or `since`); what was before is not known.

    A writer of one key changed that key. A writer of several changed some of them: then the field is `data` alone.
    """
    meta = holder["metadata"]
    writers = [entry for entry in meta.get("managedFields") or () if _data_keys(entry)]
    newest = max(writers, key=lambda entry: entry.get("time") or "", default=None)
    if newest is None or (newest.get("time") or "") <= (since or meta.get("creationTimestamp") or ""):
        return ()
    keys = _data_keys(newest)
    manager, at = newest.get("manager"), parse_time(newest["time"])
    if len(keys) > 1:
        return (FieldChange(field="data", manager=manager, at=at),)
    known = "data" in holder  # a Secret's never is
    after = shown((holder.get("data") or {}).get(keys[0])) if known else msgspec.UNSET
    return (FieldChange(field=path_text((Field("data"), Field(keys[0]))), after=after, manager=manager, at=at),)


def last_writes(obj: Json, paths: Iterable[Sequence[str]]) -> Iterator[FieldChange]:
    """The newest write of each field that is set, where it came after the object was made; no value before is known."""
    meta, made = obj["metadata"], _made_at(obj)
    for names in paths:
        value: Any = obj
        for name in names:
            value = (value or {}).get(name)
        path = tuple(Field(name) for name in names)
        write = last_write(meta.get("managedFields") or (), path, present=True)
        if value and made and write.at and write.at > parse_time(made):
            yield FieldChange(field=path_text(path), after=shown(value), manager=write.manager, at=write.at)


def _data_keys(entry: Json) -> list[str]:
    data = (entry.get("fieldsV1") or {}).get("f:data") or {}
    return [name.removeprefix("f:") for name in data if name.startswith("f:")]


def _dated(change: FieldChange, began: str | None) -> FieldChange:
    """A rollout begins when its ReplicaSet is made; its manager's last write may be a later one."""
    return msgspec.structs.replace(change, at=parse_time(began)) if began else change


def _made_at(obj: Json) -> str:
    return obj["metadata"].get("creationTimestamp") or ""


def _with_template(deployment: Json, replica_set: Json) -> Json:
    """The Deployment as it was with this ReplicaSet's template."""
    template = dict((replica_set.get("spec") or {}).get("template") or {})
    meta = dict(template.get("metadata") or {})
    meta.pop("creationTimestamp", None)
    meta["labels"] = {key: value for key, value in (meta.get("labels") or {}).items() if key != _TEMPLATE_HASH}
    template["metadata"] = meta
    return {"kind": "Deployment", "metadata": deployment["metadata"], "spec": {"template": template}}


def _revision(replica_set: Json) -> int:
    revision = (replica_set["metadata"].get("annotations") or {}).get(_REVISION, "")
    return int(revision) if revision.isdecimal() else 0


def _owner_uid(obj: Json) -> str:
    refs = obj["metadata"].get("ownerReferences") or ()
    return next((ref.get("uid", "") for ref in refs if ref.get("controller")), "")


def _uid(obj: Json) -> str:
    return str(obj["metadata"].get("uid", ""))
