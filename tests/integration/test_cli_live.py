"""`why --live` and `capture` against the lab's API server."""

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from tests.lab import manifests
from tests.lab.lab import Lab

TAPIO = str(Path(sys.executable).with_name("tapio"))
pytestmark = pytest.mark.lab


def tapio(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"KUBECONFIG": str(lab.kubeconfig), "TAPIO_NATS_PORT": "1"}  # nobody's: no Tapio runs
    return subprocess.run([TAPIO, *arguments], capture_output=True, text=True, env=environ, check=False)


@pytest.fixture
def broken(lab: Lab, lab_namespace: str) -> str:
    lab.apply(manifests.pod("web", image="registry.tapio.lab/nothing:1"), lab_namespace)
    lab.wait(lambda: "Pull" in json.dumps(lab.get("pod", "web", lab_namespace)["status"]), what="the pull fails")
    return lab_namespace


def test_one_look_explains_a_pod_and_leaves_the_cluster_alone(lab: Lab, broken: str) -> None:
    done = tapio(lab, "why", "--live", "pod/web", "-n", broken, "-o", "json")
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["causes"][0]["code"] == "startup.image_not_found"
    assert done.stderr == ""


def test_an_unknown_pod_is_told_the_near_name(lab: Lab, broken: str) -> None:
    done = tapio(lab, "why", "--live", "pod/wep", "-n", broken)
    assert done.returncode == 1
    assert f"pod/{broken}/web" in done.stderr


def test_a_wrong_context_lists_those_there(lab: Lab) -> None:
    done = tapio(lab, "why", "--live", "--context", "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr


def test_a_capture_by_one_look_gives_the_live_answer_and_says_what_it_lacks(
    lab: Lab, broken: str, tmp_path: Path
) -> None:
    file = tmp_path / "look.jsonl.gz"
    captured = tapio(lab, "capture", str(file), "pod/web", "-n", broken)
    assert captured.returncode == 0, captured.stderr
    assert "what changed before now is not in it" in captured.stderr
    assert " redacted" in captured.stderr
    done = tapio(lab, "why", "-f", str(file), "pod/web", "-o", "json")
    assert json.loads(done.stdout)["causes"][0]["code"] == "startup.image_not_found"


def test_what_kubectl_writes_gives_the_answer_of_a_look(lab: Lab, broken: str, tmp_path: Path) -> None:
    for output in ("json", "yaml"):
        got = lab.kubectl("get", "pods,events,nodes", "-n", broken, "-o", output)
        assert causes_of(lab, got, tmp_path / "got") == ["startup.image_not_found"]
        dump = lab.kubectl("cluster-info", "dump", f"--namespaces={broken}", "-o", output)
        assert causes_of(lab, dump, tmp_path / "dump.txt") == ["startup.image_not_found"]
        folder = tmp_path / output
        lab.kubectl("cluster-info", "dump", f"--namespaces={broken}", "-o", output, f"--output-directory={folder}")
        assert causes_of(lab, "", folder) == ["startup.image_not_found"]


def causes_of(lab: Lab, written: str, path: Path) -> list[str]:
    if written:
        path.write_text(written)
    done = tapio(lab, "why", "-f", str(path), "pod/web", "-o", "json")
    assert done.stderr == ""
    return [cause["code"] for cause in json.loads(done.stdout)["causes"]]


def test_a_capture_that_watches_has_the_change_with_its_before(lab: Lab, lab_namespace: str, tmp_path: Path) -> None:
    lab.apply(manifests.configmap("cfg", {"MODE": "safe"}), lab_namespace)
    file = tmp_path / "watched.jsonl"
    command = [TAPIO, "capture", str(file), "-n", lab_namespace, "--for", "20s", "--kubeconfig", str(lab.kubeconfig)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stderr
        assert "watching" in watching.stderr.readline()
        for value in count():  # it may begin late, and a kubectl may take seconds
            if watching.poll() is not None:
                break
            lab.apply(manifests.configmap("cfg", {"MODE": f"fast-{value}"}), lab_namespace)
    changes = [
        change for line in file.read_text().splitlines() for change in json.loads(line)["data"].get("changes", ())
    ]
    assert "data.MODE" in {change["field"] for change in changes}
    assert any(str(change.get("before", "")).startswith(("safe", "fast")) for change in changes)


def test_since_without_a_running_tapio_is_unreachable(lab: Lab, tmp_path: Path) -> None:
    done = tapio(lab, "capture", str(tmp_path / "x.gz"), "--since", "1h")
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
