"""What turned a client away, and what ran out, by example and near-miss."""

from typing import Any

import pytest

from tapio.unified import ObjectKey
from tapio.why.phrases import rule_of
from tests.unit.rules.scene import (
    DEPLOYMENT,
    NS,
    POD,
    Json,
    Scene,
    codes,
    crash_looping,
    deployment,
    ended,
    node,
    pod,
    running,
    service,
    waiting,
    when,
    with_status,
)

NODE = ObjectKey("Node", "", "node-1")
FULL = "FATAL: sorry, too many clients already"


def crashed(words: str, *, exit_code: int = 1, **spec: Any) -> Scene:
    end = ended(exit_code, started=1.9, at=2, message=words)
    scene = Scene().see(node(), at=-10).see(deployment(), at=0)
    return scene.see(with_status(pod(**spec), crash_looping(end), ready_since=2), at=2.1)


def deeper(scene: Scene, at: float = 3) -> list[Any]:
    return [link for link in scene.links(POD, at) if link.code != "runtime.crash_app"]


def told_of(*hosts: str) -> list[Json]:
    env = [{"name": f"HOST_{place}", "value": host} for place, host in enumerate(hosts)]
    return [{"name": "app", "image": "web:1", "env": env}]


def backed(scene: Scene, *names: str) -> Scene:
    for name in names:
        scene.see(service(name), at=-60)
        scene.see(with_status(pod(f"{name}-1", owner=name), running(-50), ready=True, ready_since=-50), at=-50)
    return scene


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (FULL, "runtime.dependency_connections"),
        ("Error 1040 (HY000): Too many connections", "runtime.dependency_connections"),
        ("ERR max number of clients reached", "runtime.dependency_connections"),
        ("READONLY You can't write against a read only replica.", "runtime.dependency_readonly"),
        ("ERROR: cannot execute INSERT in a read-only transaction", "runtime.dependency_readonly"),
    ],
)
def test_a_backend_that_turns_its_client_away_is_to_blame(words: str, code: str) -> None:
    scene = backed(crashed(words, containers=told_of("db:5432")), "db", "other")
    (link,) = deeper(scene)
    assert (link.code, link.blame) == (code, ObjectKey("Deployment", NS, "db"))


def test_which_of_two_backends_is_not_known_is_not_guessed() -> None:
    (link,) = deeper(backed(crashed(FULL, containers=told_of("db", "other")), "db", "other"))
    assert link.blame == DEPLOYMENT
    assert link.confidence < 0.8


def test_the_address_in_the_line_tells_which_backend_it_is() -> None:
    words = f"connect to db:5432: {FULL}"
    (link,) = deeper(backed(crashed(words, containers=told_of("db", "other")), "db", "other"))
    assert link.blame == ObjectKey("Deployment", NS, "db")


# --- What the API server forbids -------------------------------------------------------------------------------------

FORBIDDEN = (
    'pods is forbidden: User "system:serviceaccount:shop:web" cannot list resource "pods" in API group "" in the '
    'namespace "shop"'
)


def binding(name: str, account: str, role: str = "reader") -> Json:
    meta = {"name": name, "namespace": NS, "uid": f"binding-{name}", "creationTimestamp": when(-60)}
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": NS}]
    return {"kind": "RoleBinding", "metadata": meta, "roleRef": {"kind": "Role", "name": role}, "subjects": subjects}


def test_a_binding_that_was_deleted_is_to_blame_for_what_is_forbidden() -> None:
    scene = crashed(FORBIDDEN)
    for name, account in (("mine", "web"), ("theirs", "other")):
        scene.see(binding(name, account), at=-60).see(binding(name, account), at=1, deleted=True)
    (link,) = deeper(scene)
    assert (link.code, link.blame) == ("admission.rbac_denied", ObjectKey("RoleBinding", NS, "mine"))


def test_a_role_that_lost_a_rule_is_to_blame() -> None:
    meta = {"name": "reader", "namespace": NS, "uid": "role-reader"}
    role = {"kind": "Role", "metadata": meta, "rules": []}
    change = {"field": "rules[0].verbs", "before": ["get", "list"], "after": ["get"]}
    scene = crashed(FORBIDDEN).see(binding("mine", "web"), at=-60).see(role, at=-60).see(role, at=1, changes=[change])
    (link,) = deeper(scene)
    assert link.blame == ObjectKey("Role", NS, "reader")


def test_an_account_that_never_might_is_to_blame_itself() -> None:
    scene = crashed(FORBIDDEN).see(binding("mine", "web"), at=-60).see(binding("late", "web"), at=2.5, deleted=True)
    (link,) = deeper(scene)
    assert (link.blame, link.change) == (ObjectKey("ServiceAccount", NS, "web"), None)


# --- What ran out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["ErrImagePull", "CreateContainerError"])
def test_a_node_without_room_for_an_image_or_a_container_is_to_blame(reason: str) -> None:
    message = "failed to extract layer sha256:ab: write /var/lib/containerd/x: no space left on device: unknown"
    scene = Scene().see(node(), at=-10).see(with_status(pod(), waiting(reason, message), phase="Pending"), at=1)
    (link,) = scene.links(POD, at=2)
    assert (link.code, link.blame) == ("node.pressure_disk", NODE)


def test_a_program_that_fills_its_volume_is_not_the_nodes_fault() -> None:
    assert deeper(crashed("write /data/db: no space left on device")) == []


def test_the_kernel_killed_for_the_nodes_sake() -> None:
    scene = crashed("", exit_code=137)
    kubelets = {**node(), "metadata": {**node()["metadata"], "uid": "node-1"}}  # the kubelet names itself so
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]
    scene.say(kubelets, "SystemOOM", "System OOM encountered, victim process: web, pid: 17", at=2)
    (link,) = deeper(scene)
    assert (link.code, link.blame) == ("runtime.node_oom", NODE)


def test_an_oom_of_the_node_at_another_time_killed_somebody_else() -> None:
    scene = crashed("", exit_code=137).say(node(), "SystemOOM", "System OOM encountered, victim process: x", at=1)
    assert deeper(scene) == []


def test_a_program_out_of_descriptors_says_so() -> None:
    (link,) = deeper(crashed("accept tcp [::]:80: accept4: too many open files"))
    assert (link.code, link.blame) == ("performance.fd_exhausted", DEPLOYMENT)


def filling(words: str, **volume: object) -> Scene:
    mounts = [{"name": "data", "mountPath": "/data"}]
    containers = [{"name": "app", "volumeMounts": mounts}]
    obj = pod(containers=containers, volumes=[{"name": "data", **volume}])
    status = crash_looping(ended(1, started=1, at=2, message=words))
    return Scene().see(node(), at=-10).see(with_status(obj, status), at=2.1)


def full(scene: Scene) -> list[ObjectKey]:
    return [one.blame for one in scene.links(POD, at=3) if one.code == "runtime.volume_full"]


CLAIM = {"persistentVolumeClaim": {"claimName": "web-data"}}


def test_a_claim_that_is_full_is_to_blame() -> None:
    claim = ObjectKey("PersistentVolumeClaim", NS, "web-data")
    assert full(filling("write /data/wal/1: no space left on device", **CLAIM)) == [claim]
    assert full(filling("PANIC: could not write: No space left on device", **CLAIM)) == [claim]
    assert full(filling("open /data/x: disk quota exceeded", emptyDir={})) == [DEPLOYMENT]


def test_what_is_full_may_be_no_volume_of_its_own() -> None:
    assert full(filling("write /var/log/x: no space left on device", **CLAIM)) == []
    assert full(filling("write /data/x: no space left on device", hostPath={"path": "/data"})) == []
    assert full(filling("No space left on device", emptyDir={})) == []
    assert full(filling("write /data/x: permission denied", **CLAIM)) == []


def test_the_rule_that_an_answer_names_is_the_first_causes_and_not_a_shallower_ones() -> None:
    answer = filling("write /data/x: no space left on device", **CLAIM).answer("pod/web-1", at=3)
    assert rule_of(answer) == "runtime.volume_full@1"
