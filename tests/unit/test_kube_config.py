"""Kubeconfigs: what is found, what is said when it is not, and who the client is."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tapio.errors import ForbiddenError, UsageError
from tapio.kube import KINDS, kinds_named, load
from tapio.kube.config import in_cluster
from tapio.kube.credentials import TokenFile

Json = dict[str, Any]


def kubeconfig(folder: Path, *, user: Json | None = None, cluster: Json | None = None, current: str = "lab") -> Path:
    document = {
        "current-context": current,
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443/", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
    }
    path = folder / "config"
    path.write_text(json.dumps(document))
    return path


async def test_a_kubeconfig_with_everything_inside(tmp_path: Path) -> None:
    data = base64.b64encode(b"pem").decode()
    user = {"client-certificate-data": data, "client-key-data": data, "token": "t"}
    cluster = load(kubeconfig(tmp_path, user=user, cluster={"certificate-authority-data": data}))
    assert (cluster.server, cluster.context, cluster.namespace) == ("https://10.0.0.1:6443", "lab", "shop")
    assert (cluster.ca, cluster.certificate, cluster.key) == (b"pem", b"pem", b"pem")
    assert await cluster.credentials.token() == "t"


def test_files_are_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"authority")
    assert load(kubeconfig(tmp_path, cluster={"certificate-authority": "ca.pem"})).ca == b"authority"


def test_where_a_kubeconfig_is_looked_for(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path)
    home = tmp_path / "home" / ".kube"
    home.mkdir(parents=True)
    path.rename(home / "config")
    assert load(environ={"HOME": str(tmp_path / "home")}).context == "lab"
    assert load(environ={"KUBECONFIG": f"{tmp_path / 'none'}:{home / 'config'}"}).context == "lab"


def test_no_kubeconfig_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no kubeconfig found \(looked for .*/\.kube/config") as caught:
        load(environ={"HOME": str(tmp_path)})
    assert "--kubeconfig" in caught.value.hint


def test_a_kubeconfig_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the kubeconfig .*nowhere: No such file"):
        load(tmp_path / "nowhere", environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})


def test_an_unknown_context_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no context 'prod'") as caught:
        load(kubeconfig(tmp_path), "prod")
    assert "contexts there: lab" in caught.value.hint


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "\x00"])
def test_what_is_no_kubeconfig_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(UsageError, match="the kubeconfig"):
        load(path)


def test_bad_base64_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not base64"):
        load(kubeconfig(tmp_path, cluster={"certificate-authority-data": "%%%"}))


def test_inside_a_pod(tmp_path: Path) -> None:
    for name, text in (("token", "t1\n"), ("ca.crt", "pem"), ("namespace", "tapio")):
        (tmp_path / name).write_text(text)
    cluster = in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)
    assert (cluster.server, cluster.namespace, cluster.ca) == ("https://[fd00::1]:443", "tapio", b"pem")


async def test_a_token_file_is_read_again(tmp_path: Path) -> None:
    path, now = tmp_path / "token", [0.0]
    path.write_text("one")
    token = TokenFile(path, clock=lambda: now[0])
    assert await token.token() == "one"
    path.write_text("two")
    assert await token.token() == "one"
    now[0] = 61.0
    assert await token.token() == "two"
    path.write_text("three")
    token.forget()
    assert await token.token() == "three"


async def test_a_token_file_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ForbiddenError, match="token file"):
        await TokenFile(tmp_path / "none").token()


def _program(folder: Path, script: str) -> Json:
    path = folder / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": str(path), "interactiveMode": "Never"}}


async def test_a_program_makes_the_token(tmp_path: Path) -> None:
    status = '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"made"}}'
    cluster = load(kubeconfig(tmp_path, user=_program(tmp_path, f"echo '{status}'")))
    assert await cluster.credentials.token() == "made"


async def test_a_program_that_fails_is_said(tmp_path: Path) -> None:
    cluster = load(kubeconfig(tmp_path, user=_program(tmp_path, "exit 3")))
    with pytest.raises(ForbiddenError, match="gave no credentials"):
        await cluster.credentials.token()


def test_paths_of_kinds() -> None:
    assert KINDS["Pod"].path() == "/api/v1/pods"
    assert KINDS["Deployment"].path("shop") == "/apis/apps/v1/namespaces/shop/deployments"
    assert KINDS["Node"].path("shop") == "/api/v1/nodes"


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown kinds: Pot") as caught:
        kinds_named(["Pod", "Pot"])
    assert "Deployment" in caught.value.hint
