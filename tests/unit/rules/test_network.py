"""Service rules by example and near-miss."""

from tests.unit.rules.scene import (
    DEPLOYMENT,
    POD,
    SERVICE,
    Scene,
    codes,
    crash_looping,
    deployment,
    ended,
    pod,
    running,
    service,
    with_status,
)


def ready_pod(**kwargs: object) -> Scene:
    return Scene().see(with_status(pod(**kwargs), running(0.1), ready=True, ready_since=0.2), at=0.2)  # type: ignore[arg-type]


def test_a_changed_selector_that_matches_nobody_is_to_blame() -> None:
    scene = ready_pod().see(service(), at=-60)
    change = {"field": "spec.selector.app", "before": "web", "after": "wbe"}
    scene.see(service(selector={"app": "wbe"}), at=1, changes=[change])
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.blame, link.workload) == ("service.selector_mismatch", SERVICE, DEPLOYMENT)
    assert link.change is not None
    assert link.change.after == "wbe"
    assert "asks for app=wbe, the pods have app=web" in link.summary


def test_without_a_known_change_the_pods_it_nearly_names_tell() -> None:
    scene = ready_pod(labels={"app": "web", "tier": "front"})
    scene.see(service(selector={"app": "web", "tier": "back"}), at=1)
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.change) == ("service.selector_mismatch", None)


def test_a_relabelled_template_is_to_blame() -> None:
    scene = Scene().see(service(), at=-60).see(deployment(), at=0)
    change = {"field": "spec.template.metadata.labels.app", "before": "web", "after": "site"}
    scene.see(deployment(labels={"app": "site"}), at=1, changes=[change])
    scene.see(with_status(pod(labels={"app": "site"}), running(1.1), ready=True, ready_since=1.2), at=1.2)
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.blame) == ("service.selector_mismatch", DEPLOYMENT)
    assert link.change is not None
    assert link.change.entity == DEPLOYMENT


def test_pods_that_have_nothing_in_common_are_other_peoples() -> None:
    scene = ready_pod(owner="mail", labels={"app": "mail"}).see(service(), at=1)
    assert codes(scene.links(SERVICE, at=2)) == ["none.starting"] or not scene.links(SERVICE, at=2)


def test_a_service_whose_pods_are_unready_leads_to_them() -> None:
    obj = with_status(pod(), crash_looping(ended(1, started=1, at=2)))
    scene = Scene().see(service(), at=-60).see(obj, at=2.1)
    (link,) = scene.links(SERVICE, at=3)
    assert (link.code, link.through) == ("service.no_ready_endpoints", (POD,))


def test_a_service_with_a_ready_pod_is_well() -> None:
    assert codes(ready_pod().see(service(), at=1).links(SERVICE, at=2)) == ["none.healthy"]
