"""Whatever is wrong: what, where and what to do, the right exit code, no traceback, and nothing good is lost."""

import gzip
import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tapio.cli.demo import incidents as recorded
from tapio.cli.ports import free_port
from tests import incidents

TAPIO = str(Path(sys.executable).with_name("tapio"))


def tapio(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [TAPIO, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | environ,
        check=False,
        timeout=300,
    )
    said = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in said.stdout + said.stderr
    assert "internal error" not in said.stderr, said.stderr
    return said


# --- Files -----------------------------------------------------------------------------------------------------------


def lines_of(events: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


INCIDENT = lines_of(incidents.image_not_found())
OTHER_KIND = {**incidents.image_not_found()[0], "type": "gizmo_created"}
WRONG_TYPES = {**incidents.image_not_found()[0], "timestamp": 7}
WRONG_INSIDE = json.loads(lines_of(incidents.image_not_found(name="odd")[:1]))
WRONG_INSIDE["data"]["object"]["spec"]["containers"] = "none"

# What the file holds, what is said of it on stderr. The incident in it is explained all the same.
HARMED: dict[str, tuple[bytes, str]] = {
    "a line that is no JSON": (INCIDENT + b"not json\n", ":3: not a raw event"),
    "a last line cut short": (INCIDENT + INCIDENT[:200], ":3: not a raw event"),
    "gzip cut short": (gzip.compress(INCIDENT + random.Random(1).randbytes(4000))[:-600], "cut short"),
    "gzip with damage": (gzip.compress(INCIDENT) + gzip.compress(INCIDENT)[:20] + b"\xff" * 99, "damaged"),
    "a type nobody knows": (INCIDENT + lines_of([OTHER_KIND]), ""),
    "a field of the wrong type": (INCIDENT + lines_of([WRONG_TYPES]), ":3: not a raw event"),
    "an object with a wrong field": (INCIDENT + lines_of([WRONG_INSIDE]), "left out: pod_created shop/odd"),
    "bytes that are no text": (INCIDENT + bytes(range(128, 256)) + b"\n", ":3: not a raw event"),
    "blank lines and a byte order mark": (b"\xef\xbb\xbf\n\n" + INCIDENT, ""),
}


@pytest.mark.parametrize("harm", HARMED)
def test_what_is_good_in_a_file_is_still_answered(harm: str, tmp_path: Path) -> None:
    held, said = HARMED[harm]
    file = tmp_path / "incident.jsonl"
    file.write_bytes(held)
    done = tapio("why", "-f", str(file), "pod/web-0", "-o", "json")
    assert json.loads(done.stdout)["causes"][0]["code"] == "startup.image_not_found"
    assert done.returncode == (4 if "gzip" in harm else 2)  # what a cut took away may have been the answer
    assert said in done.stderr
    assert (done.stderr == "") == (said == "")


REFUSED: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "no such file"),
    "empty": (b"", "it is empty"),
    "blank": (b"\n \n", "it is empty"),
    "binary": (random.Random(2).randbytes(5000), "no raw event"),
    "prose": (b"this is\nmy log\n", "no raw event"),
    "yaml of an empty list": (b"apiVersion: v1\nkind: List\nitems: []\n", "it is empty"),
    "yaml of something else": (b"kind: [\n", "not YAML from line 2 on"),
    "json cut short": (b'{\n  "kind": "List",\n  "items": [\n', "not JSON from line 4 on"),
    "an empty list": (b'{"kind": "List", "items": []}', "it is empty"),
    "a gzip header alone": (gzip.compress(b"x")[:10], "cut short"),
}


_ONE_LOADER = [("missing", command) for command in ("incidents", "timeline", "changes", "sources", "replay")]


@pytest.mark.parametrize(("harm", "command"), [*((harm, "why") for harm in REFUSED), *_ONE_LOADER])
def test_a_file_with_nothing_in_it_is_refused(harm: str, command: str, tmp_path: Path) -> None:
    held, said = REFUSED[harm]
    file = tmp_path / "file"
    if held is not None:
        file.write_bytes(held)
    done = tapio(command, *(() if command == "replay" else ("-f",)), str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert str(file) in done.stderr
    assert said in done.stderr


def test_standard_input_is_named_as_that() -> None:
    done = tapio("why", "-f", "-")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: standard input: it is empty: ")


def test_a_disk_that_is_full_is_told_as_that(tmp_path: Path) -> None:
    file = incidents.write(tmp_path / "incident", incidents.image_not_found())
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([TAPIO, "why", "-f", str(file)], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.decode()) == (1, "error: cannot write: No space left on device\n")


def test_a_folder_without_a_file_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing of a cluster")
    done = tapio("why", "-f", str(tmp_path))
    assert done.returncode == 1
    assert "no file there to read" in done.stderr
    assert ".yaml" in done.stderr


def test_an_object_of_kubectl_without_a_time_is_named(tmp_path: Path) -> None:
    file = tmp_path / "get.json"
    pods = [event["data"]["object"] for event in incidents.image_not_found()]
    timeless = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "timeless", "namespace": "shop"}}
    file.write_text(
        json.dumps({"kind": "List", "items": [pods[1], timeless, {"kind": "Pod", "metadata": 3}]}, indent=2)
    )
    done = tapio("why", "-f", str(file), "-o", "json")
    assert json.loads(done.stdout)["causes"][0]["code"] == "startup.image_not_found"
    assert "timeless" in done.stderr


# --- Questions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["why", "timeline", "changes", "incidents"])
def test_an_unknown_target_names_near_ones(command: str) -> None:
    done = tapio(command, "-f", str(recorded()["crash-after-change"]), "deploy/chekout")
    assert (done.returncode, done.stdout) == (1, "")
    assert "deploy/shop/checkout" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("timeline", "--since", "ages"), "no span"),
        (("changes", "--at", "noon"), "no time"),
        (("incidents", "-o", "xml"), "'markdown'"),
        (("sources", "-o", "name"), "it is one of text, wide, json, yaml, jsonl, markdown"),
        (("timeline", "-n", "shop", "-A"), "exclude one another"),
        (("incidents", "--live"), "exclude one another"),
    ],
)
def test_a_wrong_flag_is_named(arguments: tuple[str, ...], said: str) -> None:
    done = tapio(*arguments, "-f", str(recorded()["crash-after-change"]))
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


# --- Servers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("incidents",), ("timeline",), ("changes",), ("sources",), ("status",), ("evidence", "x1")]
)
def test_no_tapio_exits_with_5(command: tuple[str, ...]) -> None:
    done = tapio(*command, TAPIO_SERVER="http://127.0.0.1:1")
    assert done.returncode == 5
    assert "tapio up" in done.stderr


def test_nats_away_exits_with_5(tmp_path: Path) -> None:
    done = tapio("capture", str(tmp_path / "x.gz"), "--since", "1h", "--nats", "nats://127.0.0.1:1")
    assert done.returncode == 5
    assert "127.0.0.1" in done.stderr


@pytest.mark.parametrize("command", [("why", "--live"), ("capture", "x.gz"), ("up",), ("incidents", "--live")])
def test_no_kubeconfig_is_told(command: tuple[str, ...], tmp_path: Path) -> None:
    done = tapio(*command, HOME=str(tmp_path), TAPIO_NATS_PORT="1", TAPIO_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "no kubeconfig found" in done.stderr


def test_up_on_a_nats_that_is_away_says_so_before_it_starts_anything(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(kubeconfig("http://127.0.0.1:1"))
    nats = "nats://127.0.0.1:1"
    ports = ("--http-port", str(free_port()), "--dashboard-port", "0", "--data-dir", str(tmp_path / "data"))
    done = tapio("up", "--kubeconfig", str(tmp_path / "kubeconfig"), "--nats", nats, *ports)
    assert done.returncode == 5
    assert f"NATS at {nats} does not answer" in done.stderr
    assert "http://127.0.0.1:1" in done.stderr  # a cluster that is away is waited for, and said to be
    assert "starting Ray" not in done.stderr


@pytest.mark.parametrize("which", ["http", "nats", "dashboard"])
def test_a_port_that_is_taken_is_named(which: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(kubeconfig("http://127.0.0.1:1"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        options = ("--kubeconfig", str(tmp_path / "kubeconfig"), "--data-dir", str(tmp_path / "data"))
        others = {"http": str(free_port()), "nats": "0", "dashboard": "0"} | {which: port}
        done = tapio("up", *options, *(part for name, at in others.items() for part in (f"--{name}-port", at)))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert f"--{which}-port" in done.stderr


def kubeconfig(server: str) -> str:
    return json.dumps(
        {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x", "namespace": "shop"}}],
            "clusters": [{"name": "x", "cluster": {"server": server}}],
            "users": [{"name": "x", "user": {"token": "t"}}],
        }
    )


@contextmanager
def refusing(code: int, reason: str) -> Iterator[str]:
    """An API server that refuses everything; its address."""

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            message = f"{reason}: pods is forbidden in namespace shop"
            status = {"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason, "message": message}
            body = json.dumps(status).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  the standard library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


Asked = Callable[[str], tuple[str, ...]]


@pytest.mark.parametrize("command", [("why", "--live"), ("incidents", "--live", "-n", "shop"), ("capture", "{file}")])
@pytest.mark.parametrize(
    ("code", "reason", "said"), [(401, "Unauthorized", "expired"), (403, "Forbidden", "forbidden")]
)
def test_a_refusal_exits_with_6(command: tuple[str, ...], code: int, reason: str, said: str, tmp_path: Path) -> None:
    with refusing(code, reason) as server:
        (tmp_path / "kubeconfig").write_text(kubeconfig(server))
        arguments = [argument.format(file=tmp_path / "x.gz") for argument in command]
        done = tapio(*arguments, KUBECONFIG=str(tmp_path / "kubeconfig"), TAPIO_NATS_PORT="1")
    assert done.returncode == 6, done.stderr
    assert said in done.stderr


def test_up_with_refused_credentials_exits_with_6(tmp_path: Path) -> None:
    with refusing(401, "Unauthorized") as server:
        (tmp_path / "kubeconfig").write_text(kubeconfig(server))
        done = tapio("up", "--kubeconfig", str(tmp_path / "kubeconfig"), "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 6
    assert "expired" in done.stderr


def test_doctor_tells_refused_credentials(tmp_path: Path) -> None:
    elsewhere = {"TAPIO_NATS": "nats://127.0.0.1:1", "TAPIO_RAY": "127.0.0.1:1", "TAPIO_HTTP_PORT": str(free_port())}
    with refusing(401, "Unauthorized") as server:
        (tmp_path / "kubeconfig").write_text(kubeconfig(server))
        done = tapio("doctor", KUBECONFIG=str(tmp_path / "kubeconfig"), TAPIO_DATA_DIR=str(tmp_path), **elsewhere)
    assert done.returncode == 6
    assert "log in again" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("settings", "said"), [("sharrds = 1\n", "shards"), ('shards = "two"\n', "shards"), ("shards = \n", "not TOML")]
)
@pytest.mark.parametrize("command", ["why", "config", "doctor", "up"])
def test_a_settings_file_with_an_error_is_named(command: str, settings: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "tapio.toml").write_text(settings)
    done = tapio(command, TAPIO_CONFIG=str(tmp_path / "tapio.toml"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "tapio.toml" in done.stderr
    assert said in done.stderr
