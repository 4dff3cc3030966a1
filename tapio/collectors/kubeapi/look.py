"""One look at a cluster: every kind listed once, at the same time, with nothing remembered."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import msgspec

from tapio.collectors.kubeapi import losses
from tapio.collectors.kubeapi.enrich import Owners, about, key_of, metadata, owner_of, subject_of
from tapio.collectors.kubeapi.hindsight import changes_in_sight
from tapio.collectors.kubeapi.last_words import LINES
from tapio.collectors.kubeapi.logs import LOGS, Logged, look
from tapio.collectors.kubeapi.redaction import redact
from tapio.collectors.kubeapi.timestamps import source_time
from tapio.collectors.kubeapi.witness import logged
from tapio.collectors.redaction import ConfigMapValues, Redactor
from tapio.kube import Denied, Kind, KubeClient, Parts
from tapio.kube.client import refused
from tapio.kube.pages import named, pages
from tapio.kube.status import ApiError
from tapio.raw import RawEvent
from tapio.raw.event import raw_json
from tapio.raw.types import object_type
from tapio.times import rfc3339

Json = dict[str, Any]


class Lacking(msgspec.Struct, frozen=True):
    """A kind that could not be read, and why."""

    kind: str
    cause: str
    message: str


class Snapshot(msgspec.Struct, frozen=True):
    """What one look saw. `events` holds a `loss` for each of `lacking` too."""

    events: list[RawEvent]
    lacking: tuple[Lacking, ...]
    at: datetime


async def snapshot(  # noqa: PLR0913  the clock is an argument for the tests' sake
    client: KubeClient,
    kinds: Sequence[Kind],
    namespace: str | None = None,
    *,
    configmap_values: ConfigMapValues = "plain",
    log_lines: int = LINES,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Snapshot:
    """Lists every kind once, with `namespace` the namespaced ones there only, and reads the logs of what failed.

    Kinds that the account may not read are returned as lacking.

    Raises:
        ForbiddenError: none of the kinds may be read, or the credentials are refused.
        UnreachableError: the server does not answer, or fails.
    """
    answers = await asyncio.gather(*(_list(client, kind, namespace) for kind in kinds), return_exceptions=True)
    at = now()
    lacking: list[Denied] = []
    objects: list[Json] = []
    for kind, answer in zip(kinds, answers, strict=True):
        if isinstance(answer, ApiError) and (answer.denied or answer.absent):
            lacking.append(Denied.by(answer, kind, at))
        elif isinstance(answer, BaseException):
            raise _told(answer, client)
        else:
            objects += answer
    if kinds and len(lacking) == len(kinds):
        raise refused(next(a for a in answers if isinstance(a, ApiError)), client.cluster)
    redactor = Redactor(os.urandom(32), configmap_values=configmap_values)
    pods = (obj for obj in objects if obj["kind"] == "Pod")
    logs = await look(client, pods, redactor, log_lines)
    if logs.refused:
        lacking.append(Denied.by(logs.refused, LOGS, at))
    events = [*_events(objects, logs.logs, redactor, at), *(losses.denied(said) for said in lacking)]
    return Snapshot(events, tuple(Lacking(said.kind.name, said.cause, said.message) for said in lacking), at)


async def _list(client: KubeClient, kind: Kind, namespace: str | None) -> list[Json]:
    """All objects of a kind; a listing whose pages expire on the way is begun again once."""
    try:
        return await _list_once(client, kind, namespace)
    except ApiError as error:
        if not error.expired:
            raise
        return await _list_once(client, kind, namespace)


async def _list_once(client: KubeClient, kind: Kind, namespace: str | None) -> list[Json]:
    objects: list[Json] = []
    async with aclosing(pages(client, kind, namespace)) as all_pages:
        async for page in all_pages:
            objects += (_read(named(kind, item)) for item in page.items or ())
    return objects


def _read(parts: Parts) -> Json:
    return {name: msgspec.json.decode(part) for name, part in parts.items()}


def _told(error: BaseException, client: KubeClient) -> BaseException:
    if not isinstance(error, ApiError):
        return error
    if error.unauthorized:
        return refused(error, client.cluster)
    return client.unreachable(error)


def _events(objects: Sequence[Json], logs: Sequence[Logged], redactor: Redactor, at: datetime) -> Iterable[RawEvent]:
    owners = Owners((key_of(obj), owner_of(obj)) for obj in objects if obj.get("kind") != "Event")
    for obj in objects:
        redact(obj, redactor)
    changes = changes_in_sight(objects)
    observed_at = rfc3339(at)
    for obj in objects:
        timestamp = source_time(obj) or at
        obj["metadata"].pop("managedFields", None)
        record: Json = {"type": "ADDED", "object": obj}
        if found := changes.get(obj["metadata"].get("uid", "")):
            record["changes"] = found
        yield RawEvent(
            timestamp=timestamp,
            type=object_type(obj["kind"], "ADDED"),
            data=raw_json(record),
            metadata=metadata(about(obj), owners.root(subject_of(obj)), observed_at=observed_at),
        )
    for said in logs:
        draft = logged(said, now=at)
        meta = metadata(draft.about, owners.root(draft.subject), observed_at=observed_at)
        yield RawEvent(timestamp=draft.timestamp, type=draft.type, data=draft.data, metadata=meta)
