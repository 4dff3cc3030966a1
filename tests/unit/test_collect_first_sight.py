"""A clean Pod takes a short way when it is first seen: it must come out as the long way would have it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tapio.collectors.kubeapi.changes import diff, pruned
from tapio.collectors.kubeapi.first_sight import FirstSight
from tapio.collectors.kubeapi.memory import Memory
from tapio.collectors.kubeapi.witness import Witness
from tapio.collectors.redaction import Redactor
from tapio.kube import KINDS, Seen
from tapio.raw import RawEvent

Json = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "canary-7Hq2zR9tXv4LpW"
HIDDEN = f"https://me:{SECRET}@host/"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(b"key")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    memory = Memory(tmp_path / "memory.sqlite")
    yield memory
    memory.close()


def pod(*, container: Json | None = None, status: Json | None = None, **meta: Any) -> Json:
    books = [{"manager": "kubelet", "subresource": "status", "time": "2026-01-01T10:00:05Z", "fieldsV1": {"f:x": {}}}]
    metadata = {
        "name": "api-1-x", "namespace": "shop", "uid": "u", "resourceVersion": "1", "generation": 1,
        "labels": {"app": "api"}, "creationTimestamp": "2026-01-01T10:00:00Z", "managedFields": books,
        "ownerReferences": [{"kind": "ReplicaSet", "name": "api-1", "controller": True}], **meta,
    }  # fmt: skip
    containers = [{"name": "app", "env": [{"name": "X", "value": "plain"}], **(container or {})}]
    spec = {"containers": containers, "nodeName": "node-1"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status or {}}


def seen(obj: Json) -> Seen:
    return Seen.of("ADDED", "u", obj["metadata"]["resourceVersion"], obj)


def tell(witness: Witness, obj: Json) -> RawEvent:
    draft = witness.seen(KINDS["Pod"], seen(obj), now=NOW)
    assert draft is not None
    return witness.finish(draft)


CLEAN: dict[str, Json] = {
    "plain": pod(),
    "without owner and labels": pod(labels=None, ownerReferences=None),
    "annotated": pod(annotations={"team": "shop"}),
    "named strangely": pod(labels={'a"b\\é<': "x"}),
    "probed": pod(container={"livenessProbe": {"httpGet": {"path": "/"}}, "args": ["serve", "--port=8080"]}),
    "failing": pod(status={"conditions": [{"message": f"password={SECRET}", "lastTransitionTime": None}]}),
    "started": pod(status={"startTime": "2026-01-01T10:09:00Z"}),
}


@pytest.mark.parametrize("obj", CLEAN.values(), ids=CLEAN.keys())
def test_a_clean_pod_is_told_and_remembered_as_the_long_way_does(
    redactor: Redactor, memory: Memory, monkeypatch: pytest.MonkeyPatch, obj: Json
) -> None:
    assert FirstSight(redactor).of(seen(obj)) is not None
    short = tell(Witness(memory, redactor), obj)
    known, body = memory.last("u"), memory.body("u")
    memory.stage_deleted("u")
    monkeypatch.setattr(FirstSight, "of", lambda *_: None)
    long = tell(Witness(memory, redactor), obj)
    assert (short.timestamp, short.type, short.metadata) == (long.timestamp, long.type, long.metadata)
    assert msgspec.json.decode(short.record) == msgspec.json.decode(long.record)
    assert memory.last("u") == known
    assert msgspec.json.decode(memory.body("u") or b"") == msgspec.json.decode(body or b"")
    assert SECRET.encode() not in bytes(short.data) + (body or b"")


HIDING: dict[str, Json] = {
    "env": pod(container={"env": [{"name": "URL", "value": HIDDEN}]}),
    "args": pod(container={"args": ["--password", SECRET]}),
    "command": pod(container={"command": ["sh", "-c", f"TOKEN={SECRET} run"]}),
    "probe": pod(container={"readinessProbe": {"exec": {"command": ["check", f"--token={SECRET}"]}}}),
    "header": pod(
        container={"startupProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": SECRET}]}}}
    ),
    "hook": pod(container={"lifecycle": {"preStop": {"exec": {"command": ["curl", HIDDEN]}}}}),
    "annotation": pod(annotations={"db-password": SECRET}),
    "last applied": pod(annotations={"kubectl.kubernetes.io/last-applied-configuration": SECRET}),
}


@pytest.mark.parametrize("obj", HIDING.values(), ids=HIDING.keys())
def test_a_pod_with_something_to_hide_is_read_whole(redactor: Redactor, memory: Memory, obj: Json) -> None:
    first_sight = FirstSight(redactor)
    assert first_sight.of(seen(pod())) is not None
    assert first_sight.of(seen(obj)) is None
    assert first_sight.of(seen(obj)) is None, "what hides something is never taken for cleared"
    event = tell(Witness(memory, redactor), obj)
    assert SECRET.encode() not in bytes(event.data) + (memory.body("u") or b"")


@pytest.mark.parametrize(
    "obj",
    [
        pod(deletionTimestamp="2026-01-01T11:00:00Z"),
        pod(annotations={"deployment.kubernetes.io/revision": "3"}),
        pod(creationTimestamp=None, managedFields=None),
        pod(status={"startTime": 7}),
        {**pod(), "spec": {"containers": "none"}},
    ],
)
def test_an_unusual_pod_is_read_whole(redactor: Redactor, obj: Json) -> None:
    assert FirstSight(redactor).of(seen(obj)) is None


def test_what_the_short_way_remembers_shows_the_next_change(redactor: Redactor, memory: Memory) -> None:
    witness = Witness(memory, redactor)
    tell(witness, pod())
    memory.commit()
    obj = pod(container={"env": [{"name": "X", "value": "other"}]}, resourceVersion="2")
    draft = witness.seen(KINDS["Pod"], Seen.of("MODIFIED", "u", "2", obj), now=NOW)
    assert draft is not None
    [change] = msgspec.json.decode(draft.data)["changes"]
    assert (change["before"], change["after"]) == ("plain", "other")
    assert not diff(pruned(obj), msgspec.json.decode(memory.body("u") or b""))
