"""From an object that was seen to the raw event that tells it: compared with what was known, redacted, dated."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from tapio.collectors.kubeapi.changes import diff, pruned
from tapio.collectors.kubeapi.enrich import About, Owners, about, key_of, metadata, owner_of, subject_of
from tapio.collectors.kubeapi.first_sight import First, FirstSight
from tapio.collectors.kubeapi.hindsight import last_data_write
from tapio.collectors.kubeapi.logs import Logged
from tapio.collectors.kubeapi.memory import Known, Memory
from tapio.collectors.kubeapi.redaction import redact
from tapio.collectors.kubeapi.standing import Standing, newest_time, status_of, whole, wish_of
from tapio.collectors.kubeapi.timestamps import parse_time, source_time
from tapio.collectors.redaction import Redactor
from tapio.kube import Kind, Seen
from tapio.raw import FieldChange, ObjectKey, RawEvent
from tapio.raw.event import raw_json
from tapio.raw.types import object_type
from tapio.times import rfc3339

Json = dict[str, Any]

_NOTHING: Json = {}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Draft(NamedTuple):
    """An event that still waits for its root owner: its owner may be one line behind it, on another watch."""

    about: About
    subject: ObjectKey
    timestamp: datetime
    type: str
    data: msgspec.Raw
    observed_at: str
    relisted: bool


def logged(said: Logged, *, now: datetime) -> Draft:
    """The draft of a container's last lines, dated by the run that said them."""
    run = said.run
    return Draft(
        about=about(said.pod),
        subject=key_of(said.pod),
        timestamp=run.at,
        type="container_log",
        data=raw_json({"container": run.container, "previous": run.previous, "lines": said.lines}),
        observed_at=rfc3339(now),
        relisted=False,
    )


class Witness:
    """Turns what is seen into drafts and stages it in the memory; nothing is written until the memory commits."""

    def __init__(self, memory: Memory, redactor: Redactor) -> None:
        self._memory = memory
        self._redactor = redactor
        self.owners = Owners(memory.owners())
        self._standing: dict[str, Standing] = {}
        self._first_sight = FirstSight(redactor)

    def seen(
        self, kind: Kind, seen: Seen, *, now: datetime, relisted: bool = False, lapsed: bool = False
    ) -> Draft | None:
        """The draft of one version; None for an Event's deletion, which is only its expiry.

        `lapsed`: the version is a Lease's last renewal, and its term is over.
        """
        if kind.name == "Event" and seen.type == "DELETED":
            self._memory.stage_deleted(seen.uid)
            return None
        hashes = (0, 0) if kind.name == "Event" else (wish_of(seen.parts, seen.metadata), status_of(seen.parts))
        before = self._standing.get(seen.uid)
        same = before._replace(status=hashes[1]) if before and before.wish == hashes[0] else None
        more: Json = {"lapsed": True} if lapsed else {}
        if same and seen.type == "MODIFIED":
            more["unmoved"] = ("wish", "status") if before == same else ("wish",)
            draft = None if lapsed else self._status_moved(kind, seen, same, more, now=now, relisted=relisted)
            if draft is not None:
                return draft
        if kind.name == "Pod" and seen.type == "ADDED" and self._memory.last(seen.uid) is None:
            first = self._first_sight.of(seen)
            if first is not None:
                return self._appeared(seen, first, hashes, now=now, relisted=relisted)
        return self._whole(kind, seen, hashes, same, now=now, relisted=relisted, more=more)

    def _status_moved(  # noqa: PLR0913  what one version is told with
        self, kind: Kind, seen: Seen, same: Standing, more: Json, *, now: datetime, relisted: bool
    ) -> Draft | None:
        """The draft of a version whose wish is known and clean; None where a closer look is needed after all."""
        if not same.clean:
            return None
        last = self._memory.last(seen.uid)
        if last is None or "deletionTimestamp" in seen.metadata or kind.name == "Secret":
            return None
        try:
            at = _not_before(last, parse_time(newest_time(seen.parts, seen.metadata)))
            data = whole(seen.parts, seen.metadata, self._redactor)
        except (ValueError, msgspec.DecodeError):
            return None
        self._memory.stage(seen.uid, Known(last.key, last.owner, seen.version, at.timestamp()), None)
        self._standing[seen.uid] = same
        return Draft(
            about=same.about,
            subject=same.about.key,
            timestamp=at,
            type=f"{kind.name.lower()}_modified",
            data=raw_json({"type": "MODIFIED", "object": msgspec.Raw(data), **more}),
            observed_at=rfc3339(now),
            relisted=relisted,
        )

    def _appeared(self, seen: Seen, first: First, hashes: tuple[int, int], *, now: datetime, relisted: bool) -> Draft:
        """The draft of a clean Pod that nobody knew."""
        key = first.about.key
        self.owners.learn(key, first.owner)
        self._memory.stage(seen.uid, Known(key, first.owner, seen.version, first.at.timestamp()), first.body)
        self._standing[seen.uid] = Standing(*hashes, clean=True, about=first.about)
        return Draft(
            about=first.about,
            subject=key,
            timestamp=first.at,
            type="pod_created",
            data=msgspec.Raw(b'{"type":"ADDED","object":%b}' % first.told),
            observed_at=rfc3339(now),
            relisted=relisted,
        )

    def _whole(  # noqa: PLR0913  what one version is told with
        self,
        kind: Kind,
        seen: Seen,
        hashes: tuple[int, int],
        same: Standing | None,
        *,
        now: datetime,
        relisted: bool,
        more: Json,
    ) -> Draft:
        obj, last = seen.object, self._memory.last(seen.uid)
        clean = redact(obj, self._redactor)
        body = None if same or kind.name == "Event" else _encode(pruned(obj))
        before = self._memory.body(seen.uid) if last and body else None
        changes: tuple[FieldChange, ...] = ()
        if last and before and before != body:
            changes = diff(_decode(before), obj, since=datetime.fromtimestamp(last.at, UTC))
        if kind.name == "Secret" and last and not changes:
            changes = last_data_write(obj, since=_second_of(last.at))
        at = _dated(obj, deleted=seen.type == "DELETED", changed=bool(changes), last=last, now=now)
        (obj.get("metadata") or {}).pop("managedFields", None)
        draft = _draft(kind, seen.type, obj, changes, at=at, now=now, relisted=relisted, more=more)
        self._remember(seen, obj, None if body == before else body, at)
        if kind.name != "Event" and seen.type != "DELETED":
            self._standing[seen.uid] = same or Standing(*hashes, clean, draft.about)
        return draft

    def vanished(self, kind: Kind, uid: str, *, now: datetime) -> Draft | None:
        """The draft of a deletion that a listing revealed: the object's last known state, less its status."""
        last = self._memory.last(uid)
        if last is None:
            return None
        body = self._memory.body(uid)
        self._memory.stage_deleted(uid)
        self._standing.pop(uid, None)
        if kind.name == "Event":
            return None
        self.owners.deleted(last.key)
        obj = _decode(body) if body else _by_name(kind, last.key, uid)
        obj["metadata"]["resourceVersion"] = last.version
        return _draft(kind, "DELETED", obj, (), at=now, now=now, relisted=True)

    def finish(self, draft: Draft) -> RawEvent:
        root = self.owners.root(draft.subject)
        return RawEvent(
            timestamp=draft.timestamp,
            type=draft.type,
            data=draft.data,
            metadata=metadata(draft.about, root, observed_at=draft.observed_at, relisted=draft.relisted),
        )

    def _remember(self, seen: Seen, obj: Json, body: bytes | None, at: datetime) -> None:
        """Stages the version; `body` is None where it is as before."""
        key, owner = key_of(obj), owner_of(obj)
        if obj.get("kind") != "Event":
            self.owners.learn(key, owner)
        if seen.type == "DELETED":
            self._memory.stage_deleted(seen.uid)
            self._standing.pop(seen.uid, None)
            self.owners.deleted(key)
            return
        self._memory.stage(seen.uid, Known(key, owner, seen.version, at.timestamp()), body)


def _draft(  # noqa: PLR0913  one argument per field
    kind: Kind,
    watch_type: str,
    obj: Json,
    changes: tuple[FieldChange, ...],
    *,
    at: datetime,
    now: datetime,
    relisted: bool,
    more: Json = _NOTHING,
) -> Draft:
    record: Json = {"type": watch_type, "object": obj, **more}
    if changes:
        record["changes"] = changes
    return Draft(
        about=about(obj),
        subject=subject_of(obj),
        timestamp=at,
        type=object_type(kind.name, watch_type),
        data=raw_json(record),
        observed_at=rfc3339(now),
        relisted=relisted,
    )


def _dated(obj: Json, *, deleted: bool, changed: bool, last: Known | None, now: datetime) -> datetime:
    """The source's time. A deletion or a change that wrote nothing newer into the object happened when it was seen.

    The API server writes no time for what comes through the subresource `scale`, so that of `kubectl scale` would be
    the object's last one, which may be days ago. It is told by the second, as what follows from it will be.
    """
    at = source_time(obj)
    if at is None:
        return now
    if (deleted or changed) and last is not None and at.timestamp() <= last.at:
        at = now if deleted else now.replace(microsecond=0)
    return _not_before(last, at)


def _not_before(last: Known | None, at: datetime) -> datetime:
    """A version's time, which is none before that of the version before: that may have been told by our own clock."""
    return at if last is None or at.timestamp() >= last.at else datetime.fromtimestamp(last.at, UTC)


def _second_of(at: float) -> str:
    """A time as managedFields write it: whole seconds."""
    return rfc3339(datetime.fromtimestamp(int(at), UTC))


def _by_name(kind: Kind, key: ObjectKey, uid: str) -> Json:
    meta = {"name": key.name, "namespace": key.namespace, "uid": uid}
    return {"kind": kind.name, "apiVersion": kind.api_version, "metadata": meta}
