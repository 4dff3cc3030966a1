"""What of an object stands still while its status moves: most updates of a cluster need no more than that told apart.

An object's wish (all but its status and books) is compared as the bytes that came. Where they are those of the version
before, nothing changed, and where redaction had nothing to take out of them, they go out as they came. Only the status
is looked into.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec.structs import astuple

from tapio.collectors.kubeapi.enrich import About
from tapio.collectors.kubeapi.redaction import redact_status
from tapio.collectors.kubeapi.timestamps import order_of
from tapio.collectors.redaction import Redactor
from tapio.kube import Parts

_MESSAGE = re.compile(rb'"message"')  # all of a status that people and programs write words into
BOOKS = frozenset({"managedFields", "resourceVersion", "generation", "selfLink"})
# What moves in the status of a running pod: each container's state, which concerns nobody but the pod's own rules.
_OF_CONTAINERS = frozenset({"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"})


class Standing(NamedTuple):
    """The last version of an object: hashes of its wish and of its status, and what events about it carry."""

    wish: int
    status: int
    clean: bool  # whether redaction leaves the wish's bytes as they are
    about: About


class _Times(msgspec.Struct, rename="camel", gc=False):
    """Every time that `timestamps.source_time` reads in a condition or a container's state."""

    time: str | None = None
    last_transition_time: str | None = None
    last_update_time: str | None = None
    last_probe_time: str | None = None
    last_heartbeat_time: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


class _Container(msgspec.Struct, rename="camel", gc=False):
    state: dict[str, _Times] | None = None
    last_state: dict[str, _Times] | None = None


class _Status(msgspec.Struct, rename="camel", gc=False):
    conditions: list[_Times] | None = None
    container_statuses: list[_Container] | None = None
    init_container_statuses: list[_Container] | None = None
    ephemeral_container_statuses: list[_Container] | None = None
    start_time: str | None = None
    completion_time: str | None = None
    last_schedule_time: str | None = None
    last_successful_time: str | None = None


_statuses = msgspec.json.Decoder(_Status)
_entries = msgspec.json.Decoder(list[_Times])
_values = msgspec.json.Decoder()
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


def wish_of(parts: Parts, metadata: Parts) -> int:
    """A hash of everything in an object but its status and its books; equal bytes, equal wish."""
    held = [part for name, part in metadata.items() if name not in BOOKS]
    held += (part for name, part in parts.items() if name not in {"metadata", "status"})
    return hash(b"\0".join(held))


def status_of(parts: Parts) -> int:
    """A hash of an object's status but for its containers; equal bytes, equal status."""
    status = parts.get("status")
    if not status or status == b"null":
        return 0
    try:
        held = _parts.decode(status)
    except msgspec.DecodeError:
        return hash(bytes(status))
    return hash(b"\0".join([part for name, part in held.items() if name not in _OF_CONTAINERS]))


def newest_time(parts: Parts, metadata: Parts) -> str:
    """The newest time in an object that is not being deleted, as it stands there.

    Raises:
        msgspec.DecodeError: a time is no string.
    """
    times = [_values.decode(metadata["creationTimestamp"])] if "creationTimestamp" in metadata else []
    if books := metadata.get("managedFields"):
        times += [entry.time for entry in _entries.decode(books)]
    if status := parts.get("status"):
        times += _of_status(_statuses.decode(status))
    return max(filter(None, times), key=order_of, default="")


def _of_status(status: _Status) -> list[str | None]:
    times = [status.start_time, status.completion_time, status.last_schedule_time, status.last_successful_time]
    for condition in status.conditions or ():
        times += astuple(condition)
    for containers in (status.container_statuses, status.init_container_statuses, status.ephemeral_container_statuses):
        for container in containers or ():
            for state in (container.state, container.last_state):
                for run in (state or {}).values():
                    times += (run.started_at, run.finished_at)
    return times


def whole(parts: Parts, metadata: Parts, redactor: Redactor) -> bytes:
    """The bytes of an object that is clean but for its status, which is redacted; without managedFields."""
    meta = joined({name: part for name, part in metadata.items() if name != "managedFields"})
    fields: dict[str, msgspec.Raw | bytes] = {**parts, "metadata": meta}
    if (status := parts.get("status")) and _MESSAGE.search(status):
        read = _values.decode(status)
        redact_status(read, redactor)
        fields["status"] = _encode(read)
    return joined(fields)


def joined(fields: Mapping[str, msgspec.Raw | bytes]) -> bytes:
    """A JSON object of these fields, of which there is at least one."""
    pieces: list[msgspec.Raw | bytes] = []
    for name, value in fields.items():
        pieces += (_following(name), value)
    pieces[0] = b"{" + _following(next(iter(fields)))[1:]
    pieces.append(b"}")
    return b"".join(pieces)


@lru_cache(maxsize=1_000)
def _following(name: str) -> bytes:
    """A field's name, as it stands after another field."""
    return b",%b:" % _encode(name)
