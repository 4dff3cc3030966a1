"""Whose object it is: the `k8s_*` metadata, and the topmost owner known."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from tapio.kube.kinds import is_cluster_wide
from tapio.raw import Metadata, ObjectKey, format_labels, format_owner_refs

Json = dict[str, Any]

_DEEPEST = 16  # an owner chain is three or four long; a loop of references must end
_KEPT_DELETED = 20_000  # deleted objects whose owner is still known: their last Events come after them


def key_of(obj: Json) -> ObjectKey:
    """An object's name."""
    meta = obj.get("metadata") or {}
    return ObjectKey(obj.get("kind") or "", meta.get("namespace") or "", meta.get("name") or "")


def owner_of(obj: Json) -> ObjectKey | None:
    """The controlling owner, or the first one where none controls."""
    meta = obj.get("metadata") or {}
    refs = _controller_first(meta.get("ownerReferences") or ())
    if not refs:
        return None
    kind = refs[0].get("kind") or ""
    namespace = "" if is_cluster_wide(kind) else meta.get("namespace") or ""
    return ObjectKey(kind, namespace, refs[0].get("name") or "")


def subject_of(obj: Json) -> ObjectKey:
    """What an object is about: for an Event the object it involves, else itself."""
    if obj.get("kind") != "Event":
        return key_of(obj)
    involved = obj.get("involvedObject") or obj.get("regarding") or {}
    kind = involved.get("kind") or ""
    namespace = "" if is_cluster_wide(kind) else involved.get("namespace") or ""
    return ObjectKey(kind, namespace, involved.get("name") or "") if kind else key_of(obj)


class Owners:
    """Who owns whom, as far as seen: object -> its owner, or None for one that has none."""

    def __init__(self, known: Iterable[tuple[ObjectKey, ObjectKey | None]] = ()) -> None:
        self._owner: dict[ObjectKey, ObjectKey | None] = dict(known)
        self._deleted: OrderedDict[ObjectKey, None] = OrderedDict()

    def learn(self, key: ObjectKey, owner: ObjectKey | None) -> None:
        self._owner[key] = owner
        self._deleted.pop(key, None)

    def deleted(self, key: ObjectKey) -> None:
        """The object is gone; who owned it is kept for a while."""
        self._deleted[key] = None
        if len(self._deleted) > _KEPT_DELETED:
            oldest, _ = self._deleted.popitem(last=False)
            self._owner.pop(oldest, None)

    def root(self, key: ObjectKey) -> ObjectKey:
        """The topmost owner known, the object itself where it has none."""
        for _ in range(_DEEPEST):
            owner = self._owner.get(key)
            if owner is None:
                return key
            key = owner
        return key

    def knows(self, key: ObjectKey) -> bool:
        return key in self._owner


class About(NamedTuple):
    """What events about an object say of it, as their metadata spells it."""

    key: ObjectKey
    uid: str
    labels: str
    owner_refs: str


def about(obj: Json) -> About:
    meta = obj.get("metadata") or {}
    refs = _controller_first(meta.get("ownerReferences") or ())
    owners = format_owner_refs([(ref.get("kind") or "", ref.get("name") or "") for ref in refs])
    return About(key_of(obj), meta.get("uid") or "", format_labels(meta.get("labels") or {}), owners)


def metadata(of: About, root: ObjectKey, *, observed_at: str, relisted: bool = False) -> Metadata:
    """The enrichment of one object's event."""
    return Metadata(
        collector="kubeapi",
        k8s_namespace=of.key.namespace,
        k8s_name=of.key.name,
        k8s_kind=of.key.kind,
        k8s_uid=of.uid,
        k8s_labels=of.labels,
        k8s_owner_refs=of.owner_refs,
        k8s_root=str(root),
        observed_at=observed_at,
        relisted=True if relisted else msgspec.UNSET,
    )


def _controller_first(refs: Iterable[Json]) -> list[Json]:
    return sorted(refs, key=lambda ref: not ref.get("controller"))
