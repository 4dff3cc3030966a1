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
        "x509: certificate is valid for db.old, not db.new",
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
