"""What a file leaves out and its own events tell: whose object each is, and what changed between two versions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from tapio.collectors.kubeapi.changes import diff
from tapio.collectors.kubeapi.enrich import Owners
from tapio.collectors.kubeapi.hindsight import changes_in_sight
from tapio.collectors.kubeapi.redaction import redact
from tapio.collectors.redaction import Redactor
from tapio.kube.kinds import is_cluster_wide
from tapio.raw import FieldChange, ObjectKey, RawEvent, parse_owner_refs
from tapio.raw.controllers import made_by

Json = dict[str, Any]

# A file's digests need no secret: whoever has the file has the values. One key keeps answers the same, byte for byte.
file_redactor = Redactor(b"a file keeps its own secrets")


class _Owner(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""
    controller: bool | None = None


class _Meta(msgspec.Struct, rename="camel", gc=False):
    uid: str = ""
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    owner_references: list[_Owner] | None = None


class _Reference(msgspec.Struct, gc=False):
    kind: str = ""
    namespace: str = ""
    name: str = ""


class _Object(msgspec.Struct, rename="camel", gc=False):
    kind: str = ""
    metadata: _Meta | None = None
    involved_object: _Reference | None = None
    regarding: _Reference | None = None
    message: Any = None


class _Record(msgspec.Struct, gc=False):
    """The little of a watch event that says whose it is."""

    type: str = ""
    object: _Object | None = None
    changes: msgspec.Raw = msgspec.Raw()

    @property
    def tells_changes(self) -> bool:
        """Whether the collector has said what changed: then nothing is worked out."""
        return bytes(self.changes) not in {b"", b"null"}


class _Event(NamedTuple):
    at: int  # its place in the file
    event: RawEvent
    record: _Record

    @property
    def order(self) -> tuple[Any, ...]:
        version = _version(self.record)
        return self.event.timestamp, len(version), version, self.at


_records = msgspec.json.Decoder(_Record)
_whole = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()
_NO_RECORD = _Record()


def completed(events: Sequence[RawEvent]) -> tuple[RawEvent, ...]:
    """The events in their order, with roots and changes where they had none; all else verbatim."""
    read = [_Event(index, event, _record(event)) for index, event in enumerate(events)]
    owners = Owners(chain(_said_to_be_owned(read), _owned(read)))
    changes = _changes(read)
    return tuple(_complete(each, owners, changes.get(each.at)) for each in read)


def _complete(each: _Event, owners: Owners, changes: Sequence[FieldChange] | None) -> RawEvent:
    event = each.event
    if event.metadata.k8s_root is msgspec.UNSET and (subject := _subject(each)):
        meta = msgspec.structs.replace(event.metadata, k8s_root=str(owners.root(subject)))
        event = msgspec.structs.replace(event, metadata=meta)
    if changes:
        event = msgspec.structs.replace(event, data=_with_changes(event, changes))
    return event


def _record(event: RawEvent) -> _Record:
    try:
        return _records.decode(event.record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _NO_RECORD


def _owned(read: Iterable[_Event]) -> Iterable[tuple[ObjectKey, ObjectKey | None]]:
    """Who owns whom, from every object of the file, else from what metadata says; a later line of one name wins."""
    for each in read:
        obj, meta = each.record.object, each.event.metadata
        if obj and obj.metadata and _kind(each) == "Event":
            continue
        key = ObjectKey(_kind(each), meta.k8s_namespace, meta.k8s_name)
        if obj and obj.metadata:
            key = ObjectKey(key.kind, obj.metadata.namespace, obj.metadata.name)
            refs = [(ref.kind, ref.name) for ref in _controller_first(obj.metadata.owner_references or ())]
        else:
            refs = parse_owner_refs(meta.k8s_owner_refs)
        if key.kind and key.name:
            yield key, _owner(key, refs)


def _said_to_be_owned(read: Iterable[_Event]) -> Iterable[tuple[ObjectKey, ObjectKey]]:
    """Who owns whom by the word of controllers' Events; what an object says of itself comes after and wins."""
    for each in read:
        obj = each.record.object
        if obj is None or not isinstance(obj.message, str) or _kind(each) != "Event":
            continue
        owner = _subject(each)
        made = made_by(owner, obj.message) if owner else None
        if owner and made:
            yield made, owner


def _owner(key: ObjectKey, refs: Sequence[tuple[str, str]]) -> ObjectKey | None:
    if not refs:
        return None
    kind, name = refs[0]
    return ObjectKey(kind, "" if is_cluster_wide(kind) else key.namespace, name)


def _controller_first(refs: Iterable[_Owner]) -> list[_Owner]:
    return sorted(refs, key=lambda ref: not ref.controller)


def _kind(each: _Event) -> str:
    obj = each.record.object
    return (obj.kind if obj else "") or each.event.metadata.k8s_kind


def _subject(each: _Event) -> ObjectKey | None:
    """Whose history the event belongs to: an Event's involved object, an object itself, or what metadata names."""
    obj, meta = each.record.object, each.event.metadata
    involved = (obj.involved_object or obj.regarding) if obj else None
    if involved and involved.kind:
        return ObjectKey(involved.kind, "" if is_cluster_wide(involved.kind) else involved.namespace, involved.name)
    if obj and obj.metadata and obj.metadata.name:
        return ObjectKey(_kind(each), obj.metadata.namespace, obj.metadata.name)
    return ObjectKey(meta.k8s_kind, meta.k8s_namespace, meta.k8s_name) if meta.k8s_kind and meta.k8s_name else None


def _changes(read: Iterable[_Event]) -> dict[int, tuple[FieldChange, ...]]:
    """Place of an event -> what its version changed, where the file has the version before."""
    versions: defaultdict[str, list[_Event]] = defaultdict(list)
    for each in read:
        obj = each.record.object
        if obj and obj.metadata and obj.metadata.uid and _kind(each) not in {"", "Event"}:
            versions[obj.metadata.uid].append(each)
    found: dict[int, tuple[FieldChange, ...]] = {}
    for history in versions.values():
        if len(history) > 1:
            found |= _changes_of(sorted(history, key=lambda each: each.order))
    return found | _in_sight([history[0] for history in versions.values() if len(history) == 1])


def _changes_of(history: Sequence[_Event]) -> dict[int, tuple[FieldChange, ...]]:
    found = {}
    before: Json | None = None
    for each in history:
        obj = _object(each)
        if before is not None and not each.record.tells_changes and (changes := diff(before, obj)):
            found[each.at] = changes
        before = obj
    return found


def _in_sight(single: Sequence[_Event]) -> dict[int, tuple[FieldChange, ...]]:
    """Objects that the file has once may still tell of their last change."""
    telling = [each for each in single if _may_tell(each)]
    by_uid = {
        each.record.object.metadata.uid: each for each in telling if each.record.object and each.record.object.metadata
    }
    found = changes_in_sight([_object(each) for each in telling])
    return {by_uid[uid].at: changes for uid, changes in found.items() if not by_uid[uid].record.tells_changes}


def _may_tell(each: _Event) -> bool:
    """Kinds that hold more than their present state; some only by their managedFields."""
    kind = _kind(each)
    return kind in {"Deployment", "ReplicaSet"} or (
        kind in _TELL_BY_WRITERS and b'"managedFields"' in bytes(each.event.data)
    )


_TELL_BY_WRITERS = frozenset({"ConfigMap", "Secret", "Node", "Namespace", "ResourceQuota"})


def _object(each: _Event) -> Json:
    """The whole object, without secrets that whoever wrote the file left in it."""
    obj: Json = _whole.decode(each.event.record)["object"]
    obj.setdefault("kind", _kind(each))
    redact(obj, file_redactor)
    return obj


def _with_changes(event: RawEvent, changes: Sequence[FieldChange]) -> msgspec.Raw:
    """The record as it stands, with one key more at its end."""
    record = bytes(event.record).rstrip()
    longer = record[:-1] + b',"changes":' + _encoder.encode(changes) + b"}"
    is_text = bytes(memoryview(event.data)[:1]) == b'"'
    return msgspec.Raw(_encoder.encode(longer.decode()) if is_text else longer)


def _version(record: _Record) -> str:
    return record.object.metadata.resource_version if record.object and record.object.metadata else ""
