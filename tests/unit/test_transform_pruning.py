"""What a transform leaves out of an object's state."""

from typing import Any

from benchmarks.workloads import Cluster
from tapio.raw import RawEvent, event_id
from tapio.transforms import transform
from tapio.unified import objects as k8s
from tests.unit.rules.scene import Scene, configmap


def state_of(event: RawEvent) -> Any:
    return transform(event, event_id(event))[0].object


def test_replicas_have_equal_containers_and_volumes() -> None:
    cluster = Cluster(1)
    one, other = (state_of(cluster.pod(0, number)) for number in range(2))
    assert isinstance(one, k8s.Pod)
    assert b"kube-api-access-" in bytes(cluster.pod(0, 0).data)
    assert [mount.name for mount in one.spec.containers[0].volume_mounts] == ["config", "kube-api-access"]
    assert (one.spec.containers, one.spec.volumes) == (other.spec.containers, other.spec.volumes)


def test_a_long_value_of_a_config_is_cut() -> None:
    (event,) = Scene().see(configmap("cfg", {"long": "x" * 1000, "short": "y"}), at=0).events
    assert {key: len(value) for key, value in state_of(event).data.items()} == {"long": 256, "short": 1}
