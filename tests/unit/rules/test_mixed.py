"""Cases that no rule was shaped to: several things wrong at once, and changes near in time that did nothing.

Each is asked as a person would ask it, and each has a decoy: another workload's rollout just before the trouble.
"""

from typing import Any

import pytest

from tests.unit.rules.scene import (
    Json,
    Scene,
    configmap,
    crash_looping,
    deployment,
    ended,
    endpoints,
    node,
    pod,
    running,
    service,
    waiting,
    with_status,
)

DECOY = {"field": "spec.template.spec.containers[app].image", "before": "other:1", "after": "other:2"}
NO_IMAGE = 'Back-off pulling image "registry.test/web:1": ErrImagePull: registry.test/web:1: not found'


def scene() -> Scene:
    """A node, the Deployment `web`, and another one that was rolled out at minute 0.9, to no harm."""
    found = Scene().see(node(), at=-10).see(deployment(), at=0).see(deployment("other", available=1), at=0)
    return found.see(deployment("other", available=1), at=0.9, changes=[DECOY])


def containers(*names: str, **fields: Json) -> list[Json]:
    """Containers of these names; `fields` are those of the one that bears the name."""
    return [{"name": name, "image": "registry.test/web:1", **fields.get(name, {})} for name in names]


def status(name: str, state: Json) -> Json:
    return {**state, "name": name}


def first(seen: Scene, target: str = "deployment/web", at: float = 3) -> tuple[str, str, str]:
    """Code, kind and name of the first cause."""
    causes = seen.answer(target, at).causes
    return (causes[0].code, causes[0].entity.kind, causes[0].entity.name) if causes else ("", "", "")


def test_a_crash_is_told_before_another_containers_readiness() -> None:
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}
    obj = pod(containers=containers("app", "side", side={"readinessProbe": probe}))
    crash = crash_looping(ended(2, started=1, at=1.2, message="panic: bad"))
    seen = scene().see(with_status(obj, status("app", crash), status("side", running(0.2, ready=False))), at=2)
    failed = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    seen.say(obj, "Unhealthy", failed, at=2, count=20, since=0.3, container="side")
    assert first(seen) == ("runtime.crash_app", "Deployment", "web")


def test_an_oom_kill_of_a_sidecar_is_told_before_what_waits_for_it() -> None:
    obj = pod(containers=containers("app", "side", side={"resources": {"limits": {"memory": "32Mi"}}}))
    waits = crash_looping(ended(1, started=1, at=1.2, message="dial tcp 127.0.0.1:9000: connect: connection refused"))
    killed = crash_looping(ended(137, started=0.8, at=1.1, reason="OOMKilled"))
    seen = scene().see(with_status(obj, status("app", waits), status("side", killed)), at=2)
    assert first(seen) == ("runtime.oom_killed", "Deployment", "web")
    assert seen.answer("deployment/web", 3).causes[0].attributes["container"] == "side"


@pytest.mark.parametrize("exit_code", [137, 143])
def test_a_kill_from_outside_is_told_from_one_by_a_probe(exit_code: int) -> None:
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
    obj = pod(containers=containers("app", app={"livenessProbe": probe, "ports": [{"containerPort": 8080}]}))
    seen = scene().see(with_status(obj, crash_looping(ended(exit_code, started=0.2, at=1.4))), at=2)
    seen.say(obj, "Started", "Started container app", at=0.2, container="app")
    assert first(seen)[0] == "runtime.crash_app"
    words = "Liveness probe failed: HTTP probe failed with statuscode: 500"
    seen.say(obj, "Unhealthy", words, at=1.3, count=3, since=1.1, container="app")
    seen.say(obj, "Killing", "Container app failed liveness probe, will be restarted", at=1.3, container="app")
    assert first(seen) == ("runtime.liveness_status", "Deployment", "web")


def test_a_typing_error_in_the_image_of_an_init_container() -> None:
    obj = pod(initContainers=containers("init", init={"image": "registry.test/migrte:1"}))
    seen_as = with_status(obj, status("app", waiting("PodInitializing")), phase="Pending")
    missing = NO_IMAGE.replace("web:1", "migrte:1")
    seen_as["status"]["initContainerStatuses"] = [status("init", waiting("ImagePullBackOff", missing))]
    assert first(scene().see(seen_as, at=1)) == ("startup.image_not_found", "Deployment", "web")


def test_a_key_that_was_taken_out_of_what_the_program_reads_and_out_of_what_it_does_not() -> None:
    removed = {"field": "data.KEY", "before": "value", "after": None}
    seen = scene()
    for name, minute in (("config", 0.5), ("unread", 0.95)):
        seen.see(configmap(name, {"KEY": "value"}), at=-50).see(configmap(name, {}), at=minute, changes=[removed])
    reads = {"envFrom": [{"configMapRef": {"name": "config"}}]}
    crash = crash_looping(ended(1, started=1, at=1.2, message="KeyError: 'KEY'"))
    seen.see(with_status(pod(created=-5, containers=containers("app", app=reads)), crash, ready_since=1.2), at=1.4)
    assert first(seen) == ("runtime.crash_after_change", "ConfigMap", "config")


def test_a_selector_that_was_changed_in_the_middle_of_a_rollout() -> None:
    seen = scene().see(service(), at=-50).see(deployment(available=1), at=0.1)
    seen.see(with_status(pod(), running(0), ready=True), at=0.1)
    seen.see(deployment(available=1), at=0.9, changes=[DECOY])
    wrong = service(selector={"app": "webb"})
    changed = {"field": "spec.selector.app", "before": "web", "after": "webb"}
    seen.see(wrong, at=1, changes=[changed]).see(endpoints("web"), at=1.05)
    assert first(seen, "service/web", 2) == ("service.selector_mismatch", "Service", "web")


def test_a_full_quota_and_a_bad_image_at_once_are_both_told() -> None:
    refused = 'pods "web-2" is forbidden: exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1'
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refused}
    short = deployment(replicas=2)
    short["status"] = {"replicas": 1, "conditions": [condition]}
    obj = with_status(pod(), waiting("ImagePullBackOff", NO_IMAGE), phase="Pending")
    causes = scene().see(short, at=1).see(obj, at=1.2).answer("deployment/web", 3).causes
    assert {cause.code for cause in causes} == {"admission.quota_exceeded", "startup.image_not_found"}


def test_a_node_that_fell_silent_is_the_one_cause_of_many_workloads_troubles() -> None:
    seen = scene()
    for name in ("one", "two", "three"):
        obj = pod(f"{name}-1", owner=name)
        seen.see(deployment(name, available=1), at=-5)
        seen.see(with_status(obj, running(-4), ready=True, ready_since=-4), at=-4)
        seen.see(with_status(obj, running(-4), ready_since=1), at=1.1).see(deployment(name), at=1.1)
    silent = node(conditions={"Ready": "Unknown"})
    silent["status"]["conditions"][0] |= {"message": "Kubelet stopped posting node status."}
    seen.see(silent, at=1)
    assert first(seen, "") == ("node.kubelet_down", "Node", "node-1")
    assert first(seen, "deployment/two") == ("node.kubelet_down", "Node", "node-1")


# --- One that depends on another -------------------------------------------------------------------------------------

MODE = {"field": "spec.template.spec.containers[app].env[MODE].value", "before": "safe", "after": "wild"}


def called(**ended_as: Any) -> Scene:
    """A client that is refused by the Service `api`, whose one pod crashes since its rollout."""
    seen = scene().see(service("api"), at=-50).see(endpoints("api", unready=1), at=1)
    seen.see(deployment("api"), at=-5).see(deployment("api"), at=0.5, changes=[MODE])
    backend = crash_looping(ended(3, started=1, at=1.1, message="fatal: MODE wild unknown"))
    seen.see(with_status(pod("api-1", owner="api", created=0.6), backend, ready_since=1.1), at=1.2)
    words = "dial api:80: dial tcp 10.96.0.7:80: connect: connection refused"
    return seen.see(with_status(pod(), crash_looping(ended(1, started=1.4, at=1.5, message=words, **ended_as))), at=1.6)


def test_a_client_of_a_service_that_fails_is_told_the_callees_cause_alone() -> None:
    causes = called().answer("deployment/web", 3).causes
    assert [(cause.code, cause.entity.name) for cause in causes] == [("runtime.crash_after_change", "api")]
    assert {step.rule.partition("@")[0] for step in causes[0].chain if step.rule} == {
        "runtime.crash_app",
        "runtime.dependency_down",
        "service.no_ready_endpoints",
        "runtime.crash_after_change",
    }


def test_the_worst_incident_is_the_callees_and_counts_the_client() -> None:
    answer = called().answer("", 3)
    assert (answer.causes[0].code, answer.causes[0].entity.name) == ("runtime.crash_after_change", "api")
    assert len(answer.causes) == 1


def test_a_client_that_is_only_unready_for_its_callee_is_told_the_callees_cause() -> None:
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}
    obj = pod(containers=containers("app", app={"readinessProbe": probe, "ports": [{"containerPort": 8080}]}))
    seen = scene().see(service("api"), at=-50).see(endpoints("api", ready=1), at=-20).see(deployment("api"), at=-25)
    seen.see(with_status(obj, running(-19), ready=True, ready_since=-18), at=-18)
    callee = pod("api-1", owner="api", created=-20)
    seen.see(with_status(callee, running(-19), ready=True, ready_since=-19), at=-19)
    killed = crash_looping(ended(137, started=-19, at=1.1, reason="OOMKilled"))
    seen.see(with_status(callee, killed, ready_since=1.1), at=1.2).see(endpoints("api", unready=1), at=1.2)
    seen.see(with_status(obj, running(-19, ready=False), ready_since=1.5), at=1.5)
    words = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    seen.say(obj, "Unhealthy", words, at=2, count=3, since=1.5, container="app")
    seen.log(obj, "upstream api:80: connect: connection refused", at=1.9)
    assert first(seen) == ("runtime.oom_killed", "Deployment", "api")


def test_a_wrong_port_in_the_environment_names_the_change_that_set_it() -> None:
    db = service("db")
    db["spec"]["ports"] = [{"port": 5432}]
    seen = scene().see(db, at=-50).see(with_status(pod("db-1", owner="db"), running(-40), ready=True), at=-40)
    wrong = {"field": "spec.template.spec.containers[app].env[DB_PORT].value", "before": "5432", "after": "5433"}
    seen.see(deployment(), at=0.4, changes=[wrong])
    env = [{"name": "DB_HOST", "value": "db"}, {"name": "DB_PORT", "value": "5433"}]
    words = 'connection to server at "db" (10.96.0.12), port 5433 failed: Connection refused'
    crash = crash_looping(ended(1, started=1.9, at=2, message=words))
    seen.see(with_status(pod(created=0.5, containers=containers("app", app={"env": env})), crash), at=2.1)
    answer = seen.answer("deployment/web", 3)
    assert first(seen) == ("runtime.dependency_port", "Deployment", "web")
    assert answer.causes[0].change is not None
    assert answer.causes[0].change.after == "5433"


def test_a_client_of_a_service_whose_port_leads_nowhere_is_told_of_that_service() -> None:
    api = service("api")
    api["spec"] |= {"clusterIP": "10.96.0.7", "ports": [{"port": 80, "targetPort": 8080}]}
    seen = scene().see(api, at=-50).see(endpoints("api", ready=1), at=-40).see(deployment("api", available=1), at=-45)
    callee = pod("api-1", owner="api", containers=containers("app", app={"ports": [{"containerPort": 8080}]}))
    seen.see(with_status(callee, running(-40), ready=True, ready_since=-40), at=-40)
    moved = {**api, "spec": {**api["spec"], "ports": [{"port": 80, "targetPort": 9090}]}}
    seen.see(moved, at=1, changes=[{"field": "spec.ports[80/TCP].targetPort", "before": 8080, "after": 9090}])
    words = "dial api:80: dial tcp 10.96.0.7:80: connect: connection refused"
    seen.see(with_status(pod(), crash_looping(ended(1, started=1.4, at=1.5, message=words))), at=1.6)
    assert first(seen) == ("service.port_mismatch", "Service", "api")


# --- Changes that could not do it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "harmless",
    [
        {"field": "spec.replicas", "before": 1, "after": 2},
        {"field": "metadata.labels.team", "before": None, "after": "a"},
        {"field": "spec.template.metadata.annotations[note]", "before": None, "after": "a"},
        {"field": "spec.template.spec.containers[app].resources.limits.cpu", "before": "1", "after": "2"},
        {"field": "spec.template.spec.containers[side].image", "before": "b:1", "after": "b:2"},
        {"field": "spec.template.spec.containers[app].readinessProbe.periodSeconds", "before": 5, "after": 9},
        {"field": "spec.progressDeadlineSeconds", "before": 600, "after": 60},
        {"field": "spec.template.spec.tolerations", "before": None, "after": [{}]},
        {"field": "spec.template.spec.nodeSelector.disk", "before": None, "after": "ssd"},
        {"field": "spec.template.spec.priorityClassName", "before": None, "after": "high"},
        {"field": "spec.template.spec.terminationGracePeriodSeconds", "before": 30, "after": 60},
        {"field": "spec.template.spec.imagePullSecrets", "before": None, "after": [{"name": "key"}]},
        {"field": "spec.strategy.type", "before": "Recreate", "after": "RollingUpdate"},
    ],
    ids=lambda change: change["field"],
)
def test_a_change_that_cannot_end_a_program_is_not_blamed_for_a_crash(harmless: Json) -> None:
    seen = scene().see(deployment(), at=0.4, changes=[harmless])
    crash = crash_looping(ended(1, started=1.9, at=2, message="segmentation fault"))
    seen.see(with_status(pod(created=0.5), crash), at=2.1)
    answer = seen.answer("deployment/web", 3)
    assert (answer.causes[0].code, answer.causes[0].change) == ("runtime.crash_app", None)


@pytest.mark.parametrize(
    ("field", "is_to_blame"),
    [
        ("image", True),
        ("env[CACHE].value", True),
        ("resources.limits.cpu", False),
        ("resources.requests.memory", False),
        ("livenessProbe.periodSeconds", False),
        ("ports", False),
    ],
)
def test_only_what_may_need_more_memory_is_blamed_for_an_oom_kill(field: str, is_to_blame: bool) -> None:  # noqa: FBT001  pytest passes it
    change = {"field": f"spec.template.spec.containers[app].{field}", "before": "2", "after": "1"}
    seen = scene().see(deployment(), at=0.4, changes=[change])
    killed = crash_looping(ended(137, started=1.9, at=2, reason="OOMKilled"))
    seen.see(with_status(pod(created=0.5), killed), at=2.1)
    (cause,) = seen.answer("deployment/web", 3).causes
    assert cause.code == "runtime.oom_killed"
    assert (cause.change is not None) is is_to_blame


def called_too_early(client: Json) -> Scene:
    """A client that calls a Service whose one pod has not started yet."""
    seen = scene().see(service("api"), at=0).see(deployment("api"), at=0.2)
    seen.see(with_status(pod("api-1", owner="api", created=0.2), running(0.3, ready=False)), at=0.3)
    seen.see(endpoints("api", unready=1), at=0.3).see(deployment(), at=0.4).see(client, at=1.2)
    return seen.log(client, "dial tcp: connect to api port 80 failed: Connection refused", at=1.3)


def test_a_client_that_ends_while_its_callee_is_starting_does_not_end_by_itself() -> None:
    ending = crash_looping(ended(1, started=1, at=1.1))
    cause = called_too_early(with_status(pod(created=0.5), ending)).answer("deployment/web", 2).causes[0]
    assert (cause.code, cause.entity.name) == ("runtime.dependency_down", "api")


def test_a_client_that_waits_for_a_callee_that_is_starting_is_starting() -> None:
    waits = with_status(pod(created=0.5), running(0.6, ready=False))
    assert called_too_early(waits).answer("deployment/web", 2).causes[0].code == "none.starting"
