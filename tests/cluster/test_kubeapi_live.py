"""What a look at the lab brings beyond objects: last words, and answers with the rights of one namespace."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tapio.collectors.kubeapi import snapshot
from tapio.kube import KINDS, KubeClient, load
from tapio.raw import RawEvent
from tests.cluster.test_kubeapi import Sink, collecting, record
from tests.lab.lab import Lab
from tests.lab.manifests import deployment
from tests.lab.progress import PATIENCE_S
from tests.waiting import until

pytestmark = pytest.mark.lab
Json = dict[str, Any]
CANARY = "canary-9Xw3kT7vQz2LmP"
_TAPIO = str(Path(sys.executable).with_name("tapio"))
_READABLE = "pods,pods/log,events,services,configmaps,deployments.apps,replicasets.apps,endpointslices.discovery.k8s.io"


@pytest.fixture
def crashing(lab: Lab, lab_namespace: str) -> str:
    """A namespace in which a Deployment's container says why it ends, and ends."""
    lab.apply(deployment("api", [f"log=password={CANARY}", "log=cannot find the ledger", "exit=3"]), lab_namespace)
    lab.wait(lambda: _restarts(lab, lab_namespace) >= 1, what="the container was started again")
    return lab_namespace


def _restarts(lab: Lab, namespace: str) -> int:
    return sum(pod["status"]["containerStatuses"][0]["restartCount"] for pod in lab.list("pods", namespace))


async def test_last_words_of_a_crash_are_collected(lab: Lab, crashing: str, tmp_path: Path) -> None:
    sink = Sink(crashing)
    async with collecting(lab, tmp_path, sink):
        await until(lambda: bool(_last_words(sink.of("container_log"))), every_s=0.05)
    [log, *_] = _last_words(sink.of("container_log"))
    assert log.metadata.k8s_root == f"Deployment/{crashing}/api"
    assert CANARY.encode() not in b"".join(bytes(event.data) for event in sink.events)


async def test_one_look_has_the_last_words_dated_by_the_end(lab: Lab, crashing: str) -> None:
    async with KubeClient(load(lab.kubeconfig)) as client:
        async with asyncio.timeout(PATIENCE_S):
            look = await snapshot(client, [KINDS["Pod"]], crashing)
            while not _last_words(look.events):  # it may just have been started again
                look = await snapshot(client, [KINDS["Pod"]], crashing)
    logs = _last_words(look.events)
    ends = {_end(record(event)["object"]) for event in look.events if event.type == "pod_created"}
    assert {log.timestamp.isoformat().replace("+00:00", "Z") for log in logs} <= ends


def _last_words(events: Sequence[RawEvent]) -> list[RawEvent]:
    """The logs that end as the container's program ends."""
    logs = (event for event in events if event.type == "container_log")
    return [log for log in logs if record(log)["lines"][-1:] == ["cannot find the ledger"]]


def _end(pod: Json) -> str:
    [container] = pod["status"]["containerStatuses"]
    ended = container["state"].get("terminated") or container["lastState"]["terminated"]
    return str(ended["finishedAt"])


def test_live_answers_with_the_rights_of_one_namespace_and_says_what_it_lacks(
    lab: Lab, crashing: str, tmp_path: Path
) -> None:
    config = _reader(lab, crashing, tmp_path)
    command = [_TAPIO, "why", "deploy/api", "--live", "-o", "json", "--kubeconfig", str(config)]
    explained = 2  # what it may not read, this answer can do without

    def looked() -> subprocess.CompletedProcess[str] | None:
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return run if run.returncode == explained else None

    run = lab.wait(looked, what="a look explains it: the container may just have been started again")
    assert run
    answer = json.loads(run.stdout)
    assert answer["causes"][0]["code"].startswith("runtime.crash")
    assert f"looking at namespace {crashing} alone" in run.stderr
    lacking = {line.split()[2] for line in run.stderr.splitlines() if line.startswith("not seen:")}
    assert {"Node", "Secret", "Lease", "ClusterRole"} <= lacking
    assert not {"Pod", "Event", "ContainerLog"} & lacking
    assert CANARY not in run.stdout + run.stderr


def test_sources_name_what_may_not_be_read(lab: Lab, crashing: str, tmp_path: Path) -> None:
    config = _reader(lab, crashing, tmp_path)
    command = [_TAPIO, "sources", "--live", "-o", "json", "--kubeconfig", str(config)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert run.returncode == 0, run.stderr
    [source] = json.loads(run.stdout)["sources"]
    unread = {one["kind"]: one["why"] for one in source["unread"]}
    assert {"Node": "forbidden", "Secret": "forbidden"}.items() <= unread.items()
    assert "Pod" not in unread
    shown = subprocess.run(command[:3] + command[5:], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert "Secret" in shown.stdout
    assert "(forbidden)" in shown.stdout


def _reader(lab: Lab, namespace: str, folder: Path) -> Path:
    """A kubeconfig of an account that may read a few kinds of one namespace."""
    where = f"--namespace={namespace}"
    lab.kubectl("create", "serviceaccount", "reader", where)
    lab.kubectl("create", "role", "reader", "--verb=get,list,watch", f"--resource={_READABLE}", where)
    account = f"--serviceaccount={namespace}:reader"
    lab.kubectl("create", "rolebinding", "reader", "--role=reader", account, where)
    lab.wait_until_allowed("reader", "list", "pods", namespace)
    token = lab.kubectl("create", "token", "reader", where).strip()
    document = yaml.safe_load(lab.kubeconfig.read_text())
    document["users"] = [{"name": entry["name"], "user": {"token": token}} for entry in document["users"]]
    for entry in document["contexts"]:
        entry["context"]["namespace"] = namespace
    path = folder / "reader.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


async def test_the_collector_goes_on_where_most_is_forbidden(lab: Lab, crashing: str, tmp_path: Path) -> None:
    sink = Sink(crashing)
    path = await asyncio.to_thread(_reader, lab, crashing, tmp_path)
    async with collecting(lab, tmp_path, sink, kubeconfig=path, namespace=crashing) as collector:
        await until(lambda: bool(sink.of("pod_created") and sink.of("container_log")), every_s=0.05)
        await until(lambda: {"forbidden: Node", "forbidden: Secret"} <= _causes(sink), every_s=0.05)
        denied = collector.observe().denied
    assert (denied["Node"], denied["Secret"]) == ("forbidden: Node", "forbidden: Secret")
    assert "Pod" not in denied


def _causes(sink: Sink) -> set[str]:
    """Of what is declared lost: a kind may be known to be denied a moment before that is told."""
    return {record(event)["cause"] for event in sink.of("loss")}
