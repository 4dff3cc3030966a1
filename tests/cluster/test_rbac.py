"""The manifests of deploy/ on a real API server: what they let an account read, and what `tapio doctor` says of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tapio.collectors.kubeapi import snapshot
from tapio.kube import KINDS, KubeClient, load
from tapio.kube.rights import allowed
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.alone]  # the manifests' names are the cluster's

TAPIO = str(Path(sys.executable).with_name("tapio"))
DEPLOY = Path(__file__).parents[2] / "deploy"
Json = dict[str, Any]


@pytest.fixture
def account(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of the account that rbac.yaml makes."""
    lab.kubectl("apply", f"--filename={DEPLOY / 'rbac.yaml'}")
    try:
        lab.wait_until_allowed("tapio", "list", "pods", "tapio")
        token = lab.kubectl("create", "token", "tapio", "--namespace=tapio").strip()
        yield kubeconfig(lab, token, tmp_path)
    finally:
        for name in ("rbac-secrets.yaml", "rbac.yaml"):
            lab.kubectl("delete", f"--filename={DEPLOY / name}", "--ignore-not-found")


def kubeconfig(lab: Lab, token: str, folder: Path) -> Path:
    document = yaml.safe_load(lab.kubeconfig.read_text())
    document["users"] = [{"name": entry["name"], "user": {"token": token}} for entry in document["users"]]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def doctor(config: Path, folder: Path, *arguments: str) -> tuple[int, dict[str, Json]]:
    elsewhere = {"TAPIO_NATS": "nats://127.0.0.1:1", "TAPIO_RAY": "127.0.0.1:1", "TAPIO_HTTP_PORT": "1"}
    environ = os.environ | elsewhere | {"TAPIO_DATA_DIR": str(folder)}
    command = [TAPIO, "doctor", "-o", "json", "--kubeconfig", str(config), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)["checks"]}


async def test_the_account_reads_every_kind_but_secrets(lab: Lab, account: Path) -> None:
    async with KubeClient(load(account)) as client:
        look = await snapshot(client, list(KINDS.values()))
        assert [lack.cause for lack in look.lacking] == ["forbidden: Secret"]
        lab.kubectl("apply", f"--filename={DEPLOY / 'rbac-secrets.yaml'}")
        lab.wait_until_allowed("tapio", "list", "secrets", "tapio")
        assert (await snapshot(client, list(KINDS.values()))).lacking == ()
        assert not any([await allowed(client, KINDS["Pod"], verb) for verb in ("create", "update", "delete")])


def test_doctor_tells_the_rights_of_the_account(account: Path, tmp_path: Path) -> None:
    code, checks = doctor(account, tmp_path)
    assert code == 0
    assert checks["rights"]["said"].startswith(f"{len(KINDS) - 1} of {len(KINDS)} kinds")
    assert "may not list or watch secrets" in checks["rights: Secret"]["said"]
    assert "Kubernetes v1." in checks["API server"]["said"]


def test_doctor_tells_an_account_without_rights(lab: Lab, lab_namespace: str, tmp_path: Path) -> None:
    token = lab.kubectl("create", "token", "default", f"--namespace={lab_namespace}").strip()
    config = kubeconfig(lab, token, tmp_path)
    code, checks = doctor(config, tmp_path)
    assert (code, checks["rights: Pod"]["verdict"]) == (6, "missing")
    where = f"--namespace={lab_namespace}"
    lab.kubectl("create", "role", "reader", "--verb=get,list,watch", "--resource=pods,pods/log", where)
    lab.kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={lab_namespace}:default", where)
    lab.wait_until_allowed("default", "list", "pods", lab_namespace)
    code, checks = doctor(config, tmp_path, "-n", lab_namespace)
    assert (code, "rights: Pod" in checks) == (0, False)
    assert checks["rights"]["said"] == f"1 of {len(KINDS)} kinds can be listed and watched in namespace {lab_namespace}"
