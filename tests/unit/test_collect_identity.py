"""When it happened and whose it is."""

from datetime import UTC, datetime
from typing import Any

from tapio.collectors.kubeapi.enrich import Owners, about, key_of, metadata, owner_of, subject_of
from tapio.collectors.kubeapi.timestamps import deletion_asked, source_time
from tapio.raw import ObjectKey

Json = dict[str, Any]
CREATED = "2026-01-01T00:00:00Z"


def at(hour: int, second: int = 0, micro: int = 0) -> datetime:
    return datetime(2026, 1, 1, hour, 0, second, micro, tzinfo=UTC)


def pod(**more: Any) -> Json:
    return {
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop", "creationTimestamp": CREATED, **more.pop("metadata", {})},
        **more,
    }


def event(**more: Any) -> Json:
    return {"kind": "Event", "metadata": {"creationTimestamp": CREATED, "name": "e", "namespace": "shop"}, **more}


def test_an_event_happened_when_it_last_occurred() -> None:
    times = {"firstTimestamp": "2026-01-01T01:00:00Z", "lastTimestamp": "2026-01-01T03:00:00Z"}
    assert source_time(event(**times)) == at(3)
    assert source_time(event(**times, series={"lastObservedTime": "2026-01-01T05:00:00.000001Z"})) == at(5, 0, 1)


def test_an_event_whose_times_are_null() -> None:
    assert source_time(event(eventTime=None, lastTimestamp=None, firstTimestamp=None)) == at(0)
    assert source_time(event(eventTime="2026-01-01T02:00:00.000000Z", lastTimestamp=None)) == at(2)


def test_an_object_without_any_write_happened_when_it_was_made() -> None:
    assert source_time(pod()) == at(0)
    assert source_time({"kind": "Pod", "metadata": {}}) is None


def test_the_newest_of_writes_conditions_and_containers() -> None:
    written = {"managedFields": [{"time": "2026-01-01T01:00:00Z"}, {"manager": "no time"}]}
    assert source_time(pod(metadata=written)) == at(1)
    condition = {"lastTransitionTime": "2026-01-01T02:00:00Z", "lastProbeTime": None}
    assert source_time(pod(metadata=written, status={"conditions": [condition]})) == at(2)
    state = {"terminated": {"startedAt": "2026-01-01T03:00:00Z", "finishedAt": "2026-01-01T04:00:00Z"}}
    containers = [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": state}]
    assert source_time(pod(status={"conditions": [condition], "containerStatuses": containers})) == at(4)


def test_fractions_of_a_second_are_newer() -> None:
    conditions = [{"lastTransitionTime": "2026-01-01T02:00:00.5Z"}, {"lastTransitionTime": "2026-01-01T02:00:00Z"}]
    assert source_time(pod(status={"conditions": conditions})) == at(2, 0, 500_000)


def test_a_deletion_counts_from_when_it_was_asked_for() -> None:
    asked = pod(metadata={"deletionTimestamp": "2026-01-01T02:00:30Z", "deletionGracePeriodSeconds": 30})
    assert deletion_asked(asked) == source_time(asked) == at(2)


def test_a_bad_time_is_no_time() -> None:
    assert source_time(pod(status={"startTime": "not a time"})) is None


def owned(kind: str, name: str, *owners: tuple[str, str, bool], namespace: str = "shop") -> Json:
    refs = [{"kind": owner, "name": owner_name, "controller": controls} for owner, owner_name, controls in owners]
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "ownerReferences": refs}}


def learnt(*objects: Json) -> Owners:
    return Owners((key_of(obj), owner_of(obj)) for obj in objects)


REPLICA_SET = owned("ReplicaSet", "checkout-1", ("Deployment", "checkout", True))
POD = owned("Pod", "checkout-1-x", ("ReplicaSet", "checkout-1", True))


def test_the_root_is_the_topmost_owner_known() -> None:
    assert learnt(POD).root(key_of(POD)) == ObjectKey("ReplicaSet", "shop", "checkout-1")
    assert str(learnt(POD, REPLICA_SET).root(key_of(POD))) == "Deployment/shop/checkout"


def test_who_has_no_owner_is_its_own_root() -> None:
    assert str(learnt().root(ObjectKey("Node", "", "node-1"))) == "Node//node-1"


def test_the_controller_comes_before_other_owners() -> None:
    both = owned("Pod", "p", ("Config", "c", False), ("ReplicaSet", "r", True))
    assert owner_of(both) == ObjectKey("ReplicaSet", "shop", "r")
    meta = metadata(about(both), key_of(both), observed_at="")
    assert meta.k8s_owner_refs == "ReplicaSet/r,Config/c"


def test_a_cluster_wide_owner_has_no_namespace() -> None:
    assert owner_of(owned("Pod", "etcd", ("Node", "node-1", True))) == ObjectKey("Node", "", "node-1")


def test_an_event_is_about_the_object_it_involves() -> None:
    happened = event(involvedObject={"kind": "Pod", "namespace": "shop", "name": "checkout-1-x"})
    owners = learnt(POD, REPLICA_SET)
    meta = metadata(about(happened), owners.root(subject_of(happened)), observed_at="2026-01-01T00:00:00Z")
    assert (meta.k8s_kind, meta.k8s_name, meta.k8s_root) == ("Event", "e", "Deployment/shop/checkout")
    node = event(involvedObject={"kind": "Node", "name": "node-1", "namespace": ""})
    assert str(subject_of(node)) == "Node//node-1"


def test_a_loop_of_owners_ends() -> None:
    a, b = owned("A", "a", ("B", "b", True)), owned("B", "b", ("A", "a", True))
    assert learnt(a, b).root(key_of(a)).kind in {"A", "B"}


def test_the_owner_of_a_deleted_object_is_kept_for_its_last_events() -> None:
    owners = learnt(POD, REPLICA_SET)
    owners.deleted(key_of(POD))
    assert str(owners.root(key_of(POD))) == "Deployment/shop/checkout"
