"""An update of a status alone takes a short way: it must come out as the long way would have it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tapio.collectors.kubeapi.memory import Memory
from tapio.collectors.kubeapi.witness import Witness
from tapio.collectors.redaction import Redactor
from tapio.kube import KINDS, Seen
from tapio.raw import RawEvent

Json = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "canary-7Hq2zR9tXv4LpW"


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    memory = Memory(tmp_path / "memory.sqlite")
    yield Witness(memory, Redactor(b"key"))
    memory.close()


def pod(version: int, status: Json, *, env: str = "plain", **meta: Any) -> Json:
    entries = [{"manager": "kubelet", "subresource": "status", "time": "2026-01-01T10:00:05Z", "fieldsV1": {}}]
    owners = [{"kind": "ReplicaSet", "name": "api-1", "controller": True}]
    metadata = {
        "name": "api-1-x", "namespace": "shop", "uid": "u", "resourceVersion": str(version), "labels": {"app": "api"},
        "creationTimestamp": "2026-01-01T10:00:00Z", "ownerReferences": owners, "managedFields": entries, **meta,
    }  # fmt: skip
    spec = {"containers": [{"name": "app", "args": ["a && b"], "env": [{"name": "X", "value": env}]}]}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status}


def tell(witness: Witness, obj: Json, type_: Any = "MODIFIED") -> RawEvent:
    draft = witness.seen(KINDS["Pod"], Seen.of(type_, "u", obj["metadata"]["resourceVersion"], obj), now=NOW)
    assert draft is not None
    return witness.finish(draft)


def told(event: RawEvent) -> tuple[Any, ...]:
    record = msgspec.json.decode(event.record)
    record.pop("unmoved", None)  # who sees an object for the first time cannot know
    return event.timestamp, event.type, event.metadata, record


STATUSES: tuple[Json, ...] = (
    {},
    {"phase": "Running", "startTime": "2026-01-01T10:00:07Z"},
    {"conditions": [{"type": "Ready", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T10:00:07.5Z"}]},
    {"conditions": [{"type": "Ready", "message": f"password={SECRET}", "lastTransitionTime": "2026-01-01T10:09:00Z"}]},
    {"containerStatuses": [{"state": {"terminated": {"finishedAt": "2026-01-01T11:00:00Z", "message": SECRET}}}]},
    {"initContainerStatuses": [{"lastState": {"terminated": {"startedAt": "2026-01-01T11:00:00Z"}}}]},
    {"conditions": "not a list"},
    {"startTime": 7},
)


@pytest.mark.parametrize("status", STATUSES)
def test_the_short_way_tells_what_the_long_way_tells(witness: Witness, tmp_path: Path, status: Json) -> None:
    for version in (1, 2):
        tell(witness, pod(version, {"phase": "Pending"}), "ADDED" if version == 1 else "MODIFIED")
    memory = Memory(tmp_path / "other.sqlite")
    try:
        long_way = tell(Witness(memory, Redactor(b"key")), pod(3, status))
    finally:
        memory.close()
    short_way = tell(witness, pod(3, status))
    assert told(short_way) == told(long_way)
    assert SECRET.encode() not in bytes(short_way.data)
    assert b"managedFields" not in bytes(short_way.data)


READY: Json = {"conditions": [{"type": "Ready", "status": "True"}]}
RUNS: Json = READY | {"containerStatuses": [{"restartCount": 1}]}
HIDDEN = f"https://me:{SECRET}@host/"  # redacted, so its object never takes the short way


@pytest.mark.parametrize("env", ["plain", HIDDEN])
def test_what_stands_as_in_the_version_before_is_named(witness: Witness, env: str) -> None:
    first = tell(witness, pod(1, READY, env=env), "ADDED")
    restarted = tell(witness, pod(2, RUNS, env=env))
    unready = tell(witness, pod(3, {"conditions": [{"type": "Ready", "status": "False"}]}, env=env))
    changed = tell(witness, pod(4, {"conditions": [{"type": "Ready", "status": "False"}]}, env="other"))
    labelled = tell(witness, pod(5, {"conditions": [{"type": "Ready", "status": "False"}]}, env="other", labels={}))
    named = [msgspec.json.decode(one.record).get("unmoved") for one in (first, restarted, unready, changed, labelled)]
    assert named == [None, ["wish", "status"], ["wish"], None, None]


def test_after_a_restart_nothing_is_said_to_stand(witness: Witness, tmp_path: Path) -> None:
    tell(witness, pod(1, READY), "ADDED")
    memory = Memory(tmp_path / "memory.sqlite")
    try:
        assert "unmoved" not in msgspec.json.decode(tell(Witness(memory, Redactor(b"key")), pod(2, READY)).record)
    finally:
        memory.close()


def test_a_change_after_many_updates_of_the_status_is_still_seen(witness: Witness) -> None:
    tell(witness, pod(1, {}), "ADDED")
    for version in range(2, 6):
        assert "changes" not in msgspec.json.decode(tell(witness, pod(version, {"phase": str(version)})).record)
    [change] = msgspec.json.decode(tell(witness, pod(6, {}, env="other")).record)["changes"]
    assert (change["before"], change["after"]) == ("plain", "other")


def test_a_wish_with_a_secret_never_takes_the_short_way(witness: Witness) -> None:
    tell(witness, pod(1, {}, env=f"https://me:{SECRET}@host/"), "ADDED")
    for version in range(2, 5):
        event = tell(witness, pod(version, {"phase": str(version)}, env=f"https://me:{SECRET}@host/"))
        assert SECRET.encode() not in bytes(event.data)
        assert b"[redacted:" in bytes(event.data)


def test_a_deletion_asked_for_is_dated_by_the_asking(witness: Witness) -> None:
    for version in (1, 2, 3):
        tell(witness, pod(version, {}), "ADDED" if version == 1 else "MODIFIED")
    asked: Json = {"deletionTimestamp": "2026-01-01T11:00:30Z", "deletionGracePeriodSeconds": 30}
    for version in (4, 5, 6):
        assert tell(witness, pod(version, {}, **asked)).timestamp == datetime(2026, 1, 1, 11, tzinfo=UTC)


def test_a_change_that_left_no_time_is_dated_by_whoever_saw_it_and_nothing_is_older_after_it(witness: Witness) -> None:
    """`kubectl scale` leaves no time in managedFields."""
    tell(witness, pod(1, {}), "ADDED")
    assert tell(witness, pod(2, {}, env="other")).timestamp == NOW
    assert tell(witness, pod(3, {"phase": "Running"}, env="other")).timestamp == NOW


def test_a_change_that_left_its_time_is_dated_by_that(witness: Witness) -> None:
    tell(witness, pod(1, {}), "ADDED")
    entries = [{"manager": "kubectl", "time": "2026-01-01T11:00:00Z", "fieldsV1": {}}]
    told_at = tell(witness, pod(2, {}, env="other", managedFields=entries)).timestamp
    assert told_at == datetime(2026, 1, 1, 11, tzinfo=UTC)
