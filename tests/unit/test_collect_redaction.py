"""Secrets that are planted do not come out; what only looks like one does."""

import json
from typing import Any

import pytest

from tapio.collectors.kubeapi.redaction import redact
from tapio.collectors.redaction import Redactor, shown
from tapio.errors import UsageError

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
AWS_ID = "AKIAIOSFODNN7EXAMPLE"
AWS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7canary\n-----END RSA PRIVATE KEY-----"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RANDOM = "q8Zr2LxV9tKp4WmYc7Hd3NsB"
LOWER = "k3j9x7q2m5v8b1n4c6z0h3f7d2s9"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(b"a key")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} sent", JWT),
        (f"id={AWS_ID}", AWS_ID),
        (f"aws {AWS_KEY}", AWS_KEY),
        (f"key:\n{PEM}\nend", "MIIEpAIBAAKCAQEA7canary"),
        ("-----BEGIN EC PRIVATE KEY-----\ncutcanary", "cutcanary"),
        ("postgres://app:hunter2@db:5432/shop", "hunter2"),
        ("postgres://app:p/w@x@db:5432/shop", "p/w@x"),
        ("amqp://:hunter2@mq/", "hunter2"),
        ("root:hunter2@tcp(db:3306)/shop", "hunter2"),
        ("--password=hunter2", "hunter2"),
        ("--db-password hunter2 --verbose", "hunter2"),
        ("export DB_PASSWORD='hunter2'; run", "hunter2"),
        ('{"apiKey": "hunter2"}', "hunter2"),
        ("client_secret: hunter2", "hunter2"),
        ("spring.datasource.password=hunter2", "hunter2"),
        ("Authorization: Bearer hunter2hunter2", "hunter2hunter2"),
        ("Authorization: Basic aHVudGVyMg==", "aHVudGVyMg=="),
        (f"ghp_{'a1B2' * 9}", "a1B2a1B2"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuvw", "1234567890abcdef"),
        ("xoxb-123456789012-abcdefgh", "abcdefgh"),
        (f"seed {RANDOM}", RANDOM),
        (f"seed={RANDOM}", RANDOM),
        (f"seed:{RANDOM}", RANDOM),
        (f"x={HEX}", HEX),
        (f"x {LOWER}", LOWER),
        (f"https://hooks.example.com/services/T0/{RANDOM}", RANDOM),
    ],
)
def test_a_secret_in_a_text_does_not_come_out(redactor: Redactor, text: str, secret: str) -> None:
    safe = redactor.text(text)
    assert secret not in safe
    assert "[redacted:" in safe
    assert redactor.text(safe) == safe


@pytest.mark.parametrize(
    "text",
    [
        "registry.k8s.io/ingress-nginx/controller@sha256:" + HEX,
        f"docker.io/library/nginx@sha256:{HEX} pulled",
        "71c42017-61a7-418e-8e2c-897cf237d6e3",
        "checkout-7f6c9d8b5-x2x9z",
        "ingress-nginx-controller-admission-7f6c9d8b5-x2x9z",
        "/var/lib/kubelet/pods/0f6b8526-3587-433e-91fd-1d10ead72f88/volumes/kubernetes.io~configmap",
        "postgres-service.database.svc.cluster.local:5432",
        "http://api-gateway.prod.svc.cluster.local:8080/v1/health?verbose=true",
        "https://example.com/users/me@example.com",
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "HorizontalPodAutoscalerControllerConfiguration",
        "RequiredDuringSchedulingIgnoredDuringExecution",
        "java.lang.IllegalStateException: connection refused",
        "password authentication failed for user postgres",
        'secret "db-creds" not found',
        "secretName: db-creds",
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector",
        "Back-off restarting container app in pod checkout-7f6c9d8b5-x2x9z_shop(71c42017-61a7-418e-8e2c-897cf237d6e3)",
        "--token-ttl=3600",
        "nginx:1.19.2-alpine",
        "kube-apiserver-kubelet-client-certificate-rotation",
        "echo $DB_PASSWORD",
        "PASSWORD=$(cat /run/secrets/db)",
        "2026-01-01T00:00:00.123456789Z",
    ],
)
def test_what_is_no_secret_survives(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


def test_messages_may_name_containers_by_their_hexadecimal_id(redactor: Redactor) -> None:
    text = f'failed to create sandbox "{HEX}"'
    assert redactor.text(text, ids=True) == text


@pytest.mark.parametrize("name", ["DB_PASSWORD", "API_TOKEN", "CLIENT_SECRET", "ENCRYPTION_KEY", "apiKey", "db-pwd"])
def test_a_name_that_says_secret_is_enough(redactor: Redactor, name: str) -> None:
    assert redactor.value(name, "word").startswith("[redacted:")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_HOST", "db-new"),
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("PASSWORD_LOGIN", "true"),
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "$(OTHER)"),
        ("KEYBOARD", "qwerty"),
    ],
)
def test_a_value_that_is_no_secret_survives(redactor: Redactor, name: str, value: str) -> None:
    assert redactor.value(name, value) == value


def test_the_argument_after_a_flag_is_its_value(redactor: Redactor) -> None:
    safe = redactor.arguments(["run", "--password", "hunter2", "--db", "shop", "--token", "--quiet"])
    assert safe[2].startswith("[redacted:")
    assert safe[3:] == ["--db", "shop", "--token", "--quiet"]


def test_a_digest_tells_same_from_different_and_depends_on_the_key(redactor: Redactor) -> None:
    assert redactor.mark("a") == redactor.mark("a") != redactor.mark("b")
    assert Redactor(b"another").mark("a") != redactor.mark("a")


def test_shown_in_changes(redactor: Redactor) -> None:
    mark = redactor.mark("hunter2")
    assert shown({"value": mark, "name": "A"}) == {"value": {"redacted": mark[10:-1]}, "name": "A"}
    assert shown(f"postgres://{mark}@db") == f"postgres://{mark}@db"


def test_the_users_own_patterns() -> None:
    assert "kunde-4711" not in Redactor(b"k", patterns=[r"kunde-\d+"]).text("for kunde-4711")
    with pytest.raises(UsageError, match="no regular expression"):
        Redactor(b"k", patterns=["("])


def planted() -> dict[str, Any]:
    """A Pod with a canary in every place that people write values into."""
    container = {
        "name": "app",
        "image": "shop@sha256:" + HEX,
        "command": ["sh", "-c", "PASSWORD=canary1 run"],
        "args": ["--password", "canary2"],
        "env": [{"name": "DB_PASSWORD", "value": "canary3"}, {"name": "DB_HOST", "value": "db-new"}],
        "livenessProbe": {"exec": {"command": ["probe", "--token=canary4"]}},
        "readinessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": "canary5"}]}},
        "lifecycle": {"preStop": {"exec": {"command": ["stop", "--api-key=canary6"]}}},
    }
    state = {"terminated": {"message": "fatal: password=canary7", "exitCode": 1}}
    return {
        "kind": "Pod",
        "metadata": {
            "name": "a",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": '{"canary8": 1}',
                "vault.io/token": "canary9",
                "team": "shop",
            },
        },
        "spec": {"containers": [container], "initContainers": [{**container, "name": "init"}]},
        "status": {"containerStatuses": [{"name": "app", "state": state, "lastState": state}]},
    }


def test_no_canary_leaves_a_pod(redactor: Redactor) -> None:
    pod = planted()
    redact(pod, redactor)
    text = json.dumps(pod)
    assert "canary" not in text
    for kept in ("shop@sha256:" + HEX, "db-new", '"team": "shop"', '"exitCode": 1'):
        assert kept in text


@pytest.mark.parametrize("path", [("template",), ("jobTemplate", "spec", "template")])
def test_no_canary_leaves_a_template(redactor: Redactor, path: tuple[str, ...]) -> None:
    pod = planted()
    spec: dict[str, Any] = {"metadata": pod["metadata"], "spec": pod["spec"]}
    for name in reversed(path):
        spec = {name: spec}
    workload = {"kind": "Any", "metadata": {"name": "w"}, "spec": spec}
    redact(workload, redactor)
    assert "canary" not in json.dumps(workload)


def test_a_secret_is_metadata_only(redactor: Redactor) -> None:
    secret = {
        "kind": "Secret",
        "metadata": {"name": "s"},
        "type": "Opaque",
        "data": {"a": "Y2FuYXJ5"},
        "stringData": {"b": "c"},
    }
    redact(secret, redactor)
    assert secret == {"kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque"}


def test_config_values_are_plain_unless_a_rule_or_the_setting_says_otherwise() -> None:
    def config() -> dict[str, Any]:
        data = {"DB_HOST": "db-new", "DB_PASSWORD": "canary", "app.ini": "host=db\npassword=canary\n"}
        return {"kind": "ConfigMap", "metadata": {}, "data": data, "binaryData": {"x": "Y2FuYXJ5"}}

    plain, digest = config(), config()
    redact(plain, Redactor(b"k"))
    redact(digest, Redactor(b"k", configmap_values="digest"))
    assert plain["data"]["DB_HOST"] == "db-new"
    assert plain["data"]["app.ini"].startswith("host=db\n")
    for safe in (plain, digest):
        assert not any(canary in json.dumps(safe) for canary in ("canary", "Y2FuYXJ5"))
    assert all(value.startswith("[redacted:") for value in digest["data"].values())


def test_an_events_message_goes_through_the_rules(redactor: Redactor) -> None:
    event = {
        "kind": "Event",
        "metadata": {},
        "message": "Error: postgres://a:canary@db refused",
        "note": "--token=canary",
    }
    redact(event, redactor)
    assert "canary" not in json.dumps(event)
    assert "@db refused" in event["message"]
