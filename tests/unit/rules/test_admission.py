"""Admission rules by example and near-miss. The messages are those a real API server gave."""

from typing import Any

import pytest

from tapio.unified import ObjectKey
from tests.unit.rules.scene import DEPLOYMENT, NS, Json, Scene, codes, deployment, when

_QUOTA = (
    'pods "web-5b-x" is forbidden: exceeded quota: team, requested: requests.cpu=600m, used: requests.cpu=600m, '
    "limited: requests.cpu=1"
)
_ACCOUNT = 'pods "web-0" is forbidden: error looking up service account shop/robot: serviceaccount "robot" not found'
_WEBHOOK = (
    'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: '
    'Post "https://checker.guard.svc:443/check?timeout=2s": '
)
_SECURITY = (
    'pods "web-5b-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
    '(container "app" must set securityContext.allowPrivilegeEscalation=false)'
)
_RANGE = 'pods "web-5b-x" is forbidden: maximum cpu usage per Container is 500m, but limit is 2'
QUOTA = ObjectKey("ResourceQuota", NS, "team")


def refused(message: str, *, since: float = 1) -> Json:
    """The Deployment once its ReplicaSet could not create a pod."""
    obj = deployment()
    condition = {
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message,
        "lastTransitionTime": when(since),
    }  # fmt: skip
    obj["status"] = {"conditions": [condition], "unavailableReplicas": 1}
    return obj


def scene_of(message: str) -> Scene:
    return Scene().see(deployment(), at=0).see(refused(message), at=1.1)


def named(kind: str, name: str, *, namespace: str = NS, **fields: Any) -> Json:
    meta = {"name": name, "namespace": namespace, "uid": f"{kind}-{name}", "creationTimestamp": when(-60)}
    return {"kind": kind, "metadata": meta, **fields}


def stateful(kind: str = "StatefulSet") -> Json:
    spec = {"replicas": 1, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {}}}
    wanted = {"desiredNumberScheduled": 2} if kind == "DaemonSet" else {}
    meta = {"name": "web", "namespace": NS, "uid": f"{kind}-web", "creationTimestamp": when(0)}
    return {"kind": kind, "metadata": meta, "spec": spec, "status": wanted}


# --- Quotas ----------------------------------------------------------------------------------------------------------


def test_an_exceeded_quota_is_to_blame_with_its_change() -> None:
    lowered = {"field": "spec.hard[requests.cpu]", "before": "4", "after": "1"}
    quota = named("ResourceQuota", "team", spec={"hard": {"requests.cpu": "1"}})
    (link,) = scene_of(_QUOTA).see(quota, at=0.5, changes=[lowered]).links(DEPLOYMENT, at=2)
    assert (link.code, link.blame, link.workload) == ("admission.quota_exceeded", QUOTA, DEPLOYMENT)
    assert link.attributes["resource"] == "cpu"
    assert link.change is not None
    assert (link.change.before, link.change.after) == ("4", "1")


def test_a_quota_that_nobody_touched_is_exceeded_by_the_workloads_growth() -> None:
    grown = {"field": "spec.replicas", "before": 1, "after": 5}
    scene = Scene().see(deployment(), at=0).see(deployment(replicas=5), at=0.9, changes=[grown])
    (link,) = scene.see(refused(_QUOTA), at=1.1).links(DEPLOYMENT, at=2)
    assert link.blame == QUOTA
    assert link.change is not None
    assert link.change.field == "spec.replicas"


def test_a_change_of_another_resource_of_the_quota_is_not_the_change() -> None:
    other = {"field": "spec.hard.pods", "before": "10", "after": "9"}
    scene = scene_of(_QUOTA).see(named("ResourceQuota", "team", spec={"hard": {}}), at=0.5, changes=[other])
    (link,) = scene.links(DEPLOYMENT, at=2)
    assert link.change is None


@pytest.mark.parametrize(
    ("told", "resource"),
    [
        ("requested: pods=1, used: pods=1, limited: pods=1", "pods"),
        ("requested: limits.memory=2Gi, used: limits.memory=3Gi, limited: limits.memory=4Gi", "memory"),
        ("requested: pods=1,requests.cpu=600m, used: pods=1,requests.cpu=600m, limited: pods=9,requests.cpu=1", "cpu"),
        ("requested: requests.storage=5Gi, used: requests.storage=8Gi, limited: requests.storage=10Gi", "storage"),
        ("requested: count/pods=1, used: count/pods=3, limited: count/pods=3", "pods"),
    ],
)
def test_the_resource_is_told_by_its_plain_name(told: str, resource: str) -> None:
    (link,) = scene_of(f'pods "x" is forbidden: exceeded quota: team, {told}').links(DEPLOYMENT, at=2)
    assert link.attributes["resource"] == resource


def test_a_quota_that_demands_sizes_has_its_own_code() -> None:
    message = 'pods "web-x" is forbidden: failed quota: team: must specify limits.cpu for: app; limits.memory for: app'
    (link,) = scene_of(message).links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == ("admission.limits_required", QUOTA)
    assert link.attributes["resource"] == "cpu"


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "Job"])
def test_controllers_without_a_condition_tell_it_by_events(kind: str) -> None:
    said = f"create Pod web-0 in StatefulSet web failed error: {_QUOTA}"
    scene = Scene().see(stateful(kind), at=0).say(stateful(kind), "FailedCreate", said, at=1, count=12)
    (link,) = scene.links(ObjectKey(kind, NS, "web"), at=2)
    assert (link.code, link.blame) == ("admission.quota_exceeded", QUOTA)


def test_a_pod_that_was_created_after_all_ends_the_refusal() -> None:
    scene = Scene().see(stateful(), at=0).say(stateful(), "FailedCreate", _QUOTA, at=1)
    scene.say(stateful(), "SuccessfulCreate", "create Pod web-0 in StatefulSet web successful", at=2)
    assert codes(scene.links(ObjectKey("StatefulSet", NS, "web"), at=3)) == ["none.starting"]


# --- Limit ranges ----------------------------------------------------------------------------------------------------


def test_the_limit_range_that_bounds_the_resource_is_to_blame() -> None:
    scene = scene_of(_RANGE)
    scene.see(named("LimitRange", "disk", spec={"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}), at=-1)
    scene.see(named("LimitRange", "small", spec={"limits": [{"type": "Container", "max": {"cpu": "500m"}}]}), at=-1)
    (link,) = scene.links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == ("admission.limit_range", ObjectKey("LimitRange", NS, "small"))


# --- Webhooks --------------------------------------------------------------------------------------------------------


def configuration(*, kind: str = "ValidatingWebhookConfiguration") -> Json:
    client = {"service": {"namespace": "guard", "name": "checker"}}
    return named(kind, "guard", namespace="", webhooks=[{"name": "check.example.com", "clientConfig": client}])


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('service "checker" not found', "service_missing"),
        ('no endpoints available for service "checker"', "no_endpoints"),
        ("dial tcp 10.96.7.7:443: connect: connection refused", "refused"),
        ("context deadline exceeded", "timeout"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "tls"),
    ],
)
def test_a_webhook_that_cannot_be_called_blames_its_configuration(words: str, kind: str) -> None:
    (link,) = scene_of(_WEBHOOK + words).see(configuration(), at=-1).links(DEPLOYMENT, at=2)
    assert (link.code, link.blame.kind) == ("admission.webhook_failed", "ValidatingWebhookConfiguration")
    assert (link.attributes["kind"], link.attributes["service"]) == (kind, "Service/guard/checker")


def test_the_changed_service_behind_a_webhook_is_to_blame() -> None:
    scene = scene_of(_WEBHOOK + "context deadline exceeded").see(configuration(), at=-1)
    service = named("Service", "checker", namespace="guard", spec={"ports": [{"port": 443}]})
    scene.see(service, at=0.5, changes=[{"field": "spec.selector.app", "before": "checker", "after": "x"}])
    (link,) = scene.links(DEPLOYMENT, at=2)
    assert link.blame == ObjectKey("Service", "guard", "checker")


def test_a_webhook_nobody_may_see_blames_the_service_it_names() -> None:
    (link,) = scene_of(_WEBHOOK + "connect: connection refused").links(DEPLOYMENT, at=2)
    assert link.blame == ObjectKey("Service", "guard", "checker")


def test_a_webhook_that_says_no_is_not_one_that_failed() -> None:
    message = 'admission webhook "check.example.com" denied the request: exceeded quota: none of your business'
    (link,) = scene_of(message).see(configuration(), at=-1).links(DEPLOYMENT, at=2)
    assert link.code == "admission.webhook_denied"


# --- Namespace and account -------------------------------------------------------------------------------------------


def test_the_namespace_that_enforces_a_standard_is_to_blame_with_its_label() -> None:
    label = {"field": "metadata.labels[pod-security.kubernetes.io/enforce]", "before": None, "after": "restricted"}
    namespace = named("Namespace", NS, namespace="")
    (link,) = scene_of(_SECURITY).see(namespace, at=0.5, changes=[label]).links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == ("admission.pod_security", ObjectKey("Namespace", "", NS))
    assert link.attributes["level"] == "restricted"
    assert link.change is not None
    assert link.change.after == "restricted"


def test_an_account_that_stays_away_blames_the_workload() -> None:
    changed = {"field": "spec.template.spec.serviceAccountName", "before": "default", "after": "robot"}
    scene = Scene().see(deployment(), at=0).see(deployment(), at=0.9, changes=[changed]).see(refused(_ACCOUNT), at=1.1)
    (link,) = scene.links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == ("admission.service_account_missing", DEPLOYMENT)
    assert link.change is not None
    assert link.attributes["service_account"] == "robot"


def test_the_deletion_of_the_account_is_the_change() -> None:
    account = {"kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": NS, "uid": "sa-robot"}}
    scene = Scene().see(account, at=-9).see(deployment(), at=0).see(account, at=0.9, deleted=True)
    (link,) = scene.see(refused(_ACCOUNT), at=1.1).links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == ("admission.service_account_missing", DEPLOYMENT)
    assert link.change is not None
    assert (link.change.entity.name, link.change.field) == ("robot", "metadata.deletionTimestamp")


def test_an_account_that_is_a_moment_late_is_an_ordinary_start() -> None:
    scene = Scene().see(deployment(), at=0).see(refused(_ACCOUNT, since=1.08), at=1.1)
    assert codes(scene.links(DEPLOYMENT, at=1.12)) == ["none.starting"]


# --- What pods name, and policies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code", "blame"),
    [
        (
            "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'b' denied request: no latest",
            "admission.policy_denied",
            ObjectKey("ValidatingAdmissionPolicy", "", "no-latest"),
        ),
        (
            'pods "x" is forbidden: no PriorityClass with name high was found',
            "admission.priority_class_missing",
            DEPLOYMENT,
        ),
        (
            'pods "x" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
            "admission.runtime_class_missing",
            DEPLOYMENT,
        ),
        (
            'pods "x" is forbidden: unable to create new content in namespace shop because it is being terminated',
            "admission.stuck_deleting",
            ObjectKey("Namespace", "", NS),
        ),
        (
            'Pod "web-0" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "data"',
            "admission.template_invalid",
            DEPLOYMENT,
        ),
        (
            "etcdserver: mvcc: database space exceeded",
            "control.etcd_no_space",
            ObjectKey("Component", "", "etcd"),
        ),
    ],
)
def test_what_pods_name_or_who_denies_them_is_read_from_the_refusal(message: str, code: str, blame: ObjectKey) -> None:
    (link,) = scene_of(message).links(DEPLOYMENT, at=2)
    assert (link.code, link.blame) == (code, blame)


def test_a_priority_class_that_was_deleted_is_to_blame_itself() -> None:
    scene = scene_of('pods "x" is forbidden: no PriorityClass with name high was found')
    gone = named("PriorityClass", "high", namespace="")
    (link,) = scene.see(gone, at=-60).see(gone, at=0.5, deleted=True).links(DEPLOYMENT, at=2)
    assert link.blame == ObjectKey("PriorityClass", "", "high")


def test_a_refusal_in_words_that_nobody_knows_blames_nobody() -> None:
    assert codes(scene_of("Timeout: request did not complete within requested timeout").links(DEPLOYMENT, at=2)) == []
