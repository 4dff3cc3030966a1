"""Which change counts: one that came before the trouble, by whole seconds, and near; of rollouts the newest."""

from datetime import datetime

import msgspec
import pytest

from tapio.correlators.temporal import in_time
from tapio.graph import Change, Link
from tests.unit.rules.scene import (
    NS,
    POD,
    Json,
    Scene,
    configmap,
    crash_looping,
    deployment,
    ended,
    pod,
    running,
    waiting,
    when,
    with_status,
)

OURS: Json = {
    "field": "spec.template.spec.containers[app].securityContext.runAsNonRoot", "before": None, "after": True,
}  # fmt: skip
LATER: Json = {"field": "spec.template.spec.containers[app].env[COLOUR].value", "before": "red", "after": "blue"}
MOUNTED = [{"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]
REFUSED = waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")
DENIED = crash_looping(ended(1, started=100.4, at=100.5, message="open /data/x: permission denied"))

BOTH_RULES = pytest.mark.parametrize(
    ("status", "code"),
    [(REFUSED, "startup.security_context"), (DENIED, "startup.volume_permission")],
    ids=["refused", "denied"],
)


def verdict(status: Json, code: str, *rollouts: tuple[float, Json]) -> Link:
    """The verdict on a pod of minute 100, after these rollouts."""
    scene = Scene().see(deployment(), at=0)
    for minute, change in rollouts:
        scene.see(deployment(), at=minute, changes=[change])
    obj = pod(created=100, containers=MOUNTED, volumes=[{"name": "data", "emptyDir": {}}])
    scene.see(with_status(obj, status, ready_since=100), at=100.6)
    return next(link for link in scene.links(POD, at=101) if link.code == code)


@BOTH_RULES
def test_the_rollout_that_made_the_pod_is_to_blame(status: Json, code: str) -> None:
    link = verdict(status, code, (99, OURS))
    assert link.change is not None
    assert link.change.field == OURS["field"]


@BOTH_RULES
def test_a_rollout_of_long_ago_is_not(status: Json, code: str) -> None:
    assert verdict(status, code, (10, OURS)).change is None


@BOTH_RULES
def test_a_rollout_that_another_one_followed_is_not(status: Json, code: str) -> None:
    assert verdict(status, code, (90, OURS), (99, LATER)).change is None


def unavailable(since: float) -> Json:
    """The Deployment once it has said since then that no pod of it is available."""
    obj = deployment()
    told = {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}
    obj["status"]["conditions"] = [told | {"lastTransitionTime": when(since)}]
    return obj


CRASH = crash_looping(ended(1, started=100.4, at=100.5, message="panic"))


@pytest.mark.parametrize(("since", "blamed"), [(91, "runAsNonRoot"), (98.8, "value")])
def test_a_rollout_of_what_was_in_trouble_already_did_not_bring_that_about(since: float, blamed: str) -> None:
    scene = Scene().see(deployment(available=1), at=0).see(deployment(available=1), at=90, changes=[OURS])
    scene.see(unavailable(since), at=since).see(unavailable(since), at=99, changes=[LATER])
    scene.see(with_status(pod(created=100), CRASH, ready_since=100), at=100.6)
    (link,) = scene.links(POD, at=101)
    assert link.code == "runtime.crash_after_change"
    assert link.change is not None
    assert link.change.field.endswith(blamed)


# --- Whole seconds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "onset", "counts"),
    [
        ("12:00:12", "12:00:12", True),
        ("12:00:12.300000", "12:00:12", True),  # a crash at 12.9 is told as of 12
        ("12:00:12.999999", "12:00:12", True),
        ("12:00:12.300000", "12:00:12.100000", True),
        ("12:00:13", "12:00:12", False),
        ("12:00:13.000001", "12:00:12.999999", False),
        ("11:30:12", "12:00:12", True),
        ("11:30:11", "12:00:12", False),
    ],
)
def test_a_change_comes_before_what_is_told_in_the_same_second(changed: str, onset: str, *, counts: bool) -> None:
    at = datetime.fromisoformat(f"2026-03-01T{changed}Z")
    change = Change(entity=POD, field="spec", before=None, after=None, actor="", at=at, event_id="1")
    assert in_time(change, datetime.fromisoformat(f"2026-03-01T{onset}Z")) is counts


SECOND = 1 / 60


@pytest.mark.parametrize(("changed", "counts"), [(0.3 * SECOND, True), (SECOND, False)])
def test_a_rollout_in_the_second_of_its_pods_creation_made_it(changed: float, *, counts: bool) -> None:
    change = OURS | {"at": when(100 + changed)}
    scene = Scene().see(deployment(), at=0).see(deployment(), at=100 + changed, changes=[change])
    scene.see(with_status(pod(created=100, containers=MOUNTED), REFUSED, ready_since=100), at=100.6)
    (link,) = scene.links(POD, at=101)
    assert (link.change is not None) is counts


FORBIDDEN = (
    'pods is forbidden: User "system:serviceaccount:shop:web" cannot list resource "pods" in API group "" in the '
    'namespace "shop"'
)


@pytest.mark.parametrize(
    ("deleted", "blamed"), [(0.3 * SECOND, "RoleBinding"), (0.999 * SECOND, "RoleBinding"), (SECOND, "ServiceAccount")]
)
@pytest.mark.parametrize("is_late", [False, True])
def test_a_deletion_in_the_second_of_the_crash_came_before_it(deleted: float, blamed: str, *, is_late: bool) -> None:
    subjects = [{"kind": "ServiceAccount", "name": "web", "namespace": NS}]
    meta = {"name": "reads", "namespace": NS, "uid": "binding", "creationTimestamp": when(0)}
    bound = {"kind": "RoleBinding", "metadata": meta, "roleRef": {"kind": "Role", "name": "r"}, "subjects": subjects}
    scene = Scene().see(deployment(), at=0).see(bound, at=0).see(bound, at=100 + deleted, deleted=True)
    *_, deletion = scene.events
    if is_late:
        scene.events.remove(deletion)
    end = ended(1, started=100, at=100, message=FORBIDDEN)
    scene.see(with_status(pod(created=99), crash_looping(end), ready_since=100), at=100)
    if is_late:
        scene.events.append(deletion)
    (link,) = (one for one in scene.links(POD, at=101) if one.code == "admission.rbac_denied")
    assert link.blame.kind == blamed


@pytest.mark.parametrize(("changed", "counts"), [(0.3 * SECOND, True), (SECOND, False)])
@pytest.mark.parametrize("how", ["env", "volume"])
def test_a_setting_that_changed_in_the_second_of_the_start_was_read(changed: float, how: str, *, counts: bool) -> None:
    reads: Json = {"name": "app"}
    if how == "env":
        reads["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    volumes = [{"name": "s", "configMap": {"name": "settings"}}] if how == "volume" else []
    change = {"field": "data.COLOUR", "before": "red", "after": "blue", "at": when(100 + changed)}
    scene = Scene().see(deployment(), at=0).see(configmap("settings", {"COLOUR": "red"}), at=0)
    scene.see(configmap("settings", {"COLOUR": "blue"}), at=100 + changed, changes=[change])
    end = ended(1, started=100, at=100, message="panic")
    obj = pod(created=99, containers=[reads], volumes=volumes)
    scene.see(with_status(obj, crash_looping(end), ready_since=100), at=100)
    (link,) = scene.links(POD, at=101)
    assert (link.code == "runtime.crash_after_change") is counts


SETTING: Json = {"field": "data.DB_HOST", "before": "db", "after": "db-new"}
READING = [{"name": "app", "envFrom": [{"configMapRef": {"name": "cfg"}}]}]


def restarted(*, changed: float, others: tuple[float, ...]) -> Link:
    """The verdict on a pod of minute 100 that crashes, with others of its workload, well since such minutes."""
    scene = Scene().see(configmap("cfg", {"DB_HOST": "db"}), at=-50).see(deployment(), at=-50)
    for place, minute in enumerate(others):
        beside = pod(f"web-{place + 2}", created=minute, containers=READING)
        scene.see(with_status(beside, running(minute), ready=True, ready_since=minute), at=minute)
    scene.see(configmap("cfg", {"DB_HOST": "db-new"}), at=changed, changes=[SETTING])
    scene.see(with_status(pod(created=100, containers=READING), CRASH, ready_since=100), at=100.6)
    return next(link for link in scene.links(POD, at=101) if link.code.startswith("runtime.crash"))


@pytest.mark.parametrize(
    ("changed", "others", "counts"),
    [
        (90, (), True),
        (20, (-40,), True),  # long ago, and no pod has started since
        (20, (-40, 50), False),  # one has, and is well with it
        (20, (), False),  # nobody is known to have been well before
    ],
)
def test_a_setting_that_changed_long_ago_counts_for_the_first_that_reads_it(
    changed: float, others: tuple[float, ...], *, counts: bool
) -> None:
    assert (restarted(changed=changed, others=others).change is not None) is counts


def anew(kind: str, at: float, data: dict[str, str] | None = None, *, uid: str) -> Json:
    made = configmap("cfg", data or {})
    made["metadata"] |= {"uid": uid, "creationTimestamp": when(at)}
    return made if kind == "ConfigMap" else {"kind": kind, "metadata": made["metadata"]}


def remade(kind: str, before: dict[str, str], after: dict[str, str], status: Json) -> Link:
    """The verdict on a pod of minute 100 whose settings were deleted and made anew just before."""
    old, new = anew(kind, -50, before, uid="one"), anew(kind, 99.5, after, uid="two")
    scene = Scene().see(old, at=-50).see(deployment(), at=0).see(old, at=99.4, deleted=True).see(new, at=99.5)
    how = "configMapRef" if kind == "ConfigMap" else "secretRef"
    reading = [{"name": "app", "envFrom": [{how: {"name": "cfg"}}]}]
    obj = with_status(pod(created=100, containers=reading), status, ready_since=100)
    (link,) = scene.see(obj, at=100.6).links(POD, at=101)
    return link


@pytest.mark.parametrize(
    ("kind", "after", "told"),
    [
        ("ConfigMap", {"A": "2", "B": "1"}, ("runtime.crash_after_change", "data.A", "1", "2")),
        ("ConfigMap", {"A": "1", "B": "1"}, ("runtime.crash_app", "", None, None)),
        ("Secret", {}, ("runtime.crash_after_change", "data", msgspec.UNSET, msgspec.UNSET)),
    ],
)
def test_settings_that_were_made_anew_count_as_far_as_they_differ(kind: str, after: Json, told: tuple[object]) -> None:
    link = remade(kind, {"A": "1", "B": "1"}, after, CRASH)
    change = link.change
    assert (link.code, *((change.field, change.before, change.after) if change else ("", None, None))) == told


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_a_key_that_was_not_made_anew_is_missed_by_the_object(kind: str) -> None:
    refused = waiting("CreateContainerConfigError", f"couldn't find key A in {kind} {NS}/cfg")
    link = remade(kind, {"A": "1", "B": "1"}, {"B": "1"}, refused)
    assert (link.code, link.blame.kind, link.blame.name) == ("startup.config_missing", kind, "cfg")
