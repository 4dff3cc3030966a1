"""`tapio` as a person runs it: a process, its two outputs, its exit code."""

import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import incidents

TAPIO = str(Path(sys.executable).with_name("tapio"))


def tapio(*arguments: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([TAPIO, *arguments], input=stdin, capture_output=True, env=os.environ | environ, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def says_no_traceback(done: subprocess.CompletedProcess[str]) -> bool:
    return "Traceback" not in done.stderr + done.stdout and 'File "' not in done.stderr


@pytest.fixture
def incident(tmp_path: Path) -> Path:
    return incidents.write(tmp_path / "incident.jsonl", [*incidents.image_not_found(), *incidents.healthy()])


# --- Answers ---------------------------------------------------------------------------------------------------------


def test_the_worst_incident_of_a_file_is_explained(incident: Path) -> None:
    done = tapio("why", "-f", str(incident), "-o", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["status"]) == (2, "explained")
    assert answer["causes"][0]["code"] == "startup.image_not_found"
    assert answer["subject"]["name"] == "web-0"
    assert done.stderr == ""


def test_the_text_fits_the_terminal_and_has_no_colour_off_one(incident: Path) -> None:
    done = tapio("why", "-f", str(incident), COLUMNS="60")
    assert done.stdout.startswith("WHY   pod/shop/web-0")
    *lines, command = done.stdout.splitlines()
    assert max(map(len, lines)) <= 60
    assert command.startswith(f"more: tapio evidence -f {incident} x")  # a command is never broken, however long
    assert "\x1b" not in done.stdout


def test_a_healthy_target_exits_with_0_and_exit_zero_turns_codes_off(incident: Path) -> None:
    assert tapio("why", "-f", str(incident), "pod/db-0").returncode == 0
    assert tapio("why", "-f", str(incident), "pod/web-0").returncode == 2
    assert tapio("why", "-f", str(incident), "pod/web-0", "--exit-zero").returncode == 0


def test_a_weak_answer_is_unknown(incident: Path) -> None:
    done = tapio("why", "-f", str(incident), "pod/web-0", "--min-confidence", "1.0", "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (3, "unknown")


def test_each_is_a_list_and_an_empty_one_exits_with_0(incident: Path, tmp_path: Path) -> None:
    done = tapio("why", "-f", str(incident), "--each", "-o", "json")
    assert [answer["subject"]["name"] for answer in json.loads(done.stdout)] == ["web-0"]
    fine = tapio("why", "-f", str(incidents.write(tmp_path / "fine", incidents.healthy())), "--each", "-o", "json")
    assert (fine.returncode, json.loads(fine.stdout)) == (0, [])


def test_before_it_happened_it_had_not_happened(incident: Path) -> None:
    done = tapio("why", "-f", str(incident), "pod/web-0", "--at", "2026-11-03T12:00:05Z", "-o", "json")
    assert json.loads(done.stdout)["causes"][0]["code"].startswith("none.")


def test_standard_input_and_gzip_give_the_same_bytes(incident: Path, tmp_path: Path) -> None:
    packed = tmp_path / "incident.jsonl.gz"
    packed.write_bytes(gzip.compress(incident.read_bytes()))
    answers = {
        tapio("why", "-f", str(incident), "-o", "json").stdout,
        tapio("why", "-f", str(packed), "-o", "json").stdout,
        tapio("why", "-f", "-", "-o", "json", stdin=incident.read_bytes()).stdout,
    }
    assert len(answers) == 1


# --- What is wrong with the question, the file, the machine ----------------------------------------------------------


def test_bad_lines_are_named_and_do_not_stop_it(incident: Path) -> None:
    with incident.open("a") as file:
        file.write('not json\n{"type": "pod_created"}\n')
    done = tapio("why", "-f", str(incident))
    assert done.returncode == 2
    assert f"{incident}:4:" in done.stderr
    assert f"{incident}:5:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("why", "-f", "nowhere.jsonl"), "nowhere.jsonl"),
        (("why", "-f", "{empty}"), "is empty"),
        (("why", "-f", "{bad}"), "no raw event"),
        (("why", "-f", "{incident}", "pod/web-O"), "pod/shop/web-0"),
        (("why", "-f", "{incident}", "podd/web-0"), "pod"),
        (("why", "-f", "{incident}", "wob"), "TYPE/NAME"),
        (("why", "-f", "{incident}", "svc/web-0"), "did you mean pod/shop/web-0"),
        (("why", "-f", "{incident}", "--at", "yesterday"), "no time"),
        (("why", "-f", "{incident}", "--since", "2 weeks"), "no span"),
        (("why", "-f", "{incident}", "--min-confidence", "2"), "min-confidence"),
        (("why", "-f", "{incident}", "--live"), "exclude one another"),
        (("why", "-f", "{incident}", "-o", "xml"), "'-o': 'xml' is not one of"),
        (("why", "--fil", "x"), "--file"),
        (("wy",), "why"),
        (("why", "--live"), "kubeconfig"),
        (("why", "--live", "--kubeconfig", "nowhere"), "nowhere"),
        (("up", "--kubeconfig", "nowhere"), "nowhere: No such file"),
        (("up", "--http-port", "x"), "should be a valid integer\n"),
        (("demo", "nonsense"), "nonsense"),
        (("capture", "nowhere/at/all.gz"), "nowhere"),
        (("capture", "x.gz", "--since", "1h", "--for", "1m"), "exclude one another"),
        (("why", "--server", "ftp://x"), "ftp://x"),
    ],
)
def test_a_wrong_use_is_said_in_words_and_exits_with_1(
    arguments: tuple[str, ...], said: str, incident: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "bad").write_text("one\ntwo\n")
    places = {"incident": str(incident), "empty": str(tmp_path / "empty"), "bad": str(tmp_path / "bad")}
    done = tapio(*(argument.format(**places) for argument in arguments))
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert says_no_traceback(done)


def test_a_name_in_two_namespaces_lists_both(tmp_path: Path) -> None:
    twice = [*incidents.image_not_found("shop"), *incidents.image_not_found("test")]
    done = tapio("why", "-f", str(incidents.write(tmp_path / "twice", twice)), "pod/web-0")
    assert done.returncode == 1
    assert "pod/shop/web-0, pod/test/web-0" in done.stderr


def test_no_server_exits_with_5_and_says_what_to_do() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        done = tapio("why", "pod/x", TAPIO_SERVER=f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert done.returncode == 5
    assert "tapio up" in done.stderr
    assert says_no_traceback(done)


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / "tapio.toml").write_text("sharrds = 1\n")
    done = tapio("why", "pod/x", TAPIO_CONFIG=str(tmp_path / "tapio.toml"))
    assert done.returncode == 1
    assert "tapio.toml" in done.stderr
    assert "shards" in done.stderr


def test_an_internal_error_is_one_line_and_a_file(tmp_path: Path, incident: Path) -> None:
    """A folder where the store's module should be stands for a bug."""
    broken = tmp_path / "sitecustomize.py"
    broken.write_text("import tapio.times\ntapio.times.parse_span = lambda text: 1 / 0\n")
    arguments = ("why", "-f", str(incident), "--since", "1h")
    done = tapio(*arguments, PYTHONPATH=str(tmp_path), TAPIO_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert says_no_traceback(done)
    assert "Traceback" in tapio(*arguments, PYTHONPATH=str(tmp_path), TAPIO_DEBUG="1").stderr


def test_a_reader_that_goes_away_is_no_error(incident: Path) -> None:
    command = f"{TAPIO} why -f {incident} -o json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stdout == b"{"
    assert done.stderr == b""


def test_version_and_help() -> None:
    assert tapio("version").stdout.startswith("tapio 0.")
    assert tapio("--version").stdout == tapio("version").stdout
    helped = tapio("--help")
    assert helped.returncode == 0
    assert all(f"\n  {command} " in helped.stdout for command in ("demo", "up", "why", "capture", "version"))


# --- What is not loaded ----------------------------------------------------------------------------------------------


def modules_of(*arguments: str) -> set[str]:
    code = "import sys; from tapio.cli.main import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


def test_help_loads_nothing_heavy() -> None:
    heavy = {"ray", "nats", "kubernetes", "fastapi", "aiohttp", "rich", "pydantic", "asyncio", "sqlite3", "yaml"}
    assert modules_of("--help") & heavy == set()


def test_a_file_is_asked_without_ray_nats_a_cluster_or_a_server(incident: Path) -> None:
    heavy = {"ray", "nats", "kubernetes", "fastapi", "starlette", "uvicorn", "rich", "yaml", "aiohttp", "asyncio"}
    assert modules_of("why", "-f", str(incident)) & heavy == set()
