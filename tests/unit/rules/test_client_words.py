"""What the clients of many languages write when a dependency fails them, and which Service they mean by it."""

from typing import Any

import pytest

from tapio.correlators.rules.clues.dependency_text import Address, speaks_of_silence, unanswered, unresolved, unserved
from tapio.unified import ObjectKey
from tests.unit.rules.scene import (
    NS,
    POD,
    Json,
    Scene,
    configmap,
    crash_looping,
    deployment,
    ended,
    in_namespace,
    pod,
    running,
    service,
    with_status,
)

DATABASE = ObjectKey("Deployment", NS, "db")


@pytest.mark.parametrize(
    "line",
    [
        "Couldn't resolve server db-nope:9092 from bootstrap.servers as DNS resolution failed for db-nope",
        "ConfigException: No resolvable bootstrap urls given in bootstrap.servers: db-nope:9092",
        "ServerSelectionTimeoutError: db-nope:27017: [Errno -2] Name or service not known, Timeout: 30s",
        "redis.exceptions.ConnectionError: Error -2 connecting to db-nope:6379. Name or service not known.",
        "io.grpc.StatusRuntimeException: UNAVAILABLE: Unable to resolve host db-nope",
        "DNS resolution failed for db-nope:50051: C-ares status is not ARES_SUCCESS: Domain name not found",
        "Error: 14 UNAVAILABLE: Name resolution failed for target dns:db-nope:50051",
        "(2003, \"Can't connect to MySQL server on 'db-nope' ([Errno -2] Name or service not known)\")",
        "php_network_getaddresses: getaddrinfo for db-nope failed: Name or service not known",
        "ClientConnectorDNSError: Cannot connect to host db-nope:80 ssl:default [Name or service not known]",
        "Failed to open TCP connection to db-nope:80 (getaddrinfo: Name or service not known)",
        "** (DBConnection.ConnectionError) tcp connect (db-nope:5432): non-existing domain - :nxdomain",
        "[haproxy.cfg:30] : 'server app' : could not resolve address 'db-nope'.",
        "failed to resolve host 'db-nope': [Errno -2] Name or service not known",
        "db-nope could not be resolved (3: Host not found)",
    ],
)
def test_a_name_without_an_address(line: str) -> None:
    assert "db-nope" in [host for host, _ in unresolved(line)]


@pytest.mark.parametrize(
    "line",
    [
        "dial tcp 10.96.0.9:5432: connect: connection refused",
        "connect to 'db' failed: Connection refused",
        "the option 'retries' is not known",
    ],
)
def test_an_address_that_refuses_is_no_unknown_name(line: str) -> None:
    assert unresolved(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "db could not be resolved (110: Operation timed out)",
        "DnsNameResolverTimeoutException: DefaultDnsQuestion(db. IN A) query '12' via UDP timed out after 5000 ms",
    ],
)
def test_a_name_server_that_is_silent(line: str) -> None:
    assert unserved(line) == [("db", line)]


@pytest.mark.parametrize(
    "line",
    [
        "{ errno: -111, code: 'ECONNREFUSED', syscall: 'connect', address: 'db', port: 5432 }",
        "RedisConnectionException: Unable to connect to [db/<unresolved>:5432]",
        "last error: UNKNOWN: ipv4:10.96.0.9:5432: Failed to connect to remote host: Connection refused",
        "ConnectionRefusedError: [Errno 111] Connect call failed ('db', 5432)",
        "CommunicationsException: Communications link failure jdbc:mysql://db:5432/app",
        "SQLSTATE[HY000] [2002] Connection refused (Connection: mysql, Host: db, Port: 5432, SQL: select 1)",
        'Connection refused - connect(2) for "db" port 5432',
        "RedisConnectionException: UnableToConnect on db:5432/Interactive",
        "db:5432 - no response",
        "Waiting for db:5432 ...",
        "nats: no servers available for connection (nats://db:5432)",
        "reset reason: connection failure, delayed connect error: 111 http://db:5432",
        "read tcp 10.0.0.1:4711->10.96.0.9:5432: read: connection reset by peer (db:5432)",
    ],
)
def test_an_address_at_which_nobody_answers(line: str) -> None:
    found = [address for address, _ in unanswered(line)]
    assert {Address("db", 5432), Address("10.96.0.9", 5432)} & set(found)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ('I/O error on GET request for "http://db/v1/items": Connection refused', Address("db", 80)),
        ("https://db.shop.svc/x: connection refused", Address("db.shop.svc", 443)),
    ],
)
def test_a_url_without_a_port_means_its_schemes(line: str, address: Address) -> None:
    assert [one for one, _ in unanswered(line)] == [address]


def test_an_address_may_be_of_the_sixth_version() -> None:
    assert Address("fd00::9", 5432) in [one for one, _ in unanswered("dial tcp [fd00::9]:5432: connection refused")]


def test_a_word_that_is_longer_than_any_name_is_no_host() -> None:
    line = f"connection refused {'x' * 50_000}: Name or service not known"
    assert unanswered(line) == []
    assert all(len(host) <= 254 for host, _ in unresolved(line))


def test_words_may_leave_out_who_is_silent() -> None:
    line = "kafka.errors.NoBrokersAvailable: NoBrokersAvailable"
    assert speaks_of_silence(line) == line
    assert speaks_of_silence("dial tcp 10.96.0.9:5432: connection refused") == ""
    assert speaks_of_silence("ready") == ""


# --- Which Service is meant -------------------------------------------------------------------------------------------


def client(words: str, *, told: str = "", **fields: Any) -> Json:
    """A client that crashes with these words; `told` is in its environment."""
    env = [{"name": "DB_HOST", "value": told}]
    obj = pod(created=0.5, containers=[{"name": "app", "env": env, **fields}])
    return with_status(obj, crash_looping(ended(1, started=1.9, at=2, message=words)))


def backed(svc: Json, *, ready: bool = False) -> Scene:
    """A Service `db` and its one pod, which crashes or is ready."""
    scene = Scene().see(svc, at=-60).see(deployment(), at=0)
    backend = pod("db-0", owner="db", created=-50)
    backend["metadata"]["namespace"] = svc["metadata"]["namespace"]
    status = running(-49) if ready else crash_looping(ended(3, started=1, at=1.2))
    return scene.see(with_status(backend, status, ready=ready, ready_since=-49), at=1.3)


def headless(**spec: Any) -> Json:
    svc = service("db")
    svc["spec"] |= {"clusterIP": "None", **spec}
    return svc


def links(scene: Scene, code: str) -> list[Any]:
    return [one for one in scene.links(POD, at=3) if one.code == code]


def test_a_silence_without_a_name_is_of_the_one_service_that_it_is_told_of_and_nobody_backs() -> None:
    obj = client("NoBrokersAvailable", told="db:9092")
    (link,) = links(backed(service("db")).see(obj, at=2.1), "runtime.dependency_down")
    assert (link.blame, link.attributes["service"]) == (DATABASE, f"Service/{NS}/db")


def test_a_silence_without_a_name_says_nothing_of_a_service_that_is_well() -> None:
    obj = client("NoBrokersAvailable", told="db:9092")
    assert not links(backed(service("db"), ready=True).see(obj, at=2.1), "runtime.dependency_down")


LATER = ["connected", "migrated", "listening", "served 1 request"]


def test_what_was_said_well_before_a_death_by_something_else_is_history() -> None:
    early = ["connect db:80: connection refused", *LATER, "panic: nil pointer dereference", "goroutine 1 [running]:"]
    assert not links(backed(service("db")).see(client("\n".join(early)), at=2.1), "runtime.dependency_down")


@pytest.mark.parametrize(
    "words",
    [
        [*LATER, "connect db:80: connection refused", "panic: no database"],
        ["Traceback (most recent call last):", *LATER, "OSError: connect db:80: connection refused"],
        ["connect db:80: connection refused", *LATER, "giving up"],
    ],
)
def test_what_a_program_dies_of_is_in_its_words_or_shortly_before(words: list[str]) -> None:
    assert links(backed(service("db")).see(client("\n".join(words)), at=2.1), "runtime.dependency_down")


def test_a_program_that_waits_for_its_own_service_is_not_led_to_itself() -> None:
    svc = service("web")
    for words in ("NoBrokersAvailable", "connect web:80: connection refused"):
        scene = Scene().see(svc, at=-60).see(deployment(), at=0).see(client(words, told="web:80"), at=2.1)
        assert not links(scene, "runtime.dependency_down")


def test_an_address_of_another_namespace_is_known_from_the_settings() -> None:
    svc = in_namespace(service("db"), "data")
    svc["spec"]["clusterIP"] = "10.96.3.3"
    words = "dial tcp 10.96.3.3:80: connect: connection refused"
    (link,) = links(backed(svc).see(client(words, told="http://db.data.svc:80"), at=2.1), "runtime.dependency_down")
    assert link.attributes["service"] == "Service/data/db"
    assert not links(backed(svc).see(client(words, told="db"), at=2.1), "runtime.dependency_down")


def test_a_pods_own_name_below_a_headless_service_is_that_services() -> None:
    words = "lookup db-0.db.shop.svc.cluster.local on 10.96.0.10:53: no such host"
    scene = backed(headless()).see(client(words), at=2.1)
    assert links(scene, "runtime.dependency_down")
    assert not links(scene, "runtime.dependency_address")


def test_a_pods_name_below_a_service_that_was_deleted_is_missed() -> None:
    scene = backed(headless()).see(headless(), at=1.5, deleted=True)
    scene.see(client("lookup db-0.db.shop.svc.cluster.local on 10.96.0.10:53: no such host"), at=2.1)
    (link,) = links(scene, "service.missing")
    assert link.blame == ObjectKey("Service", NS, "db")


def test_one_broken_pod_of_a_set_is_to_blame_though_others_are_ready() -> None:
    scene = backed(headless())
    well = pod("db-1", owner="db", created=-50)
    scene.see(with_status(well, running(-49), ready=True, ready_since=-49), at=-49)
    words = "server selection error: db-0.db.shop.svc.cluster.local:80: connection refused"
    (link,) = links(scene.see(client(words), at=2.1), "runtime.dependency_down")
    assert link.through == (ObjectKey("Pod", NS, "db-0"),)
    words = "server selection error: db-1.db.shop.svc.cluster.local:80: connection refused"
    assert not links(scene.see(client(words), at=2.2), "runtime.dependency_down")


def alias(of: str) -> Json:
    svc = service("db")
    svc["spec"] = {"type": "ExternalName", "externalName": of, "ports": []}
    return svc


def test_an_alias_of_a_name_that_has_no_address_is_to_blame() -> None:
    scene = Scene().see(alias("db.example"), at=-60).see(deployment(), at=0)
    change = {"field": "spec.externalName", "before": "db.example", "after": "db-nope.example"}
    scene.see(alias("db-nope.example"), at=0.3, changes=[change])
    scene.see(client("lookup db on 10.96.0.10:53: no such host", told="db"), at=2.1)
    (link,) = links(scene, "runtime.dependency_address")
    assert (link.blame, link.change.after) == (ObjectKey("Service", NS, "db"), "db-nope.example")
    assert not links(scene, "network.dns_failed")


def test_an_alias_of_a_service_leads_to_what_backs_that() -> None:
    real = in_namespace(service("db"), "data")
    scene = backed(real).see(alias("db.data.svc.cluster.local"), at=-60)
    scene.see(client("dial tcp: connect db:80: connection refused", told="db"), at=2.1)
    (link,) = links(scene, "runtime.dependency_down")
    assert link.attributes["service"] == "Service/data/db"
    assert not links(scene, "runtime.dependency_address")


def test_that_no_service_exists_is_said_only_where_services_were_seen() -> None:
    scene = Scene().see(deployment(), at=0).see(service("web"), at=-60)
    (near,) = links(scene.see(client("lookup db-nope: no such host"), at=2.1), "runtime.dependency_address")
    (far,) = links(scene.see(client("lookup db.data: no such host"), at=2.2), "runtime.dependency_address")
    assert "no such Service exists" in near.summary
    assert "no such Service exists" not in far.summary


def test_what_a_configmap_names_is_told_too() -> None:
    obj = client("NoBrokersAvailable", envFrom=[{"configMapRef": {"name": "web-config"}}])
    scene = backed(service("db")).see(configmap("web-config", {"BROKERS": "db:9092"}), at=-60)
    assert links(scene.see(obj, at=2.1), "runtime.dependency_down")
