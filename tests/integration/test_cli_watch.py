"""`tapio incidents -w` against the real API over a graph that changes meanwhile."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serve.app import make_app
from tests import incidents
from tests.integration.api import served, write_graph
from tests.running import PATIENT

TAPIO = str(Path(sys.executable).with_name("tapio"))


@contextmanager
def watching(url: str, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """The command as it runs; ended as Ctrl-C ends it."""
    command = [TAPIO, "incidents", "-w", "--server", url, *flags]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ | PATIENT) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().rstrip()


def next_notice(process: subprocess.Popen[str]) -> tuple[str, str]:
    notice: dict[str, Any] = json.loads(next_line(process))
    return notice["type"], notice["incident"]["subject"]["name"]


def interrupted(process: subprocess.Popen[str]) -> str:
    """What it said on stderr, once Ctrl-C has ended it well."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 0, said
    return said


def test_each_change_is_a_record(tmp_path: Path) -> None:
    path = tmp_path / "graph.sqlite"
    write_graph(path, [*incidents.healthy(), *incidents.image_not_found()])
    with served(make_app(path)) as client, watching(str(client.base_url), "-o", "jsonl") as process:
        assert next_notice(process) == ("present", "web-0")
        write_graph(path, incidents.image_not_found(name="web-1"))
        assert next_notice(process) == ("new", "web-1")
        write_graph(path, [*incidents.image_not_found(name="web-1"), *incidents.gone(name="web-1")])
        assert next_notice(process) == ("over", "web-1")
        assert "Ctrl-C ends it" in interrupted(process)


def test_people_read_the_list_and_then_the_news(tmp_path: Path) -> None:
    path = tmp_path / "graph.sqlite"
    write_graph(path, incidents.healthy())
    with served(make_app(path)) as client, watching(str(client.base_url)) as process:
        assert next_line(process).startswith("nothing is wrong at ")
        write_graph(path, incidents.image_not_found())
        assert "  NEW      startup.image_not_found" in next_line(process)
        interrupted(process)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("-o", "markdown"), "it prints text or jsonl"),
        (("-f", "x.jsonl"), "it excludes --file, --live and --at"),
        (("--at", "2026-11-23T06:10:30Z"), "it excludes --file, --live and --at"),
    ],
)
def test_what_cannot_be_watched_is_a_usage_error(flags: tuple[str, ...], said: str) -> None:
    done = subprocess.run([TAPIO, "incidents", "-w", *flags], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_a_server_that_is_away_at_the_beginning_exits_with_5() -> None:
    command = [TAPIO, "incidents", "-w", "--server", "http://127.0.0.1:1"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 5
