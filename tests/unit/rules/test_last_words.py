"""Rules over a program's own last words, by example and near-miss."""

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
    pod,
    running,
    with_status,
)


def ending(words: str, obj: Json | None = None) -> Scene:
    end = ended(1, started=1.9, at=2, message=words)
    return Scene().see(deployment(), at=0).see(with_status(obj or pod(created=0.5), crash_looping(end)), at=2.1)


def told(scene: Scene) -> list[str]:
    return [code for code in codes(scene.links(POD, at=3)) if not code.startswith("runtime.crash")]


@pytest.mark.parametrize(
    "words",
    [
        'FATAL: password authentication failed for user "web"',
        "ERROR 1045 (28000): Access denied for user 'web'@'10.1.1.1' (using password: YES)",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "MongoServerError: Authentication failed.",
    ],
)
def test_a_program_that_is_not_let_in(words: str) -> None:
    assert told(ending(words)) == ["runtime.credentials_invalid"]


def test_the_changed_config_that_holds_the_credentials_is_to_blame() -> None:
    obj = pod(created=0.5, containers=[{"name": "app", "envFrom": [{"configMapRef": {"name": "web-config"}}]}])
    scene = ending("password authentication failed for user", obj).see(configmap("web-config", {}), at=-60)
    change = {"field": "data.DB_USER", "before": "web", "after": "wbe"}
    scene.see(configmap("web-config", {"DB_USER": "wbe"}), at=0.3, changes=[change])
    link = next(link for link in scene.links(POD, at=3) if link.code == "runtime.credentials_invalid")
    assert (link.blame, link.workload) == (ObjectKey("ConfigMap", NS, "web-config"), DEPLOYMENT)


def test_a_file_that_may_not_be_read_is_no_credential() -> None:
    assert told(ending("open /etc/x: permission denied")) == []


def test_a_certificate_that_is_over_blames_the_one_secret_that_is_mounted() -> None:
    words = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"
    assert told(ending(words)) == ["runtime.certificate_expired"]
    obj = pod(created=0.5, volumes=[{"name": "tls", "secret": {"secretName": "web-tls"}}])
    link = next(link for link in ending(words, obj).links(POD, at=3) if link.code == "runtime.certificate_expired")
    assert link.blame == ObjectKey("Secret", NS, "web-tls")


@pytest.mark.parametrize(
    "words",
    [
        "x509: certificate signed by unknown authority",
        "Error: self-signed certificate in certificate chain",
        "ssl.SSLCertVerificationError: certificate verify failed: unable to get local issuer certificate",
        "sun.security.validator.ValidatorException: PKIX path building failed",
    ],
)
def test_a_certificate_that_is_not_trusted_is_not_over(words: str) -> None:
    assert told(ending(words)) == ["runtime.certificate_invalid"]


def beside(words: str) -> Scene:
    obj = pod(created=0.5, containers=[{"name": "app"}, {"name": "proxy"}])
    end = ended(1, started=1.9, at=2, message=words)
    status = with_status(obj, crash_looping(end), {**running(1), "name": "proxy"})
    return Scene().see(deployment(), at=0).see(status, at=2.1)


def test_a_port_that_a_container_beside_it_has_is_the_workloads() -> None:
    scene = beside("listen tcp :8080: bind: address already in use")
    assert told(scene) == ["startup.sidecar_port_conflict"]
    link = next(one for one in scene.links(POD, at=3) if one.code == "startup.sidecar_port_conflict")
    assert (link.blame, link.attributes["port"]) == (DEPLOYMENT, 8080)


def test_a_port_that_is_taken_in_a_pod_of_one_is_its_own_trouble() -> None:
    assert told(ending("listen tcp :8080: bind: address already in use")) == []


@pytest.mark.parametrize(
    "words",
    [
        "An error occurred (ExpiredToken) when calling the GetObject operation: The provided token has expired.",
        "io.grpc.StatusRuntimeException: UNAUTHENTICATED: Jwt verification fails",
        "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: http://api/x",
        "AxiosError: Request failed with status code 401",
        "fe_sendauth: no password supplied",
        "kafka server: SASL Authentication failed.",
        "nats: Authorization Violation",
        "ORA-01017: invalid username/password; logon denied",
        "Login failed for user 'sa'.",
        "com.mongodb.MongoSecurityException: Exception authenticating MongoCredential",
    ],
)
def test_many_clients_say_that_they_are_not_let_in(words: str) -> None:
    assert told(ending(words)) == ["runtime.credentials_invalid"]


@pytest.mark.parametrize(
    "words",
    ['10.0.0.7 - - "GET /admin HTTP/1.1" 401 12', "java.nio.file.AccessDeniedException: /x", "took 401 ms"],
)
def test_what_others_are_refused_is_no_credential_of_its_own(words: str) -> None:
    assert "runtime.credentials_invalid" not in told(ending(words))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("invalid peer certificate: Expired", "runtime.certificate_expired"),
        ("CertPathValidatorException: validity check failed", "runtime.certificate_expired"),
        ("remote error: tls: expired certificate", "runtime.certificate_expired"),
        (
            "x509: cannot validate certificate for 10.0.0.9 because it doesn't contain any IP SANs",
            "runtime.certificate_invalid",
        ),
        ("Hostname/IP does not match certificate's altnames: Host: db.", "runtime.certificate_invalid"),
        ("invalid peer certificate: UnknownIssuer", "runtime.certificate_invalid"),
        ("tls: private key does not match public key", "runtime.certificate_invalid"),
        (
            'nginx: [emerg] cannot load certificate "/etc/tls/tls.crt": PEM_read_bio_X509_AUX() failed',
            "runtime.certificate_invalid",
        ),
    ],
)
def test_what_is_wrong_with_a_certificate(words: str, code: str) -> None:
    assert told(ending(words)) == [code]


def test_a_certificate_that_cannot_be_used_says_nothing_of_a_peer() -> None:
    (link,) = [one for one in ending("tls: private key does not match").links(POD, at=3) if "certificate" in one.code]
    assert "cannot be used" in link.summary
    assert link.ruled_out == ()


def test_a_program_that_goes_on_and_never_gets_ready_tells_as_much_as_one_that_ends() -> None:
    obj = pod(created=0.5)
    unready = with_status(obj, running(1, ready=False), ready_since=0.6)
    scene = Scene().see(deployment(), at=0).see(unready, at=1)
    scene.log(obj, 'FATAL: password authentication failed for user "web"', at=2.5)
    (link,) = [one for one in scene.links(POD, at=9) if one.code == "runtime.credentials_invalid"]
    assert link.blame == DEPLOYMENT
    ready = Scene().see(deployment(), at=0).see(with_status(obj, running(1), ready=True, ready_since=1), at=1)
    assert told(ready.log(obj, "401 Unauthorized", at=2)) == ["none.healthy"]


def test_a_folder_that_is_another_users_is_a_matter_of_the_volume() -> None:
    mount = {"name": "data", "mountPath": "/var/lib/pg"}
    obj = pod(created=0.5, containers=[{"name": "app", "volumeMounts": [mount]}])
    words = 'FATAL: data directory "/var/lib/pg/data" has wrong ownership'
    assert told(ending(words, obj)) == ["startup.volume_permission"]
    assert told(ending("setrlimit: operation not permitted", obj)) == []


def rotated(at: float, *, about: str = "data.password") -> Scene:
    """A client with a Secret in its environment that changed at `at`; it is refused since minute 2."""
    source = {"secretKeyRef": {"name": "db-auth", "key": "password"}}
    obj = pod(created=-9, containers=[{"name": "app", "env": [{"name": "PW", "valueFrom": source}]}])
    scene = Scene().see(deployment(), at=-10).see(with_status(obj, running(-8), ready=True, ready_since=-8), at=-8)
    meta = {"name": "db-auth", "namespace": NS, "uid": "secret-db", "creationTimestamp": "2026-01-01T00:00:00Z"}
    secret = {"kind": "Secret", "metadata": meta}
    scene.see(secret, at=-9).see(secret, at=at, changes=[{"field": about, "before": None, "after": {"redacted": "x"}}])
    scene.see(with_status(obj, running(-8, ready=False), ready_since=2), at=2)
    return scene.log(obj, 'FATAL: password authentication failed for user "web"', at=2.2)


def test_a_credential_that_changed_after_the_client_read_it_is_to_blame() -> None:
    (link,) = [one for one in rotated(1).links(POD, at=4) if one.code == "runtime.credentials_invalid"]
    assert link.blame == ObjectKey("Secret", NS, "db-auth")
    assert "when it started" in link.summary
    assert link.next == (f"kubectl -n {NS} rollout restart deployment/web",)


def test_a_key_that_the_client_does_not_read_is_not() -> None:
    (link,) = [one for one in rotated(1, about="data.other").links(POD, at=4) if "credentials" in one.code]
    assert link.blame == DEPLOYMENT


@pytest.mark.parametrize(
    "words",
    [
        "tls: failed to verify certificate: x509: certificate is valid for db.old, not db.new",
        "Hostname/IP does not match certificate's altnames: Host: db. is not in the cert's altnames: DNS:db.old",
        "certificate verify failed: Hostname mismatch, certificate is not valid for 'db'",
        "curl: (60) SSL: no alternative certificate subject name matches target host name 'db'",
    ],
)
def test_a_certificate_for_other_names_is_not_to_be_renewed(words: str) -> None:
    link = next(link for link in ending(words).links(POD, at=3) if link.code == "runtime.certificate_invalid")
    assert "is for other names" in link.summary
    assert not any("renew" in step for step in link.next)
