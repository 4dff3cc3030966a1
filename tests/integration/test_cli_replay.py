"""`tapio replay` into a running Tapio: the answer of the file alone, byte for byte, over and over."""

import gzip
import json
import random
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tapio.cli.demo import incidents as recorded
from tapio.cli.feeding import unread
from tapio.cli.waiting import Waiting
from tapio.stores.sqlite import SqliteStore
from tapio.streams import SHARED
from tests import incidents
from tests.running import TAPIO, Running, play, running, why

CRASH = recorded()["crash-after-change"]
NEWEST = "2026-11-23T06:11:16Z"
BUNDLE = Path(__file__).parents[2].parent / "shared" / "recorded" / "troubleshoot" / "image-pull-fail.jsonl"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("up"), "--no-cluster") as started:
        yield started


def dump(up: Running) -> list[str]:
    with closing(SqliteStore(up.data / "graph.sqlite", read_only=True)) as store:
        return list(store.dump())


def test_a_replay_gives_the_answer_that_the_file_gives_and_a_second_one_changes_nothing(up: Running) -> None:
    alone = why("-f", str(CRASH))
    first = play(up, CRASH, "-o", "json")
    assert (first.returncode, first.stdout) == (0, alone), first.stderr
    assert "149 events: in the graph" in first.stderr
    assert f"tapio why --server {up.url} --at {NEWEST}" in first.stderr
    assert "watches a cluster" not in first.stderr
    graph = dump(up)
    second = play(up, CRASH, "-o", "json")
    assert (second.returncode, second.stdout) == (0, alone)
    assert dump(up) == graph


def test_the_api_and_why_say_the_same_afterwards(up: Running) -> None:
    play(up, CRASH)
    alone = why("-f", str(CRASH), "deploy/checkout", "-n", "shop")
    assert why("--server", up.url, "deploy/checkout", "-n", "shop", "--at", NEWEST) == alone
    query = urllib.parse.urlencode({"target": "deploy/checkout", "namespace": "shop", "at": NEWEST})
    with urllib.request.urlopen(f"{up.url}/v1/why?{query}", timeout=30) as answer:
        assert msgspec.json.format(answer.read(), indent=2).decode() + "\n" == alone


@pytest.mark.skipif(not BUNDLE.exists(), reason="the recorded data is not beside the checkout")
def test_a_replay_of_an_older_time_is_answered_as_of_that_time(up: Running) -> None:
    play(up, CRASH)
    assert play(up, BUNDLE, "-o", "json").stdout == why("-f", str(BUNDLE))
    target = ("deploy/checkout", "-n", "shop")  # the worst incident may be the older one, which has not ended
    assert play(up, CRASH, *target, "-o", "json").stdout == why("-f", str(CRASH), *target)


def test_what_cannot_be_read_is_named_and_left_out(up: Running, tmp_path: Path) -> None:
    good, bad = incidents.image_not_found("bad", "web-1"), incidents.image_not_found("bad", "odd")[:1]
    bad[0] = json.loads(json.dumps(bad[0]))
    bad[0]["data"]["object"]["spec"]["containers"] = "none"
    file = incidents.write(tmp_path / "incident.jsonl", [*good, *bad])
    file.write_text(file.read_text() + "not json\n")
    done = play(up, file, "pod/web-1", "-n", "bad", "-o", "json")
    assert json.loads(done.stdout)["causes"][0]["code"] == "startup.image_not_found"
    assert "incident.jsonl:4: not a raw event" in done.stderr
    assert "left out: pod_created bad/odd" in done.stderr
    assert "2 events: in the graph" in done.stderr
    file.write_text(json.dumps(bad[0]))
    done = play(up, file)
    assert (done.returncode, done.stdout) == (1, "")
    assert "none of its 1 events can be read" in done.stderr


def test_a_file_cut_short_blinds_nobody_for_longer_than_it_reaches(up: Running, tmp_path: Path) -> None:
    file = tmp_path / "cut.jsonl.gz"
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in incidents.image_not_found("cut"))
    file.write_bytes(gzip.compress(lines + random.Random(1).randbytes(4000))[:-600])
    alone = subprocess.run([TAPIO, "why", "-f", str(file), "-n", "cut", "-o", "json"], capture_output=True, check=False)
    done = play(up, file, "-n", "cut", "-o", "json")
    assert "cut short" in done.stderr
    assert json.loads(done.stdout)["status"] == "incomplete"
    assert done.stdout == alone.stdout.decode()
    target = ("deploy/checkout", "-n", "shop")
    assert play(up, CRASH, *target, "-o", "json").stdout == why("-f", str(CRASH), *target)


def test_an_unknown_target_is_an_error_after_the_replay(up: Running) -> None:
    done = play(up, CRASH, "deploy/chekout", "-n", "shop")
    assert (done.returncode, done.stdout) == (1, "")
    assert "deploy/shop/checkout" in done.stderr


def test_a_nats_that_is_not_there_exits_with_5(up: Running) -> None:
    done = play(up, CRASH, "--nats", "nats://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (5, "")
    assert "--nats" in done.stderr


# --- Without one -----------------------------------------------------------------------------------------------------


def tapio(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TAPIO, *arguments], capture_output=True, text=True, check=False)


def test_without_a_running_tapio_it_exits_with_5_and_says_what_to_do() -> None:
    done = tapio("replay", str(CRASH), "--server", "http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (5, "")
    assert "tapio up --no-cluster" in done.stderr
    assert "--private" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("replay", str(CRASH), "--private", "--server", "http://127.0.0.1:1"),
        ("up", "--no-cluster", "--context", "kind"),
    ],
)
def test_flags_that_contradict_are_refused(wrong: tuple[str, ...]) -> None:
    done = tapio(*wrong)
    assert (done.returncode, done.stdout) == (1, "")
    assert "excludes" in done.stderr


def test_up_without_a_kubeconfig_says_how_to_do_without_a_cluster() -> None:
    done = tapio("up")
    assert done.returncode == 1
    assert "--no-cluster" in done.stderr


# --- What is left ----------------------------------------------------------------------------------------------------


def test_a_partition_is_read_by_its_shard_and_the_shared_stream_by_all() -> None:
    ends = {"UNIFIED-0": 5, "UNIFIED-1": 7, SHARED: 10}
    assert unread([{"UNIFIED-0": 5, SHARED: 10}, {"UNIFIED-1": 9, SHARED: 12}], ends) == 0
    assert unread([{"UNIFIED-0": 4, SHARED: 10}, {"UNIFIED-1": 7, SHARED: 8}], ends) == 3
    assert unread([{"UNIFIED-0": 5, SHARED: 10}, {}], ends) == 17
    assert unread([], ends) == 22


def test_waiting_ends_when_nothing_moves_for_long() -> None:
    waiting = Waiting(now=0)
    waiting.saw(10, now=50)
    waiting.saw(9, now=100)
    assert not waiting.is_stuck(now=270)
    waiting.saw(9, now=280)
    assert waiting.is_stuck(now=281)


def test_waiting_tells_a_person_now_and_then() -> None:
    waiting = Waiting(now=0)
    assert waiting.news(now=1) == ""
    assert waiting.news(now=6) == "waiting for an answer"
    waiting.saw(1200, now=7)
    assert waiting.news(now=8) == ""
    assert waiting.news(now=12) == "messages left: 1,200"
