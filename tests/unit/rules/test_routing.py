"""Services that a node does not lead its clients to, by example and near-miss."""

from typing import Any

from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    NS,
    POD,
    Json,
    Scene,
    crash_looping,
    deployment,
    ended,
    endpoints,
    in_namespace,
    pod,
    running,
    service,
    with_status,
)

TIMEOUT = "dial tcp 10.96.0.9:80: i/o timeout"
NO_NAMES = "lookup api on 10.96.0.10:53: read udp 10.0.0.5:4711->10.96.0.10:53: i/o timeout"


def cluster(*, backend_on: str = "node-2", words: str = TIMEOUT, **spec: Any) -> Scene:
    """A client on node-1 that does not reach Service `api`, whose one pod is ready."""
    api = service("api")
    api["spec"] |= {"clusterIP": "10.96.0.9", **spec}
    scene = Scene().see(api, at=-60).see(endpoints("api", ready=1), at=-50).see(deployment(), at=0)
    backend = pod("api-1", owner="api", created=-50, nodeName=backend_on)
    scene.see(with_status(backend, running(-49), ready=True, ready_since=-49), at=-49)
    end = ended(1, started=1.9, at=2, message=words)
    return scene.see(with_status(pod(created=0.5), crash_looping(end)), at=2.1)


def proxy(node: str, *, ready: bool) -> Json:
    obj = in_namespace(pod(f"kube-proxy-{node}", owner="kube-proxy", labels={"k8s-app": "kube-proxy"}), "kube-system")
    obj["spec"] = {**obj["spec"], "nodeName": node}
    status = running(-500) if ready else crash_looping(ended(1, started=1, at=1.2))
    return with_status(obj, status, ready=ready, ready_since=-500 if ready else 1)


def blamed(scene: Scene, code: str) -> list[ObjectKey]:
    return [one.blame for one in scene.links(POD, at=3) if one.code == code]


def test_a_service_that_leads_to_its_own_node_only_is_to_blame_where_no_pod_of_it_runs() -> None:
    assert blamed(cluster(internalTrafficPolicy="Local"), "network.traffic_policy_local") == [
        ObjectKey("Service", NS, "api")
    ]
    assert not blamed(cluster(internalTrafficPolicy="Local", backend_on="node-1"), "network.traffic_policy_local")
    assert not blamed(cluster(), "network.traffic_policy_local")


def test_the_change_that_made_it_local_is_named() -> None:
    scene = cluster()
    api = service("api")
    api["spec"] |= {"clusterIP": "10.96.0.9", "internalTrafficPolicy": "Local"}
    change = {"field": "spec.internalTrafficPolicy", "before": "Cluster", "after": "Local"}
    scene.see(api, at=1, changes=[change])
    (link,) = [one for one in scene.links(POD, at=3) if one.code == "network.traffic_policy_local"]
    assert link.change is not None
    assert link.change.after == "Local"


def test_a_node_whose_proxy_is_down_does_not_lead_to_services() -> None:
    scene = cluster().see(proxy("node-1", ready=False), at=1.3).see(proxy("node-2", ready=True), at=-500)
    assert blamed(scene, "network.kube_proxy_down") == [ObjectKey("Node", "", "node-1")]
    missing = cluster().see(proxy("node-2", ready=True), at=-500)
    assert blamed(missing, "network.kube_proxy_down") == [ObjectKey("Node", "", "node-1")]


def test_a_proxy_of_another_node_or_of_none_is_not_to_blame() -> None:
    scene = cluster().see(proxy("node-1", ready=True), at=-500).see(proxy("node-2", ready=False), at=1.3)
    assert not blamed(scene, "network.kube_proxy_down")
    assert not blamed(cluster(), "network.kube_proxy_down")


def test_names_too_are_asked_for_through_the_proxy() -> None:
    dns = in_namespace(service("kube-dns", {"k8s-app": "kube-dns"}), "kube-system")
    dns["spec"] |= {"clusterIP": "10.96.0.10", "ports": [{"port": 53, "protocol": "UDP"}]}
    server = in_namespace(pod("coredns-1", owner="coredns", labels={"k8s-app": "kube-dns"}), "kube-system")
    scene = cluster(words=NO_NAMES).see(dns, at=-60)
    scene.see(with_status(server, running(-50), ready=True, ready_since=-50), at=-50)
    scene.see(proxy("node-1", ready=False), at=1.3)
    links = {one.code: one.confidence for one in scene.links(POD, at=3)}
    assert links["network.kube_proxy_down"] > links["network.dns_failed"]
