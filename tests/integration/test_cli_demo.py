"""The whole pipeline, with real NATS, Ray, SQLite and Ray Serve: `tapio demo` and `tapio up`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tapio.cli.demo import incidents
from tapio.cli.ports import free_port

TAPIO = str(Path(sys.executable).with_name("tapio"))
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: nobody, user: {}}]
"""


def test_the_demo_gives_the_answer_that_the_file_alone_gives() -> None:
    """One incident, asked of the actors' graph through Ray Serve, and in one process: the same words."""
    demo = subprocess.run([TAPIO, "demo"], capture_output=True, text=True, check=False)
    assert demo.returncode == 0, demo.stderr
    capture = str(incidents()["crash-after-change"])
    alone = subprocess.run([TAPIO, "why", "-f", capture], capture_output=True, text=True, check=False)
    assert "ConfigMap/shop/checkout-cfg" in alone.stdout
    assert demo.stdout.startswith(alone.stdout)
    assert "Try next" in demo.stdout
    assert "Traceback" not in demo.stderr


@pytest.mark.parametrize("name", sorted(incidents()))
def test_every_recorded_incident_is_explained(name: str) -> None:
    asked = [TAPIO, "why", "-f", str(incidents()[name]), "-o", "json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout)["causes"][0]["code"] == f"runtime.{name.replace('-', '_')}"


def test_up_says_what_is_where_and_stops_all_of_it(tmp_path: Path) -> None:
    """Without an API server: the collector is tried again and named, everything else runs."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    port = free_port()
    options = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--data-dir", str(tmp_path / "data")]
    ports = ["--http-port", str(port), "--nats-port", "0", "--dashboard-port", "0"]
    in_background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]  # as a script's `&` begins it: with SIGINT ignored
    with subprocess.Popen(
        [*in_background, TAPIO, "up", *options, *ports], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout
        said = [up.stdout.readline() for _ in range(5)]
        try:
            assert f"http://127.0.0.1:{port}" in said[0], (said, up.poll())
            assert "nowhere at http://127.0.0.1:1" in said[4]
            _second_one_is_told_the_pid(options, up.pid)
            _taken_port_is_named(tmp_path, port)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as healthy:
                assert json.load(healthy) == {"status": "ok"}
            assert _listening_elsewhere(port) == []
        finally:
            up.send_signal(signal.SIGINT)
            _, errors = up.communicate(timeout=180)
    assert up.returncode == 0, errors
    assert "Traceback" not in errors
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
    assert _processes_with(str(tmp_path)) == []


def _second_one_is_told_the_pid(options: list[str], pid: int) -> None:
    second = [TAPIO, "up", *options]
    done = subprocess.run(second, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"pid {pid}" in done.stderr


def _taken_port_is_named(tmp_path: Path, port: int) -> None:
    other = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--data-dir", str(tmp_path / "other")]
    done = subprocess.run([TAPIO, "up", *other, "--http-port", str(port)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--http-port" in done.stderr


def _listening_elsewhere(port: int) -> list[str]:
    """Sockets that listen on the API's port on another address than loopback (proc(5), tcp: hexadecimal)."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    listening = [line[1] for line in lines if line[3] == "0A" and line[1].endswith(f":{port:04X}")]
    return [address for address in listening if not address.startswith("0100007F:")]


def _processes_with(text: str) -> list[str]:
    """Command lines that name a path: what `up` started names its data directory."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if text in command and int(folder.name) != os.getpid() and not re.search(r"pytest", command):
            found.append(command)
    return found
