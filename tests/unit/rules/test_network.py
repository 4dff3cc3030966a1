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


def serving(*ports: dict[str, object], name: str = "web-1", **container: object) -> dict[str, object]:
    """A ready pod whose container declares `ports`."""
    own = {"name": "app", "image": "registry.test/web:1", "ports": list(ports), **container}
    return with_status(pod(name, containers=[own]), running(0.1), ready=True, ready_since=0.2)


def sending(target: int | str, *, protocol: str = "TCP", **spec: object) -> dict[str, object]:
    obj = service()
    obj["spec"] |= {"ports": [{"port": 80, "targetPort": target, "protocol": protocol}], **spec}
    return obj


HTTP = {"containerPort": 8080, "name": "http", "protocol": "TCP"}


def told(target: int | str, *ports: dict[str, object], **kwargs: object) -> list[str]:
    scene = Scene().see(serving(*ports), at=0.2)
    return codes(scene.see(sending(target, **kwargs), at=1).links(SERVICE, at=2))  # type: ignore[arg-type]


def test_a_number_that_no_container_declares_is_a_mismatch() -> None:
    assert told(9090, HTTP) == ["service.port_mismatch"]


def test_a_name_that_no_container_has_is_a_mismatch_even_without_declared_ports() -> None:
    assert told("htpp", HTTP) == ["service.port_mismatch"]
    assert told("http") == ["service.port_mismatch"]


def test_a_port_that_is_declared_is_well_by_number_and_by_name() -> None:
    assert told(8080, HTTP) == ["none.healthy"]
    assert told("http", HTTP) == ["none.healthy"]


def test_a_container_that_declares_no_ports_says_nothing() -> None:
    assert told(9090) == ["none.healthy"]


def test_a_sidecar_that_declares_its_own_port_says_nothing_of_the_others() -> None:
    app = {"name": "app", "image": "a"}
    proxy = {"name": "proxy", "image": "b", "ports": [{"containerPort": 15090, "protocol": "TCP"}]}
    obj = with_status(pod(containers=[app, proxy]), running(0.1), ready=True, ready_since=0.2)
    scene = Scene().see(obj, at=0.2).see(sending(8080), at=1)
    assert codes(scene.links(SERVICE, at=2)) == ["none.healthy"]


def test_the_other_protocol_is_a_mismatch_of_its_own() -> None:
    assert told(8080, HTTP, protocol="UDP") == ["service.protocol_mismatch"]
    assert told("http", HTTP, protocol="UDP") == ["service.protocol_mismatch"]


def test_a_headless_service_sends_nothing_anywhere() -> None:
    assert told(9090, HTTP, clusterIP="None") == ["none.healthy"]


def test_a_changed_target_is_named_with_its_change() -> None:
    scene = Scene().see(serving(HTTP), at=0.2).see(sending(8080), at=0.5)
    change = {"field": "spec.ports[80].targetPort", "before": 8080, "after": 9090}
    (link,) = scene.see(sending(9090), at=1, changes=[change]).links(SERVICE, at=2)
    assert (link.code, link.blame) == ("service.port_mismatch", SERVICE)
    assert link.change is not None
    assert (link.change.before, link.change.after) == (8080, 9090)
    assert '"value":8080' in link.next[0]


def test_a_target_moved_away_from_what_a_probe_asks_needs_no_declaration() -> None:
    probe = {"httpGet": {"port": 8080, "path": "/"}}
    scene = Scene().see(serving(readinessProbe=probe), at=0.2).see(sending(8080), at=0.5)
    change = {"field": "spec.ports[80].targetPort", "before": 8080, "after": 9090}
    scene.see(sending(9090), at=1, changes=[change])
    assert codes(scene.links(SERVICE, at=2)) == ["service.port_mismatch"]


def test_one_backend_of_two_that_serves_it_is_a_rollout_not_a_mismatch() -> None:
    scene = Scene().see(serving(HTTP), at=0.2)
    scene.see(serving({"containerPort": 9090, "protocol": "TCP"}, name="web-2"), at=0.3)
    assert codes(scene.see(sending(9090), at=1).links(SERVICE, at=2)) == ["none.healthy"]


def test_a_workload_that_wants_pods_and_has_none_is_where_it_leads() -> None:
    scene = Scene().see(service(), at=-60).see(deployment(replicas=2), at=0)
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.through) == ("service.no_ready_endpoints", (DEPLOYMENT,))


# --- From outside of the cluster -------------------------------------------------------------------------------------


def test_a_load_balancer_that_the_cloud_cannot_make_is_told_until_it_can() -> None:
    obj = service()
    obj["spec"] |= {"type": "LoadBalancer"}
    scene = ready_pod().see(obj, at=-1)
    assert codes(scene.links(SERVICE, at=1)) == ["none.healthy"]
    why = "Error syncing load balancer: failed to ensure load balancer: could not find any suitable subnets"
    scene.say(obj, "SyncLoadBalancerFailed", why, at=1, count=5, since=0)
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.blame) == ("service.load_balancer_failed", SERVICE)
    scene.say(obj, "EnsuredLoadBalancer", "Ensured load balancer", at=3)
    assert codes(scene.links(SERVICE, at=4)) == ["none.recovered"]


# --- Other people's pods ---------------------------------------------------------------------------------------------


def reselected(to: str, others: str) -> Scene:
    """The Service `web` and its Deployment, which are well, and a selector that was changed to another label."""
    scene = Scene().see(service(), at=-50).see(deployment(available=1), at=-40)
    for name, labels in (("web", {"app": "web"}), (others, {"app": to})):
        obj = pod(f"{name}-1", owner=name, labels=labels)
        scene.see(deployment(name, available=1, labels=labels), at=-40)
        scene.see(with_status(obj, running(-30), ready=True, ready_since=-30), at=-30)
    change = {"field": "spec.selector.app", "before": "web", "after": to}
    return scene.see(service(selector={"app": to}), at=1, changes=[change])


def test_a_selector_that_was_changed_to_another_workloads_pods_is_wrong_though_they_are_ready() -> None:
    (link,) = reselected("api", "api").links(SERVICE, at=2)
    assert (link.code, link.blame) == ("service.selector_mismatch", SERVICE)
    assert link.change is not None
    assert (link.change.before, link.change.after) == ("web", "api")


def test_a_switch_to_another_version_of_the_same_application_is_meant() -> None:
    assert codes(reselected("web-green", "web-green").links(SERVICE, at=2)) == ["none.healthy"]


def test_a_label_that_the_selector_came_to_ask_for_is_to_blame() -> None:
    scene = ready_pod().see(service(), at=-60)
    change = {"field": "spec.selector.version", "before": None, "after": "v2"}
    scene.see(service(selector={"app": "web", "version": "v2"}), at=1, changes=[change])
    (link,) = scene.links(SERVICE, at=2)
    assert (link.code, link.blame) == ("service.selector_mismatch", SERVICE)
    assert link.change is not None
    assert (link.change.before, link.change.after) == (None, "v2")
    assert "asks for version=v2, the pods have no version" in link.summary
    assert link.next == ("kubectl -n shop set selector service web 'app=web'",)


def test_the_selector_to_set_is_the_whole_one() -> None:
    scene = ready_pod(labels={"app": "web", "tier": "front"}).see(service(), at=-60)
    scene.see(service(selector={"app": "web", "tier": "back"}), at=1)
    (link,) = scene.links(SERVICE, at=2)
    assert link.next == ("kubectl -n shop set selector service web 'app=web,tier=front'",)


def declaring(name: str, owner: str, port: int, labels: dict[str, str]) -> object:
    containers = [{"name": "app", "ports": [{"containerPort": port, "protocol": "TCP"}]}]
    return with_status(pod(name, owner=owner, labels=labels, containers=containers), running(0.1), ready=True)


def shared(**more: str) -> Scene:
    """Two workloads, one of which serves the Service's port, with ready pods that it selects both, or one."""
    leading = service()
    leading["spec"]["ports"] = [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]
    scene = Scene().see(leading, at=-60).see(deployment(), at=0).see(deployment("admin"), at=0)
    scene.see(declaring("web-1", "web", 8080, {"app": "web"}), at=0.2)  # type: ignore[arg-type]
    return scene.see(declaring("admin-1", "admin", 9000, {"app": "web", **more}), at=0.3)  # type: ignore[arg-type]


def test_another_workloads_pods_among_the_endpoints_that_do_not_serve_its_port() -> None:
    answer = shared().answer("service/web", at=2)
    assert answer.symptom is not None
    assert (answer.symptom.code, answer.symptom.message) == (
        "ForeignEndpoints",
        "1 of 2 endpoints are another workload's pods",
    )
    (cause,) = answer.causes
    assert (cause.code, cause.entity.name, cause.attributes["intruder"]) == (
        "service.selector_mismatch",
        "web",
        "Deployment/shop/admin",
    )


def test_two_workloads_that_serve_its_port_share_a_service_on_purpose() -> None:
    scene = shared(app="other").see(declaring("web-2", "admin", 8080, {"app": "web"}), at=0.4)  # type: ignore[arg-type]
    assert scene.answer("service/web", at=2).status == "healthy"
