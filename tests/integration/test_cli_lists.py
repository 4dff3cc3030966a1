"""The commands that list, asked of a file and as a person runs them: outputs, exit codes, what is said of bad input."""

import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tapio.cli.demo import incidents as recorded
from tapio.cli.ports import free_port
from tests import incidents

TAPIO = str(Path(sys.executable).with_name("tapio"))
CRASH = str(recorded()["crash-after-change"])


def tapio(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [TAPIO, *arguments], stdin=subprocess.DEVNULL, capture_output=True, env=os.environ | environ, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def document(*arguments: str) -> Any:
    done = tapio(*arguments, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


# --- Lists -----------------------------------------------------------------------------------------------------------


def test_incidents_name_the_cause_the_change_and_the_symptom() -> None:
    [row] = document("incidents", "-f", CRASH)["items"]
    assert (row["code"], row["entity"]["name"]) == ("runtime.crash_after_change", "checkout-cfg")
    assert row["change"]["field"] == "data.DB_HOST"
    text = tapio("incidents", "-f", CRASH, COLUMNS="80").stdout
    assert 'data.DB_HOST "db" -> "db-new"' in text
    *lines, again = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert again.startswith(f"tapio why -f {CRASH} pod/shop/")  # a command is never broken, however long
    moment = "2026-11-23T06:10:30Z"
    assert f"-f {CRASH} --at {moment} pod/shop/" in tapio("incidents", "-f", CRASH, "--at", moment).stdout


def test_incidents_carry_the_ids_of_their_explanations() -> None:
    [row] = document("incidents", "-f", CRASH)["items"]
    [answer] = json.loads(tapio("why", "-f", CRASH, "--each", "-o", "json").stdout)
    assert row["id"] == answer["id"]


def test_nothing_wrong_is_said_and_is_no_error(tmp_path: Path) -> None:
    fine = str(incidents.write(tmp_path / "fine", incidents.healthy()))
    assert document("incidents", "-f", fine)["items"] == []
    assert tapio("incidents", "-f", fine).stdout.startswith("nothing is wrong")


def test_a_timeline_tells_a_workload_with_its_pods_and_what_they_read() -> None:
    entries = document("timeline", "-f", CRASH, "deploy/checkout")["items"]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    texts = {(entry["entity"]["kind"], entry["type"]) for entry in entries}
    assert {("ConfigMap", "changed"), ("Pod", "created"), ("Pod", "symptom"), ("Pod", "event")} <= texts
    backed_off = [entry["text"] for entry in entries if "BackOff: Back-off" in entry["text"]]
    assert len(backed_off) == 1, "an Event that is counted up is told once"


def test_since_narrows_a_timeline() -> None:
    whole = document("timeline", "-f", CRASH, "deploy/checkout")["items"]
    last = document("timeline", "-f", CRASH, "deploy/checkout", "--since", "30s")["items"]
    assert last == [entry for entry in whole if entry["at"] >= "2026-11-23T06:10:46"]


def test_changes_are_linked_or_coincident() -> None:
    rows = document("changes", "-f", CRASH)["items"]
    linked = [row for row in rows if row["linked"]]
    assert [(row["entity"]["name"], row["linked"]) for row in linked] == [
        ("checkout-cfg", ["runtime.crash_after_change"])
    ]
    assert linked[0]["fields"] == [{"field": "data.DB_HOST", "before": "db", "after": "db-new"}]
    assert any(row["entity"]["name"] == "front" for row in rows)
    of_one = document("changes", "-f", CRASH, "deploy/checkout")["items"]
    assert {row["entity"]["name"] for row in of_one} == {"checkout", "checkout-cfg"}


def test_labels_narrow_lists_as_kubectl_does() -> None:
    assert tapio("incidents", "-f", CRASH, "-l", "app=front", "-o", "name").stdout == ""
    assert tapio("changes", "-f", CRASH, "-l", "app in (checkout)", "-o", "name").stdout == "deployment/shop/checkout\n"
    done = tapio("timeline", "pod/x", "-f", CRASH, "-l", "app=front")
    assert (done.returncode, done.stdout) == (1, "")
    assert "exclude one another" in done.stderr


def test_sources_count_what_they_saw() -> None:
    [source] = document("sources", "-f", CRASH)["sources"]
    assert (source["source"], source["lost"], source["unread"]) == ("kubeapi", 0, [])
    assert source["events"] > 100


def test_evidence_leads_from_an_answer_and_from_an_event_to_the_raw_document() -> None:
    answer = json.loads(tapio("why", "-f", CRASH, "-o", "json").stdout)
    found = document("evidence", answer["id"], "-f", CRASH)
    assert found["of"] == "explanation"
    steps = {step["event_id"] for step in answer["causes"][0]["chain"]}
    assert {item["event_id"] for item in found["items"]} == steps
    raw = next(item["raw"] for item in found["items"] if item["entity"]["kind"] == "ConfigMap")
    lines = [json.loads(line) for line in gzip.decompress(Path(CRASH).read_bytes()).splitlines()]
    assert raw["data"]["object"] in [line["data"]["object"] for line in lines]
    [event] = document("evidence", found["items"][0]["event_id"], "-f", CRASH)["items"]
    assert event["raw"] == raw


@pytest.mark.parametrize(
    "flags",
    [(), ("--at", "2026-11-23T06:10:30+00:00"), ("--min-confidence", "0.5", "--since", "1h"), ("-n", "shop")],
    ids=" ".join,
)
def test_the_command_that_an_answer_ends_with_shows_its_evidence(flags: tuple[str, ...]) -> None:
    text = tapio("why", "-f", CRASH, *flags, COLUMNS="300").stdout
    command = text.splitlines()[-1].partition("more: tapio ")[2]
    assert tapio(*command.split()).stdout.startswith("explanation x")


def test_an_id_that_is_nothing_is_said_clearly() -> None:
    done = tapio("evidence", "x0000000000", "-f", CRASH)
    assert done.returncode == 1
    assert "no event that is known, and no explanation" in done.stderr


# --- Formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["incidents", "timeline", "changes", "evidence"])
def test_jsonl_holds_the_items_of_json_one_a_line(command: str) -> None:
    asked = (command, *(["xa8e1a41764"] if command == "evidence" else []), "-f", CRASH)
    lines = tapio(*asked, "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == document(*asked)["items"]


def test_names_are_targets_of_the_next_command() -> None:
    [incident] = tapio("incidents", "-f", CRASH, "-o", "name").stdout.split()
    [blamed] = tapio("why", incident, "-f", CRASH, "-o", "name").stdout.split()
    assert blamed == "configmap/shop/checkout-cfg"
    hit = tapio("impact", blamed, "-f", CRASH, "-o", "name").stdout.splitlines()
    assert {incident, "deployment/shop/checkout", "service/shop/checkout"} <= set(hit)
    codes = tapio("explain", "-o", "name").stdout.split()
    assert codes[-1] in tapio("explain", codes[-1]).stdout


def test_markdown_and_wide_are_of_the_same_rows() -> None:
    for command, count in (("changes", 4), ("incidents", 1), ("sources", 1)):
        pasted = tapio(command, "-f", CRASH, "-o", "markdown").stdout.splitlines()
        wide = tapio(command, "-f", CRASH, "-o", "wide", COLUMNS="40").stdout.splitlines()
        assert [len(pasted) - 4, len(wide) - 1] == [count, count]
        assert pasted[0].endswith(" UTC**")


def test_settings_and_checks_come_in_yaml_too(tmp_path: Path) -> None:
    assert yaml.safe_load(tapio("config", "-o", "yaml").stdout) == json.loads(tapio("config", "-o", "json").stdout)
    checks = tapio("doctor", "-o", "markdown", KUBECONFIG=str(tmp_path / "none"), TAPIO_DATA_DIR=str(tmp_path)).stdout
    assert checks.startswith("**to mend before \\`tapio up\\`: ")


# --- Words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", ["did my pod checkout crash?", "why is checkout broken", "who changed the configmap checkout-cfg"]
)
def test_a_question_in_words_names_its_target(question: str) -> None:
    done = tapio("why", "-f", CRASH, question)
    assert done.returncode in (0, 2, 3), done.stderr
    assert "checkout" in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    "question", [("checkout",), ("deploy", "checkout"), ("did", "my", "deployment", "checkout", "fail?")]
)
def test_a_name_or_unquoted_words_are_a_question_too(question: tuple[str, ...]) -> None:
    answer = json.loads(tapio("why", "-f", CRASH, *question, "-o", "json").stdout)
    assert answer["subject"]["name"].startswith("checkout")


def test_words_that_name_nothing_say_what_was_understood() -> None:
    done = tapio("why", "-f", CRASH, "is my pod flaky?")
    assert done.returncode == 1
    assert "understood a Pod, and no name that is known" in done.stderr


def test_words_that_may_mean_several_list_them() -> None:
    done = tapio("why", "-f", CRASH, "is the pod front ok")
    assert done.returncode == 1
    assert "pod/shop/front-" in done.stderr


# --- Settings --------------------------------------------------------------------------------------------------------


def test_impact_names_who_is_hit() -> None:
    text = tapio("impact", "cm/checkout-cfg", "-f", CRASH, COLUMNS="80").stdout
    assert "4, 1 in trouble" in text
    assert "svc/shop/checkout 3/4 ready" in text
    worst = document("impact", "-f", CRASH)
    assert worst["code"] == "runtime.crash_after_change"
    assert [pod["symptom"] for pod in worst["pods"]] == ["CrashLoopBackOff"]


def test_explain_says_what_a_cause_means() -> None:
    text = tapio("explain", "runtime.oom_killed", COLUMNS="80").stdout
    assert text.startswith("runtime.oom_killed\n  The container's last run was ended by the kernel")
    assert max(map(len, text.splitlines())) <= 80
    [rule] = document("explain", "runtime.oom_killed")["items"]
    assert (rule["rule"], rule["judges"]) == ("runtime.oom_killed", "container")
    assert "\nruntime.oom_killed\n" in tapio("explain").stdout
    done = tapio("explain", "oom_killed")
    assert (done.returncode, done.stdout) == (1, "")
    assert "runtime.oom_killed" in done.stderr


def test_config_says_where_each_setting_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "tapio.toml"
    file.write_text('shards = 3\n[redaction]\nconfigmap_values = "digest"\n')
    done = tapio("config", "-o", "json", TAPIO_CONFIG=str(file), TAPIO_HTTP_PORT="8100")
    shown = json.loads(done.stdout)
    assert shown["shards"] == {"value": 3, "source": str(file)}
    assert shown["http_port"] == {"value": 8100, "source": "environment variable TAPIO_HTTP_PORT"}
    assert shown["server"]["value"] == "http://127.0.0.1:8100"
    assert shown["redaction.configmap_values"]["value"] == "digest"
    assert shown["nats_port"]["source"] == "default"


def test_config_hides_a_password_in_an_address() -> None:
    done = tapio("config", TAPIO_NATS="nats://me:hunter2@nats:4222")
    assert "hunter2" not in done.stdout
    assert "me:***@nats:4222" in done.stdout


def test_doctor_names_what_is_missing_and_how_to_mend_it(tmp_path: Path) -> None:
    done = tapio("doctor", KUBECONFIG=str(tmp_path / "nowhere"), TAPIO_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert any(line.startswith("ok") and "Python" in line for line in done.stdout.splitlines())
    assert any(line.startswith("missing") and "kubeconfig" in line for line in done.stdout.splitlines())
    assert "--kubeconfig FILE" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("to mend before `tapio up`: ")


def test_doctor_tells_a_port_that_is_taken_from_what_is_missing(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = tapio("doctor", TAPIO_DATA_DIR=str(tmp_path), TAPIO_HTTP_PORT=port)
    assert any(line.startswith("wrong") and f"port {port}" in line for line in done.stdout.splitlines())


def test_doctor_hides_a_password_in_an_address(tmp_path: Path) -> None:
    done = tapio("doctor", TAPIO_NATS="nats://me:hunter2@nats:4222", TAPIO_DATA_DIR=str(tmp_path))
    assert "not started here: nats://nats:4222 is used" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_doctor_names_a_server_that_is_away(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "x",
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "x", "user": {}}],
            }
        )
    )
    elsewhere = {"TAPIO_NATS": "nats://127.0.0.1:1", "TAPIO_RAY": "127.0.0.1:1", "TAPIO_HTTP_PORT": str(free_port())}
    done = tapio("doctor", "--kubeconfig", str(kubeconfig), "-o", "json", TAPIO_DATA_DIR=str(tmp_path), **elsewhere)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert (done.returncode, checks["API server"]["verdict"]) == (5, "wrong")
    assert "127.0.0.1:1" in checks["API server"]["said"]
