"""Dependency rules by example and near-miss."""

from typing import Any

import pytest

from tapio.correlators.rules.clues.dependency_text import Address, unanswered, unresolved
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
    pod,
    running,
    service,
    with_status,
)

LIBPQ = """could not connect to server: Connection refused
\tIs the server running on host "db" (10.96.0.9) and accepting
\tTCP/IP connections on port 5433?"""
GO = "lookup db-nope on 10.96.0.10:53: no such host"


@pytest.mark.parametrize(
    "line",
    [
        f"connect db-nope:5432: dial tcp: {GO}",
        "nc: bad address 'db-nope'",
        "wget: bad address 'db-nope:80'",
        "curl: (6) Could not resolve host: db-nope",
        'psql: error: could not translate host name "db-nope" to address: Name or service not known',
        "Error: getaddrinfo ENOTFOUND db-nope",
        "java.net.UnknownHostException: db-nope: Name or service not known",
        "Could not connect to Redis at db-nope:6379: Name or service not known",
        "ping: db-nope: Name or service not known",
        "nslookup: can't resolve 'db-nope'",
        "** server can't find db-nope: NXDOMAIN",
        'nginx: [emerg] host not found in upstream "db-nope" in /etc/nginx/nginx.conf:4',
        "ERROR 2005 (HY000): Unknown MySQL server host 'db-nope' (-2)",
        "HTTPConnectionPool(host='db-nope', port=80): Max retries: [Errno -2] Name or service not known",
    ],
)
def test_programs_say_in_many_words_that_a_name_has_no_address(line: str) -> None:
    assert unresolved(line)[0][0] == "db-nope"


@pytest.mark.parametrize(
    "line",
    [
        "lookup db on 10.96.0.10:53: server misbehaving",
        "getaddrinfo EAI_AGAIN db",
        "db: Temporary failure in name resolution",
        "lookup db on 10.96.0.10:53: read udp: i/o timeout",
    ],
)
def test_a_name_server_that_does_not_answer_is_another_trouble(line: str) -> None:
    assert unresolved(line) == []


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("connect db:5433: dial tcp 10.96.0.9:5433: connect: connection refused", "db"),
        ('connection to server at "db" (10.96.0.9), port 5433 failed: Connection refused', "db"),
        ("Error: connect ECONNREFUSED 10.96.0.9:5433", "10.96.0.9"),
        ("curl: (7) Failed to connect to db port 5433 after 3 ms: Connection refused", "db"),
        ("HTTPConnectionPool(host='db', port=5433): Connection refused", "db"),
        ("dial tcp 10.96.0.9:5433: i/o timeout", "10.96.0.9"),
        ("Error: P1001: Can't reach database server at `db`:`5433`", "db"),
        ("SocketException (111): Connection refused [::ffff:10.96.0.9]:5433", "10.96.0.9"),
        ("RedisConnectionException: Unable to connect to db:5433", "db"),
        ("Connection to node -1 (kafka/10.96.0.9:5433) could not be established.", "10.96.0.9"),
        (LIBPQ, "db"),
    ],
)
def test_programs_say_in_many_words_that_nobody_answers(line: str, host: str) -> None:
    assert Address(host, 5433) in [address for address, _ in unanswered(line)]


@pytest.mark.parametrize(
    "line",
    ["Can't connect to MySQL server on 'db' (111)", "wget: can't connect to remote host (db): Connection refused"],
)
def test_some_programs_leave_the_port_out(line: str) -> None:
    assert [address for address, _ in unanswered(line)] == [Address("db", 0)]


def test_a_word_of_the_resolver_is_no_host() -> None:
    assert unresolved("getaddrinfo: Name or service not known") == []


def client(host: str = "db-nope", **fields: Any) -> Json:
    variable = {"name": "DB_HOST", "value": host}
    return pod(created=0.5, containers=[{"name": "app", "env": [variable], **fields}])


def failing(obj: Json, words: str) -> Scene:
    """The client crashes with these last words from minute 2 on."""
    end = ended(1, started=1.9, at=2, message=words)
    scene = Scene().see(service("api"), at=-60).see(deployment(), at=0)
    return scene.see(with_status(obj, crash_looping(end)), at=2.1)


def causes(scene: Scene, at: float = 3) -> list[str]:
    """The codes of the pod's links, without what gives way to them."""
    return [code for code in codes(scene.links(POD, at)) if code != "runtime.crash_app"]


def test_a_name_that_no_service_bears_is_the_clients_fault() -> None:
    scene = failing(client(), GO)
    link = next(link for link in scene.links(POD, at=3) if link.code != "runtime.crash_app")
    assert (link.code, link.blame) == ("runtime.dependency_address", DEPLOYMENT)
    assert link.attributes["field"] == "spec.template.spec.containers[app].env[DB_HOST].value"
    assert link.attributes["host"] == "db-nope"


def test_the_change_that_brought_the_name_is_named() -> None:
    change = {"field": "spec.template.spec.containers[app].env[DB_HOST].value", "before": "db", "after": "db-nope"}
    scene = failing(client(), GO).see(deployment(), at=0.4, changes=[change])
    link = next(link for link in scene.links(POD, at=3) if link.code == "runtime.dependency_address")
    assert link.change is not None
    assert (link.change.before, link.change.after) == ("db", "db-nope")
    assert link.blame == DEPLOYMENT


def test_a_changed_config_that_brought_the_name_is_to_blame() -> None:
    obj = pod(created=0.5, containers=[{"name": "app", "envFrom": [{"configMapRef": {"name": "web-config"}}]}])
    scene = failing(obj, GO).see(configmap("web-config", {"DB_HOST": "db"}), at=-60)
    change = {"field": "data.DB_HOST", "before": "db", "after": "db-nope"}
    scene.see(configmap("web-config", {"DB_HOST": "db-nope"}), at=0.4, changes=[change])
    link = next(link for link in scene.links(POD, at=3) if link.code == "runtime.dependency_address")
    assert (link.blame, link.workload) == (ObjectKey("ConfigMap", NS, "web-config"), DEPLOYMENT)


def test_a_service_that_was_deleted_is_to_blame() -> None:
    scene = failing(client("db"), "lookup db on 10.96.0.10:53: no such host")
    scene.see(service("db"), at=-50).see(service("db"), at=1.5, deleted=True)
    link = next(link for link in scene.links(POD, at=3) if link.code != "runtime.crash_app")
    assert (link.code, link.blame) == ("service.missing", ObjectKey("Service", NS, "db"))
    assert link.change is not None
    assert link.change.at.minute == 1


def test_a_service_that_exists_by_now_is_not_missing() -> None:
    scene = failing(client("db"), "lookup db on 10.96.0.10:53: no such host").see(service("db"), at=2.5)
    assert causes(scene) == []


def test_a_name_in_another_namespace_is_looked_for_there() -> None:
    scene = failing(client("db.data"), "nc: bad address 'db.data'")
    assert causes(scene) == ["runtime.dependency_address"]
    other = service("db")
    other["metadata"] |= {"namespace": "data", "uid": "svc-data-db"}
    assert causes(scene.see(other, at=-1)) == []


def test_the_same_name_with_the_clusters_suffix_is_the_same_service() -> None:
    scene = failing(client("db"), "lookup db.shop.svc.cluster.local: no such host").see(service("db"), at=-1)
    assert causes(scene) == []


def test_a_port_that_the_service_does_not_have_is_the_clients_fault() -> None:
    words = "connect api:81: dial tcp 10.96.0.9:81: connect: connection refused"
    scene = failing(client("api:81"), words)
    link = next(link for link in scene.links(POD, at=3) if link.code != "runtime.crash_app")
    assert (link.code, link.blame, link.attributes["port"]) == ("runtime.dependency_port", DEPLOYMENT, 81)


def test_a_client_that_keeps_trying_is_told_by_its_log() -> None:
    obj = client()
    scene = Scene().see(service("api"), at=-60)
    scene.see(with_status(obj, running(1, ready=False), ready_since=0.6), at=1)
    assert codes(scene.links(POD, at=2)) == ["none.starting"]
    scene.log(obj, "starting", f"cannot connect: {GO}", at=2.5)
    assert causes(scene) == ["runtime.dependency_address"]


def test_a_client_that_is_ready_may_log_what_it_likes() -> None:
    obj = client()
    scene = Scene().see(with_status(obj, running(1), ready=True, ready_since=1.1), at=1.1).log(obj, GO, at=2)
    assert codes(scene.links(POD, at=3)) == ["none.healthy"]


def test_a_service_that_nothing_backs_is_where_the_cause_lies() -> None:
    obj = client("api:80")
    scene = failing(obj, "connect api:80: dial tcp 10.96.0.9:80: connect: connection refused")
    backend = pod("api-1", owner="api")
    scene.see(with_status(backend, crash_looping(ended(3, started=1, at=1.5))), at=1.6)
    link = next(link for link in scene.links(POD, at=3) if link.code != "runtime.crash_app")
    assert (link.code, link.blame) == ("runtime.dependency_down", ObjectKey("Deployment", NS, "api"))
    assert link.through == (ObjectKey("Service", NS, "api"),)


def test_a_service_that_nothing_backs_is_found_without_a_port() -> None:
    scene = failing(client("api"), "Can't connect to MySQL server on 'api' (111)")
    scene.see(with_status(pod("api-1", owner="api"), crash_looping(ended(3, started=1, at=1.5))), at=1.6)
    assert causes(scene) == ["runtime.dependency_down"]


def test_pods_that_are_ready_and_refuse_do_not_listen_where_their_service_leads() -> None:
    scene = failing(client("api:80"), "connect api:80: dial tcp 10.96.0.9:80: connect: connection refused")
    scene.see(with_status(pod("api-1", owner="api"), running(1), ready=True, ready_since=1), at=1)
    link = next(link for link in scene.links(POD, at=3) if link.code != "runtime.crash_app")
    assert (link.code, link.blame) == ("network.refused", ObjectKey("Deployment", NS, "api"))


def test_a_refusal_from_before_they_were_ready_says_nothing_of_them() -> None:
    scene = failing(client("api:80"), "connect api:80: dial tcp 10.96.0.9:80: connect: connection refused")
    scene.see(with_status(pod("api-1", owner="api"), running(1.8), ready=True, ready_since=1.9), at=1.9)
    assert causes(scene) == []


def test_silence_of_pods_that_are_ready_is_no_refusal() -> None:
    scene = failing(client("api:80"), "connect api:80: dial tcp 10.96.0.9:80: i/o timeout")
    scene.see(with_status(pod("api-1", owner="api"), running(1), ready=True, ready_since=1), at=1)
    assert causes(scene) == []


def test_a_change_that_led_to_a_service_that_nothing_backs_is_the_cause() -> None:
    change = {"field": "spec.template.spec.containers[app].env[DB_HOST].value", "before": "db", "after": "api"}
    scene = failing(client("api"), "connect api:80: dial tcp 10.96.0.9:80: connect: connection refused")
    assert codes(scene.see(deployment(), at=0.4, changes=[change]).links(POD, at=3)) == ["runtime.crash_after_change"]
