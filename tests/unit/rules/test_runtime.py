"""Runtime rules by example and near-miss."""

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    DEPLOYMENT,
    NS,
    POD,
    Json,
    Scene,
    codes,
    configmap,
    crash_looping,
    deployment,
    ended,
    node,
    pod,
    running,
    stopped,
    with_status,
)

CONFIG = ObjectKey("ConfigMap", NS, "web-config")
DB_HOST: Json = {"field": "data.DB_HOST", "before": "db", "after": "db-new"}


def crashing(**kwargs: object) -> Scene:
    """A pod that crashes from minute 2 on, on a healthy node."""
    obj = pod(**kwargs)  # type: ignore[arg-type]  # the spec's fields are any JSON
    end = ended(1, started=1.9, at=2, message="cannot reach db-new")
    scene = Scene().see(node(), at=-10).see(deployment(), at=0)
    scene.see(with_status(obj, running(0.1), ready=True), at=0.2)
    scene.see(with_status(obj, stopped(end), ready_since=2), at=2)
    return scene.see(with_status(obj, crash_looping(end), ready_since=2), at=2.1)


def reading_env(key: str = "") -> Json:
    if not key:
        return {"name": "app", "envFrom": [{"configMapRef": {"name": "web-config"}}]}
    source = {"configMapKeyRef": {"name": "web-config", "key": key}}
    return {"name": "app", "env": [{"name": key, "valueFrom": source}]}


def changed_config(scene: Scene, at: float, change: Json = DB_HOST) -> Scene:
    scene.see(configmap("web-config", {"DB_HOST": "db"}), at=-60)
    return scene.see(configmap("web-config", {"DB_HOST": "db-new"}), at=at, changes=[change])


def test_a_program_that_ends_by_itself_is_its_own_fault() -> None:
    (link,) = crashing().links(POD, at=3)
    assert (link.code, link.blame) == ("runtime.crash_app", DEPLOYMENT)
    assert link.attributes["exit_code"] == 1
    assert link.attributes["last_line"] == "cannot reach db-new"
    assert "node.pressure_memory" in [one.code for one in link.ruled_out]


def test_a_signal_is_told_from_the_exit_code() -> None:
    end = ended(139, started=1, at=2)
    scene = Scene().see(with_status(pod(), crash_looping(end)), at=2.1)
    assert scene.links(POD, at=3)[0].attributes["signal"] == 11


def test_a_good_end_of_what_should_stay_up_is_a_crash_when_it_repeats() -> None:
    end = ended(0, started=1, at=2, reason="Completed")
    assert codes(Scene().see(with_status(pod(), crash_looping(end)), at=2.1).links(POD, at=3)) == ["runtime.crash_app"]
    once = Scene().see(with_status(pod(), stopped(end)), at=2.1)
    assert codes(once.links(POD, at=3)) == ["none.starting"]


def test_a_changed_config_that_the_container_reads_is_to_blame() -> None:
    scene = changed_config(crashing(containers=[reading_env()]), at=1)
    (link,) = scene.links(POD, at=3)
    assert (link.code, link.blame, link.workload) == ("runtime.crash_after_change", CONFIG, DEPLOYMENT)
    assert link.change is not None
    assert (link.change.field, link.change.before, link.change.after) == ("data.DB_HOST", "db", "db-new")
    assert link.change.actor == "kubectl"


def test_a_change_of_a_config_nobody_reads_is_not() -> None:
    assert codes(changed_config(crashing(), at=1).links(POD, at=3)) == ["runtime.crash_app"]


def test_a_change_of_another_key_than_the_one_read_is_not() -> None:
    scene = changed_config(crashing(containers=[reading_env("COLOUR")]), at=1)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]


def test_a_change_after_the_first_crash_is_not_its_cause() -> None:
    scene = changed_config(crashing(containers=[reading_env()]), at=2.05)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]


def test_environment_that_changed_while_the_container_ran_on_has_not_reached_it() -> None:
    obj = pod(containers=[reading_env()])
    end = ended(1, started=0.1, at=2)
    scene = changed_config(Scene(), at=1)
    scene.see(with_status(obj, running(0.1), ready=True), at=0.2)
    scene.see(with_status(obj, crash_looping(end, restarts=1)), at=2.1)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]
    again = ended(1, started=2.5, at=2.6)
    scene.see(with_status(obj, crash_looping(again, restarts=2)), at=2.7)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]


def test_a_rollout_that_changed_the_container_is_to_blame() -> None:
    change = {
        "field": "spec.template.spec.containers[app].env[DB_HOST].value",
        "before": "db",
        "after": "db-new",
    }
    scene = crashing(created=0.5)
    scene.see(deployment(), at=0.4, changes=[change])
    (link,) = scene.links(POD, at=3)
    assert (link.code, link.blame) == ("runtime.crash_after_change", DEPLOYMENT)
    assert link.confidence >= 0.9


def test_a_rollout_of_another_container_or_of_labels_is_not() -> None:
    for field in ("spec.template.spec.containers[sidecar].image", "spec.template.metadata.annotations[note]"):
        scene = crashing(created=0.5)
        scene.see(deployment(), at=0.4, changes=[{"field": field, "before": "a", "after": "b"}])
        assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"], field


def test_what_the_last_words_name_outranks_what_is_nearer_in_time() -> None:
    scene = changed_config(crashing(created=0.5, containers=[reading_env()]), at=0.3)
    nearer = {"field": "spec.template.spec.containers[app].env[COLOUR].value", "before": "red", "after": "blue"}
    scene.see(deployment(), at=0.4, changes=[nearer])
    assert scene.links(POD, at=3)[0].blame == CONFIG


def oom(**end: float) -> Json:
    return ended(137, reason="OOMKilled", **end)  # type: ignore[arg-type]  # times alone


def limited(limit: str = "20Mi") -> Json:
    return pod(created=0.5, containers=[{"name": "app", "resources": {"limits": {"memory": limit}}}])


def test_an_oom_kill_blames_the_workload_and_names_its_limit() -> None:
    scene = Scene().see(with_status(limited(), crash_looping(oom(started=1, at=2))), at=2.1)
    (link,) = scene.links(POD, at=3)
    assert (link.code, link.blame, link.attributes["limit"]) == ("runtime.oom_killed", DEPLOYMENT, "20Mi")


def test_an_oom_kill_after_the_limit_was_lowered_names_the_change() -> None:
    change = {
        "field": "spec.template.spec.containers[app].resources.limits.memory",
        "before": "64Mi",
        "after": "20Mi",
    }
    scene = Scene().see(deployment(), at=0).see(deployment(), at=0.4, changes=[change])
    scene.see(with_status(limited(), crash_looping(oom(started=1, at=2))), at=2.1)
    (link,) = scene.links(POD, at=3)
    assert link.change is not None
    assert link.change.before == "64Mi"


def test_exit_137_alone_is_any_kill() -> None:
    scene = Scene().see(with_status(limited(), crash_looping(ended(137, started=1, at=2))), at=2.1)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]


def test_a_kill_by_a_probe_is_not_the_programs_own_end() -> None:
    obj = limited()
    scene = Scene().see(with_status(obj, crash_looping(ended(137, started=1, at=2))), at=2.1)
    scene.say(obj, "Killing", "Container app failed liveness probe, will be restarted", at=1.6, container="app")
    assert codes(scene.links(POD, at=3)) == []
    assert scene.symptom(POD, at=3) is not None


def test_a_crash_that_healed_is_over_once_the_container_has_settled() -> None:
    obj = pod()
    end = ended(1, started=1, at=2)
    scene = Scene().see(with_status(obj, running(2.2, last=end, restarts=1), ready=True, ready_since=2.2), at=2.3)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]  # it ran for a minute before
    assert codes(scene.links(POD, at=5)) == ["none.recovered"]


def test_the_onset_is_that_of_the_first_crash() -> None:
    obj = pod()
    scene = crashing()
    later = ended(1, started=20, at=20.1)
    scene.see(with_status(obj, crash_looping(later, restarts=8)), at=20.2)
    symptom = scene.symptom(POD, at=21)
    assert symptom is not None
    assert symptom.since.minute == 2


def test_a_key_that_only_begins_like_the_one_read_is_another_key() -> None:
    longer: Json = {**DB_HOST, "field": "data.DB_HOSTNAME"}
    scene = changed_config(crashing(containers=[reading_env("DB_HOST")]), at=1, change=longer)
    assert codes(scene.links(POD, at=3)) == ["runtime.crash_app"]
    assert codes(changed_config(crashing(containers=[reading_env("DB_HOST")]), at=1).links(POD, at=3)) == [
        "runtime.crash_after_change"
    ]


def test_the_chain_tells_the_first_crash_after_the_change_and_how_often_since() -> None:
    obj = pod(containers=[reading_env()])
    scene = changed_config(crashing(containers=[reading_env()]), at=1)
    for minute, restarts in ((5, 1), (10, 5), (20, 8)):
        end = ended(1, started=minute - 0.1, at=minute, message="still cannot reach db-new")
        scene.see(with_status(obj, crash_looping(end, restarts=restarts), ready_since=2), at=minute + 0.1)
    assert scene.links(POD, at=6)[0].evidence[3].text.startswith("restarted 1 time, ")
    (link,) = scene.links(POD, at=21)
    assert link.change is not None
    times = [one.at.minute for one in link.evidence]
    assert times == [1, 1, 2, 20]
    assert link.evidence[2].text == 'container app: exit 1: "cannot reach db-new"'
    assert link.evidence[3].text == 'restarted 8 times, last exit 1: "still cannot reach db-new"'


def test_an_end_of_another_kind_did_not_begin_this_trouble() -> None:
    obj = pod()
    scene = crashing().see(with_status(obj, crash_looping(oom(started=4.9, at=5), restarts=5), ready_since=2), at=5.1)
    (link,) = scene.links(POD, at=6)
    assert link.code == "runtime.oom_killed"
    assert [one.at.minute for one in link.evidence[:2]] == [4, 5]


def test_of_changes_that_came_together_the_image_is_told_first() -> None:
    fields = ("env[MODE].value", "image", "args")
    changes = [{"field": f"spec.template.spec.containers[app].{one}", "before": "aa", "after": "bb"} for one in fields]
    scene = crashing(created=0.5).see(deployment(), at=0.4, changes=changes)
    (link,) = scene.links(POD, at=3)
    assert link.change is not None
    assert link.change.field.endswith("].image")
    assert len(link.attributes["also_changed"]) == 2


@pytest.mark.parametrize(
    ("stated", "default", "is_named"), [("", "20Mi", True), ("20Mi", "20Mi", False), ("", "64Mi", False)]
)
def test_a_limit_that_a_limit_range_set_is_told_as_that(stated: str, default: str, *, is_named: bool) -> None:
    meta = {"name": "defaults", "namespace": NS, "uid": "limits"}
    items = [{"type": "Container", "default": {"memory": default}}]
    owner = deployment()
    resources = {"resources": {"limits": {"memory": stated}}} if stated else {}
    owner["spec"]["template"]["spec"] = {"containers": [{"name": "app", **resources}]}
    scene = Scene().see({"kind": "LimitRange", "metadata": meta, "spec": {"limits": items}}, at=-5).see(owner, at=0)
    scene.see(with_status(limited(), crash_looping(oom(started=1, at=2))), at=2.1)
    (link,) = scene.links(POD, at=3)
    assert link.code == "runtime.oom_killed"
    assert ("LimitRange defaults" in link.summary) is is_named
