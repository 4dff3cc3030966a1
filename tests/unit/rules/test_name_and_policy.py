"""Names without an answer, and policies that let nothing through, by example and near-miss."""

from datetime import UTC
from typing import Any

import pytest

from tapio.correlators.rules.clues.dependency_text import unserved
from tapio.unified import ObjectKey
from tapio.why.wording import render
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
    endpoints,
    in_namespace,
    pod,
    running,
    service,
    when,
    with_status,
)

SYSTEM = "kube-system"
COREDNS = ObjectKey("Deployment", SYSTEM, "coredns")
NO_SERVER = "lookup db on 10.96.0.10:53: read udp 10.0.0.5:4711->10.96.0.10:53: i/o timeout"
NO_SUCH_NAME = "lookup db on 10.96.0.10:53: no such host"


@pytest.mark.parametrize(
    "line",
    [
        "lookup db on 10.96.0.10:53: server misbehaving",
        NO_SERVER,
        "Error: getaddrinfo EAI_AGAIN db",
        'could not translate host name "db" to address: Temporary failure in name resolution',
        "ping: db: Temporary failure in name resolution",
        "** server can't find db: SERVFAIL",
    ],
)
def test_programs_say_in_many_words_that_no_server_answered(line: str) -> None:
    assert unserved(line) == [("db", line)]


def test_a_line_may_tell_of_a_server_and_not_of_the_name() -> None:
    line = "socket.gaierror: [Errno -3] Temporary failure in name resolution"
    assert unserved(line) == [("", line)]
    assert unserved(NO_SUCH_NAME) == []


def name_service(*, backed: bool = True) -> Scene:
    """The cluster's name service, and a Service `db` with a pod that is ready."""
    labels = {"k8s-app": "kube-dns"}
    dns = in_namespace(service("kube-dns", labels), SYSTEM)
    dns["spec"] |= {"clusterIP": "10.96.0.10", "ports": [{"port": 53, "protocol": "UDP"}]}
    workload = in_namespace(deployment("coredns", available=1, labels=labels), SYSTEM)
    scene = Scene().see(dns, at=-60).see(workload, at=-60)
    if backed:
        server = in_namespace(pod("coredns-1", owner="coredns", labels=labels), SYSTEM)
        scene.see(with_status(server, running(-50), ready=True, ready_since=-50), at=-50)
    db = service("db")
    db["spec"] |= {"clusterIP": "10.96.0.9", "ports": [{"port": 5432}]}
    scene.see(db, at=-50).see(endpoints("db", ready=1), at=-50)
    return scene.see(with_status(pod("db-1", owner="db"), running(-50), ready=True, ready_since=-50), at=-50)


def crashing(scene: Scene, words: str, **spec: Any) -> Scene:
    end = ended(1, started=1.9, at=2, message=words)
    scene.see(deployment(), at=0)
    return scene.see(with_status(pod(**spec), crash_looping(end), ready_since=2), at=2.1)


def deeper(scene: Scene, at: float = 3) -> list[Any]:
    return [link for link in scene.links(POD, at) if link.code != "runtime.crash_app"]


def test_a_name_service_that_nothing_backs_is_to_blame_with_who_scaled_it() -> None:
    scene = name_service(backed=False)
    zero = in_namespace(deployment("coredns", replicas=0, labels={"k8s-app": "kube-dns"}), SYSTEM)
    scene.see(zero, at=1, changes=[{"field": "spec.replicas", "before": 2, "after": 0}])
    (link,) = deeper(crashing(scene, NO_SERVER))
    assert (link.code, link.blame, link.change.after) == ("network.dns_failed", COREDNS, 0)
    assert link.next == ("kubectl -n kube-system scale deployment/coredns --replicas=2",)


def test_a_name_service_that_was_configured_anew_is_to_blame_by_its_config() -> None:
    scene = name_service()
    config = in_namespace(configmap("coredns", {"Corefile": "."}), SYSTEM)
    change = {"field": "data.Corefile", "before": "kubernetes cluster.local", "after": "."}
    scene.see(config, at=-60).see(config, at=1, changes=[change])
    (link,) = deeper(crashing(scene, NO_SUCH_NAME))
    assert (link.code, link.blame) == ("network.dns_failed", ObjectKey("ConfigMap", SYSTEM, "coredns"))


def test_a_pod_that_asks_its_nodes_servers_learns_of_no_service() -> None:
    (link,) = deeper(crashing(name_service(), NO_SUCH_NAME, dnsPolicy="Default"))
    assert (link.code, link.blame) == ("network.dns_failed", DEPLOYMENT)


def test_a_service_that_was_made_after_the_crash_is_no_failure_of_the_name_service() -> None:
    scene = Scene().see(
        service("db") | {"metadata": {**service("db")["metadata"], "creationTimestamp": when(2.5)}}, at=2.5
    )
    assert deeper(crashing(scene, NO_SUCH_NAME, dnsPolicy="Default")) == []


def test_a_name_service_that_is_well_is_doubted_only() -> None:
    (link,) = deeper(crashing(name_service(), NO_SERVER))
    assert (link.code, link.blame) == ("network.dns_failed", COREDNS)
    assert link.confidence <= 0.6


def test_a_failed_look_up_that_the_program_went_on_after_did_not_end_it() -> None:
    assert deeper(crashing(name_service(), f"warning: {NO_SERVER}\npanic: nil pointer")) == []


# --- Policies --------------------------------------------------------------------------------------------------------

DB_TIMEOUT = "dial tcp 10.96.0.9:5432: i/o timeout"


def policy(name: str = "deny", selects: Json | None = None, *types: str, **rules: Any) -> Json:
    meta = {"name": name, "namespace": NS, "uid": f"policy-{name}", "creationTimestamp": when(1)}
    spec = {"podSelector": {"matchLabels": selects or {}}, "policyTypes": list(types or ("Ingress",)), **rules}
    return {"kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def test_a_policy_that_came_before_and_lets_nobody_in_is_to_blame() -> None:
    scene = name_service().see(policy("deny-db", {"app": "db"}), at=1)
    (link,) = deeper(crashing(scene, DB_TIMEOUT))
    assert (link.code, link.blame) == ("network.policy_denied", ObjectKey("NetworkPolicy", NS, "deny-db"))
    assert link.change.field == "metadata.creationTimestamp"
    assert "NetworkPolicy deny-db: created" in [one.text for one in link.evidence]
    answer = crashing(scene, DB_TIMEOUT).answer("pod/web-1", at=3)
    head = "\n".join(render(answer, width=200, zone=UTC))
    assert "does not let container app reach Service db; created" in head


NO_ADDRESS_SAID = "Caused by: java.net.SocketTimeoutException: Connect timed out"


def asking(told: str) -> Json:
    return {"containers": [{"name": "app", "env": [{"name": "DB_URL", "value": told}]}]}


def test_a_silence_without_an_address_is_held_against_what_the_settings_name() -> None:
    scene = name_service().see(policy("deny-db", {"app": "db"}), at=1)
    (link,) = deeper(crashing(scene, NO_ADDRESS_SAID, **asking("jdbc:postgresql://db:5432/app")))
    assert (link.code, link.blame.name) == ("network.policy_denied", "deny-db")


def test_a_silence_without_an_address_is_no_policys_that_forbids_something_else() -> None:
    scene = name_service().see(policy("deny-db", {"app": "db"}), at=1)
    assert deeper(crashing(scene, NO_ADDRESS_SAID, **asking("jdbc:postgresql://other:5432/app"))) == []


@pytest.mark.parametrize(
    "harmless",
    [
        policy("other", {"app": "other"}),
        policy("lets-in", {"app": "db"}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]),
        policy("any-port", {"app": "db"}, ingress=[{}]),
        policy("by-port", {"app": "db"}, ingress=[{"ports": [{"port": 5432}]}]),
        policy("namespace", {"app": "db"}, ingress=[{"from": [{"namespaceSelector": {}}]}]),
        policy("out", {"app": "db"}, "Egress"),
    ],
    ids=lambda one: one["metadata"]["name"],
)
def test_a_policy_that_lets_the_client_through_is_not(harmless: Json) -> None:
    assert deeper(crashing(name_service().see(harmless, at=1), DB_TIMEOUT)) == []


@pytest.mark.parametrize(
    "strict",
    [
        policy("by-label", {"app": "db"}, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}]),
        policy("by-port", {"app": "db"}, ingress=[{"ports": [{"port": 80}]}]),
        policy("elsewhere", {"app": "db"}, ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "x"}}}]}]),
        policy("client", {"app": "web"}, "Egress", egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}]),
    ],
    ids=lambda one: one["metadata"]["name"],
)
def test_a_policy_that_lets_only_others_through_is(strict: Json) -> None:
    assert codes(deeper(crashing(name_service().see(strict, at=1), DB_TIMEOUT))) == ["network.policy_denied"]


def test_what_one_policy_allows_no_other_forbids() -> None:
    allows = policy("allow", {"app": "db"}, ingress=[{}])
    scene = name_service().see(policy("deny-db", {"app": "db"}), at=1).see(allows, at=1)
    assert deeper(crashing(scene, DB_TIMEOUT)) == []


def test_a_policy_that_came_after_the_trouble_is_not_its_cause() -> None:
    late = policy("deny-db", {"app": "db"})
    late["metadata"]["creationTimestamp"] = when(2.05)
    assert deeper(crashing(name_service().see(late, at=2.05), DB_TIMEOUT)) == []


def test_a_refusal_is_no_dropped_packet() -> None:
    scene = name_service().see(policy("deny-db", {"app": "db"}), at=1)
    assert codes(deeper(crashing(scene, "dial tcp 10.96.0.9:5432: connect: connection refused"))) == ["network.refused"]


def test_a_policy_that_forbids_to_ask_for_names_is_to_blame_for_that() -> None:
    allowed = [{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}]
    scene = name_service().see(policy("egress", {}, "Egress", egress=allowed), at=1)
    found = deeper(crashing(scene, NO_SERVER))
    assert "network.policy_denied" in codes(found)
    best = max(found, key=lambda link: link.confidence)
    assert best.blame == ObjectKey("NetworkPolicy", NS, "egress")
