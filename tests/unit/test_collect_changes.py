"""What counts as a change, how it is named, and who made it."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from tapio.collectors.kubeapi.changes import diff, pruned
from tapio.collectors.kubeapi.hindsight import changes_in_sight
from tapio.collectors.redaction import Redactor

Json = dict[str, Any]


def deployment(**container: Any) -> Json:
    app = {"name": "app", "image": "shop:1", "env": [{"name": "DB_HOST", "value": "db"}], **container}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": "checkout",
            "namespace": "shop",
            "uid": "u1",
            "resourceVersion": "1",
            "labels": {"app": "x"},
        },
        "spec": {"replicas": 1, "template": {"spec": {"containers": [app, {"name": "side", "image": "side:1"}]}}},
        "status": {"replicas": 1},
    }


def config(**data: str) -> Json:
    return {"kind": "ConfigMap", "metadata": {"name": "c", "uid": "u2"}, "data": data}


def written(obj: Json, *entries: Json) -> Json:
    obj["metadata"]["managedFields"] = list(entries)
    return obj


def entry(manager: str, time: str, fields: Json, **more: str) -> Json:
    return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": fields, **more}


def told(old: Json, new: Json) -> list[tuple[str, Any, Any]]:
    return [(change.field, change.before, change.after) for change in diff(old, new)]


def test_a_variable_is_named_by_container_and_name() -> None:
    new = deployment(env=[{"name": "DB_HOST", "value": "db-new"}])
    assert told(deployment(), new) == [("spec.template.spec.containers[app].env[DB_HOST].value", "db", "db-new")]


def test_a_scalar_of_the_spec() -> None:
    new = deployment()
    new["spec"]["replicas"] = 0
    assert told(deployment(), new) == [("spec.replicas", 1, 0)]


def test_a_configs_key() -> None:
    assert told(config(DB_HOST="db"), config(DB_HOST="db-new")) == [("data.DB_HOST", "db", "db-new")]


def test_a_name_with_dots_stands_in_brackets() -> None:
    old, new = config(), config()
    old["data"], new["data"] = {"app.yaml": "a"}, {"app.yaml": "b"}
    assert told(old, new) == [("data[app.yaml]", "a", "b")]


def test_an_added_element_is_one_change_and_null_is_absent() -> None:
    new = deployment(env=[{"name": "DB_HOST", "value": "db"}, {"name": "MODE", "value": "fast"}])
    path = "spec.template.spec.containers[app].env[MODE]"
    assert told(deployment(), new) == [(path, None, {"name": "MODE", "value": "fast"})]
    assert told(new, deployment()) == [(path, {"name": "MODE", "value": "fast"}, None)]


def test_an_added_subtree_is_one_change_at_its_top() -> None:
    new = deployment(resources={"limits": {"memory": "20Mi", "cpu": "1"}})
    path = "spec.template.spec.containers[app].resources"
    assert told(deployment(), new) == [(path, None, {"limits": {"memory": "20Mi", "cpu": "1"}})]


def test_a_command_line_is_one_value() -> None:
    found = told(deployment(args=["serve", "-v"]), deployment(args=["serve"]))
    assert found == [("spec.template.spec.containers[app].args", ["serve", "-v"], ["serve"])]


def test_elements_without_a_key_of_their_own_are_one_value() -> None:
    taint = {"key": "a", "effect": "NoSchedule"}
    old = {"kind": "Node", "metadata": {}, "spec": {"taints": [taint, {"key": "a", "effect": "NoExecute"}]}}
    new = {"kind": "Node", "metadata": {}, "spec": {"taints": [taint]}}
    assert [field for field, _, _ in told(old, new)] == ["spec.taints"]


def test_the_order_of_variables_is_a_change_of_the_list() -> None:
    a, b = {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}
    [found] = told(deployment(env=[a, b]), deployment(env=[b, a]))
    assert found == ("spec.template.spec.containers[app].env", [a, b], [b, a])


def test_a_cordon() -> None:
    old: Json = {"kind": "Node", "metadata": {"labels": {}}, "spec": {"podCIDR": "10.0.0.0/24"}}
    new: Json = {"kind": "Node", "metadata": {"labels": {}}, "spec": {"podCIDR": "10.0.0.0/24", "unschedulable": True}}
    assert told(old, new) == [("spec.unschedulable", None, True)]


def test_labels_and_annotations_that_people_write() -> None:
    new = deployment()
    new["metadata"]["labels"]["app"] = "y"
    new["metadata"]["annotations"] = {"team.io/owner": "me"}
    assert told(deployment(), new) == [
        ("metadata.annotations[team.io/owner]", None, "me"),
        ("metadata.labels.app", "x", "y"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        ("status", "replicas"),
        ("metadata", "resourceVersion"),
        ("metadata", "generation"),
        ("metadata", "annotations", "deployment.kubernetes.io/revision"),
        ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"),
    ],
)
def test_bookkeeping_is_no_change(path: tuple[str, ...]) -> None:
    new = deployment()
    place = new
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = "other"
    assert told(deployment(), new) == []


def test_the_schedulers_choice_is_no_change() -> None:
    old: Json = {"kind": "Pod", "metadata": {}, "spec": {"containers": []}}
    new: Json = {"kind": "Pod", "metadata": {}, "spec": {"containers": [], "nodeName": "node-1"}}
    assert told(old, new) == []


def test_an_event_and_an_endpoint_are_not_desired_state() -> None:
    for kind, field in (("Event", "count"), ("EndpointSlice", "endpoints")):
        assert told({"kind": kind, "metadata": {}, field: 1}, {"kind": kind, "metadata": {}, field: 2}) == []


def test_the_same_version_has_no_changes() -> None:
    assert diff(deployment(), deployment()) == ()


def test_a_pruned_old_version_gives_the_same_changes() -> None:
    new = deployment(image="shop:2")
    assert diff(pruned(deployment()), new) == diff(deployment(), new)
    assert "status" not in pruned(new)


OF_APP: Json = {'k:{"name":"app"}': {"f:env": {'k:{"name":"DB_HOST"}': {"f:value": {}}}}}
ENV = {"f:spec": {"f:template": {"f:spec": {"f:containers": OF_APP}}}}


def test_the_manager_that_owns_the_path_made_the_change() -> None:
    new = written(
        deployment(env=[{"name": "DB_HOST", "value": "new"}]),
        entry("kubectl-edit", "2026-01-01T10:00:00Z", ENV),
        entry("hpa", "2026-01-01T11:00:00Z", {"f:spec": {"f:replicas": {}}}, subresource="scale"),
        entry("kube-controller-manager", "2026-01-01T12:00:00Z", {"f:status": {}}, subresource="status"),
    )
    [change] = diff(deployment(), new)
    assert (change.manager, change.at) == ("kubectl-edit", datetime(2026, 1, 1, 10, tzinfo=UTC))


def test_the_newest_of_several_owners_made_the_change() -> None:
    new = written(
        deployment(env=[{"name": "DB_HOST", "value": "new"}]),
        entry("argocd", "2026-01-01T11:00:00Z", ENV),
        entry("helm", "2026-01-01T10:00:00Z", ENV),
    )
    assert [change.manager for change in diff(deployment(), new)] == ["argocd"]


def test_a_leaf_owns_what_is_under_it() -> None:
    old = {"kind": "Node", "metadata": {}, "spec": {"taints": [{"key": "a"}]}}
    new: Json = {"kind": "Node", "metadata": {}, "spec": {"taints": [{"key": "b"}]}}
    written(new, entry("kubectl-taint", "2026-01-01T10:00:00Z", {"f:spec": {"f:taints": {}}}))
    assert {change.manager for change in diff(old, new)} == {"kubectl-taint"}


def test_a_manager_whose_key_was_taken_over_is_left_with_the_bare_map() -> None:
    new = written(
        config(DB_HOST="new"),
        entry("kubectl-client-side-apply", "2026-01-01T11:00:00Z", {"f:data": {}}),
        entry("kubectl-patch", "2026-01-01T11:00:00Z", {"f:data": {"f:DB_HOST": {}}}),
    )
    for entries in (new["metadata"]["managedFields"], new["metadata"]["managedFields"][::-1]):
        new["metadata"]["managedFields"] = entries
        assert [change.manager for change in diff(config(DB_HOST="old"), new)] == ["kubectl-patch"]


def test_a_removed_field_was_removed_by_the_newest_writer_of_desired_state() -> None:
    new = written(
        config(),
        entry("old", "2026-01-01T10:00:00Z", {"f:data": {}}),
        entry("kubectl-patch", "2026-01-01T11:00:00Z", {"f:metadata": {"f:annotations": {}}}),
        entry("controller", "2026-01-01T12:00:00Z", {"f:status": {}}, subresource="status"),
    )
    assert [change.manager for change in diff(config(DB_HOST="db"), new)] == ["kubectl-patch"]


def test_who_removed_a_field_and_wrote_nothing_beside_is_not_known() -> None:
    applied = entry("kubectl-client-side-apply", "2026-11-03T10:00:00Z", {"f:data": {"f:LEVEL": {}}})
    old, new = config(DB_HOST="db", LEVEL="info"), written(config(LEVEL="info"), applied)
    [before] = diff(old, new, since=datetime(2026, 11, 3, 9, 0, tzinfo=UTC))
    assert before.manager == "kubectl-client-side-apply"
    [as_new] = diff(old, new, since=datetime(2026, 11, 3, 10, 0, tzinfo=UTC))
    assert (as_new.field, as_new.before, as_new.after) == ("data.DB_HOST", "db", None)
    assert (as_new.manager, as_new.at) == (None, None)


def test_without_managed_fields_nobody_is_named() -> None:
    assert [(change.manager, change.at) for change in diff(config(A="1"), config(A="2"))] == [(None, None)]


def test_a_redacted_value_is_shown_as_its_digest() -> None:
    redactor = Redactor(b"key")
    old, new = config(PASSWORD=redactor.mark("one")), config(PASSWORD=redactor.mark("two"))
    [(_, before, after)] = told(old, new)
    assert set(before) == set(after) == {"redacted"}
    assert before != after


def replica_set(revision: int, image: str, made: str) -> Json:
    template = deepcopy(deployment(image=image)["spec"]["template"])
    template["metadata"] = {"labels": {"app": "x", "pod-template-hash": image}}
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"checkout-{revision}",
            "uid": f"rs{revision}",
            "creationTimestamp": made,
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"kind": "Deployment", "name": "checkout", "uid": "u1", "controller": True}],
        },
        "spec": {"template": template},
    }


def test_one_look_finds_the_last_rollout_in_the_replica_sets() -> None:
    rollout = [
        deployment(image="shop:2"),
        replica_set(10, "shop:2", "2026-01-02T00:00:00Z"),
        replica_set(9, "shop:1", "2026-01-01T00:00:00Z"),
    ]
    [(uid, [change])] = changes_in_sight(rollout).items()
    assert (uid, change.field) == ("u1", "spec.template.spec.containers[app].image")
    assert (change.before, change.after, change.at) == ("shop:1", "shop:2", datetime(2026, 1, 2, tzinfo=UTC))


def test_one_look_finds_the_writer_of_a_config_but_not_what_it_was() -> None:
    new = written(
        config(DB_HOST="db-new", OTHER="x"),
        entry("kubectl-patch", "2026-01-02T00:00:00Z", {"f:data": {"f:DB_HOST": {}}}),
    )
    new["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    [change] = changes_in_sight([new])["u2"]
    assert (change.field, change.after, change.manager) == ("data.DB_HOST", "db-new", "kubectl-patch")
    assert not isinstance(change.before, str | None)


def test_a_config_as_it_was_made_tells_of_no_change() -> None:
    made = written(config(A="1"), entry("kubectl-create", "2026-01-01T00:00:00Z", {"f:data": {"f:A": {}}}))
    made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    assert changes_in_sight([made]) == {}
