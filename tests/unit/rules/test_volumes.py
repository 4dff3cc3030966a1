"""Volume rules by example and near-miss."""

from typing import Any

from tapio.unified import ObjectKey
from tests.unit.rules.scene import DEPLOYMENT, NS, POD, Json, Scene, codes, deployment, node, pod, unscheduled, when

CLAIM = ObjectKey("PersistentVolumeClaim", NS, "data")
_UNBOUND = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
_MISSING = '0/2 nodes are available: persistentvolumeclaim "data" not found. not found'
_NO_CLASS = 'storageclass.storage.k8s.io "fast" not found'


def claim(*, phase: str = "Pending", volume: str = "", **spec: Any) -> Json:
    meta = {"name": "data", "namespace": NS, "uid": "claim-data", "creationTimestamp": when(0)}
    asked = {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "volumeName": volume}
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": meta,
        "spec": {**asked, "resources": {"requests": {"storage": "5Gi"}}, **spec},
        "status": {"phase": phase},
    }


def volume(name: str = "disk", *, labels: Json | None = None, **spec: Any) -> Json:
    offered = {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "10Gi"}}
    meta = {"name": name, "uid": f"pv-{name}", "creationTimestamp": when(-60), "labels": labels or {}}
    return {"kind": "PersistentVolume", "metadata": meta, "spec": {**offered, **spec}, "status": {"phase": "Available"}}


def storage_class(name: str = "fast", *, provisioner: str = "csi.test", mode: str = "Immediate") -> Json:
    meta = {"name": name, "uid": f"class-{name}", "creationTimestamp": when(-60)}
    return {"kind": "StorageClass", "metadata": meta, "provisioner": provisioner, "volumeBindingMode": mode}


def waiting(message: str = _UNBOUND) -> Scene:
    mounts = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    scene = Scene().see(deployment(), at=0).see(node(), at=-5)
    return scene.see(unscheduled(pod(created=0.5, volumes=mounts), message, since=0.5), at=0.6)


# --- The class -------------------------------------------------------------------------------------------------------


def test_a_class_that_does_not_exist_is_told_by_the_claim_and_by_its_pod() -> None:
    scene = waiting().see(claim(), at=0.1).say(claim(), "ProvisioningFailed", _NO_CLASS, at=0.2)
    for subject, workload in ((CLAIM, None), (POD, DEPLOYMENT)):
        (link,) = scene.links(subject, at=2)
        assert (link.code, link.blame, link.workload) == ("scheduling.volume_class_missing", CLAIM, workload)
        assert link.attributes["storage_class"] == "fast"


def test_the_class_is_missing_by_the_objects_alone_too() -> None:
    scene = waiting().see(claim(), at=0.1).see(storage_class("slow"), at=0)
    assert codes(scene.links(POD, at=2)) == ["scheduling.volume_class_missing"]


def test_no_class_and_no_default_is_a_missing_class() -> None:
    said = "no persistent volumes available for this claim and no storage class is set"
    obj = claim(storageClassName="")
    (link,) = waiting().see(obj, at=0.1).say(obj, "FailedBinding", said, at=0.2).links(POD, at=2)
    assert link.code == "scheduling.volume_class_missing"


def test_a_claim_that_waits_for_its_first_pod_is_well() -> None:
    scene = Scene().see(claim(), at=0.1).see(storage_class(mode="WaitForFirstConsumer"), at=0)
    assert codes(scene.links(CLAIM, at=2)) == ["none.healthy"]


def test_a_bound_claim_is_well() -> None:
    assert codes(Scene().see(claim(phase="Bound"), at=0.1).links(CLAIM, at=2)) == ["none.healthy"]


def test_a_provisioner_that_fails_is_told_by_its_class() -> None:
    scene = waiting().see(storage_class(), at=0).see(claim(), at=0.1)
    assert codes(scene.links(CLAIM, at=0.5)) == ["none.starting"]
    scene.say(claim(), "ProvisioningFailed", "failed to provision volume: rpc error: quota", at=0.6)
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame.kind) == ("scheduling.volume_provisioning_failed", "StorageClass")


def test_a_provisioner_that_says_nothing_for_a_minute_is_told_too() -> None:
    scene = Scene().see(storage_class(), at=0).see(claim(), at=0.1)
    assert codes(scene.links(CLAIM, at=3)) == ["scheduling.volume_provisioning_failed"]


# --- The volumes -----------------------------------------------------------------------------------------------------


def test_the_one_thing_in_which_the_nearest_volume_differs_is_the_cause() -> None:
    other = {"namespace": "shop", "name": "other", "uid": "x"}
    cases: list[tuple[Json, Json, str]] = [
        ({"capacity": {"storage": "1Gi"}}, {}, "volume_capacity"),
        ({}, {"accessModes": ["ReadWriteMany"]}, "volume_access_mode"),
        ({}, {"selector": {"matchLabels": {"tier": "gold"}}}, "volume_selector"),
        ({"claimRef": other}, {}, "volume_claimed_elsewhere"),
    ]
    for offered, asked, code in cases:
        scene = waiting().see(volume(**offered), at=-1).see(claim(**asked), at=0.1)
        scene.say(claim(**asked), "ProvisioningFailed", _NO_CLASS, at=0.2)
        assert codes(scene.links(POD, at=2)) == [f"scheduling.{code}"]


def test_a_volume_that_fits_is_about_to_be_bound() -> None:
    scene = Scene().see(volume(), at=-1).see(claim(), at=0.1).see(storage_class(provisioner=""), at=0)
    assert codes(scene.links(CLAIM, at=0.5)) == ["none.starting"]


def test_volumes_of_another_class_are_not_compared() -> None:
    scene = waiting().see(volume(storageClassName="slow"), at=-1).see(claim(), at=0.1)
    scene.say(claim(), "ProvisioningFailed", _NO_CLASS, at=0.2)
    assert codes(scene.links(POD, at=2)) == ["scheduling.volume_class_missing"]


# --- The claim -------------------------------------------------------------------------------------------------------


def test_a_claim_that_was_never_there_blames_the_workload() -> None:
    (link,) = waiting(_MISSING).links(POD, at=2)
    assert (link.code, link.blame) == ("scheduling.volume_claim_missing", DEPLOYMENT)


def test_a_claim_that_was_deleted_is_to_blame() -> None:
    scene = waiting(_MISSING).see(claim(), at=-2).see(claim(), at=-1, deleted=True)
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame) == ("scheduling.volume_claim_missing", CLAIM)


# --- Out of reach ----------------------------------------------------------------------------------------------------


def test_a_volume_tied_to_a_node_that_is_gone() -> None:
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "host", "operator": "In", "values": ["gone"]}]}]}
    for words in ("had volume node affinity conflict", "didn't match PersistentVolume's node affinity"):
        scene = waiting(f"0/2 nodes are available: 2 node(s) {words}. preemption: 0/2 nodes are available.")
        scene.see(volume(nodeAffinity={"required": required}), at=-1).see(claim(phase="Bound", volume="disk"), at=0.1)
        (link,) = scene.links(POD, at=2)
        assert (link.code, link.blame.name) == ("scheduling.volume_node_affinity", "disk")


def test_a_cordon_on_the_volumes_node_is_the_cordons() -> None:
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "host", "operator": "In", "values": ["a"]}]}]}
    message = "0/2 nodes are available: 1 node(s) had volume node affinity conflict, 1 node(s) were unschedulable."
    home = node("node-a", labels={"host": "a"})
    home["spec"] = {"unschedulable": True}
    scene = waiting(message).see(home, at=-1)
    scene.see(volume(nodeAffinity={"required": required}), at=-1).see(claim(phase="Bound", volume="disk"), at=0.1)
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame.name) == ("scheduling.node_cordoned", "node-a")


def test_a_volume_held_by_another_node() -> None:
    mounts = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    obj = pod(created=0.5, volumes=mounts)
    said = (
        'Multi-Attach error for volume "disk" Volume is already exclusively attached to one node and can\'t be '
        "attached to another"
    )
    scene = Scene().see(claim(phase="Bound", volume="disk"), at=0).see(obj, at=0.6)
    (link,) = scene.say(obj, "FailedAttachVolume", said, at=0.7).links(POD, at=2)
    assert (link.code, link.blame) == ("scheduling.volume_multi_attach", CLAIM)


# --- Bound late, in use, on its way out ------------------------------------------------------------------------------

_LATE = "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. preemption: not helpful"
_LOCAL = "kubernetes.io/no-provisioner"


def test_a_claim_that_is_bound_late_and_that_nobody_makes_a_volume_for_is_to_blame_once_a_pod_wants_it() -> None:
    late = storage_class(provisioner=_LOCAL, mode="WaitForFirstConsumer")
    (link,) = waiting(_LATE).see(late, at=0).see(claim(), at=0.1).links(POD, at=3)
    assert (link.code, link.blame.kind) == ("scheduling.volume_provisioning_failed", "StorageClass")


def test_a_late_claim_whose_volumes_are_all_too_small_says_so() -> None:
    late = storage_class(provisioner=_LOCAL, mode="WaitForFirstConsumer")
    small = volume(capacity={"storage": "1Gi"})
    (link,) = waiting(_LATE).see(late, at=0).see(small, at=0).see(claim(), at=0.1).links(POD, at=3)
    assert link.code == "scheduling.volume_capacity"


def test_a_binding_that_timed_out_leads_to_the_provisioner() -> None:
    message = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
    scene = waiting(message).see(storage_class(mode="WaitForFirstConsumer"), at=0).see(claim(), at=0.1)
    scene.say(claim(), "ProvisioningFailed", "rpc error: code = Internal desc = UnauthorizedOperation", at=1, count=5)
    (link,) = scene.links(POD, at=3)
    assert link.code == "scheduling.volume_provisioning_failed"
    assert "UnauthorizedOperation" in link.summary


def test_a_claim_that_is_on_its_way_out_is_to_blame() -> None:
    leaving = claim(phase="Bound", volume="disk")
    leaving["metadata"]["deletionTimestamp"] = when(0.3)
    message = '0/2 nodes are available: persistentvolumeclaim "data" is being deleted. preemption: not helpful'
    (link,) = waiting(message).see(leaving, at=0.3).links(POD, at=3)
    assert (link.code, link.blame) == ("scheduling.volume_claim_missing", CLAIM)


def test_a_volume_for_one_pod_that_another_one_has() -> None:
    message = (
        "0/2 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod "
        "access mode. preemption: not helpful"
    )
    (link,) = waiting(message).see(claim(phase="Bound", volume="disk"), at=0.1).links(POD, at=3)
    assert (link.code, link.blame) == ("scheduling.volume_access_mode", CLAIM)
