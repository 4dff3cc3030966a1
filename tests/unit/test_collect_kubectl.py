"""What kubectl writes, read as one look: lists, one object after another, YAML, dumps with logs, folders."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tapio.collectors.file import Capture, load
from tapio.raw import RawEvent

Json = dict[str, Any]
MADE, ENDED = "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"


def pod(name: str, *, state: Json | None = None, last: Json | None = None, version: int = 1) -> Json:
    """A pod as a typed list holds it, without kind and apiVersion."""
    status = {"name": "app", "ready": False, "state": state or {}, "lastState": last or {}}
    meta = {"name": name, "namespace": "shop", "uid": f"u-{name}", "creationTimestamp": MADE}
    return {"metadata": meta | {"resourceVersion": str(version)}, "status": {"containerStatuses": [status]}}


def listed(kind: str, *items: Json) -> Json:
    return {"kind": f"{kind}List", "apiVersion": "v1", "metadata": {}, "items": list(items) or None}


def ended(code: int = 1) -> Json:
    return {"terminated": {"exitCode": code, "finishedAt": ENDED, "containerID": "cri://1"}}


WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}


def log(name: str, text: str, container: str = "app") -> str:
    of = f"logs for container {container} of pod shop/{name} ===="
    return f"==== START {of}\n{text}\n==== END {of}\n"


def read(path: Path, text: str) -> Capture:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load(path)


def names(capture: Capture) -> list[str]:
    return [event.metadata.k8s_name for event in capture.events]


def record(event: RawEvent) -> Any:
    return json.loads(bytes(event.record))


def logs_in(capture: Capture) -> list[RawEvent]:
    return [event for event in capture.events if event.type == "container_log"]


@pytest.mark.parametrize("written", [json.dumps, lambda doc: json.dumps(doc, indent=4), yaml.safe_dump])
def test_a_list_is_read_with_the_kind_of_its_items(tmp_path: Path, written: Any) -> None:
    capture = read(tmp_path / "pods", written(listed("Pod", pod("a"), pod("b"))))
    assert (names(capture), capture.problems) == (["a", "b"], ())
    assert {event.metadata.k8s_kind for event in capture.events} == {"Pod"}
    assert record(capture.events[0])["object"]["apiVersion"] == "v1"


def test_a_time_of_yaml_stays_the_text_it_was(tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: shop, uid: u, creationTimestamp: {MADE}}}\n"
    [event] = read(tmp_path / "a.yaml", f"# my pod\n\n{text}").events
    assert record(event)["object"]["metadata"]["creationTimestamp"] == MADE


@pytest.mark.parametrize("between", ["", "\n", " "])
def test_objects_one_after_another_are_what_a_watch_prints(tmp_path: Path, between: str) -> None:
    seen = [{"kind": "Pod", "apiVersion": "v1", **pod("a", version=number)} for number in (1, 2)]
    seen[1]["spec"] = {"nodeName": "n1", "priority": 7}
    capture = read(tmp_path / "watched", between.join(json.dumps(each, indent=1) for each in seen))
    assert names(capture) == ["a", "a"]
    assert [change["field"] for change in record(capture.events[1])["changes"]] == ["spec"]


def test_a_watch_that_tells_its_events_tells_deletions(tmp_path: Path) -> None:
    seen = {"kind": "Pod", "apiVersion": "v1", **pod("a")}
    text = "\n".join(json.dumps({"type": type_, "object": seen}) for type_ in ("ADDED", "DELETED"))
    assert [event.type for event in read(tmp_path / "w", text).events] == ["pod_created", "pod_deleted"]


@pytest.mark.parametrize(
    "written", [lambda doc: json.dumps(doc, indent=4) + "\n", lambda doc: f"---\n{yaml.dump(doc)}"]
)
def test_a_dump_is_objects_with_logs_between(tmp_path: Path, written: Any) -> None:
    failed, fine = pod("bad", state=WAITING, last=ended()), pod("good")
    fine["status"]["containerStatuses"][0]["ready"] = True
    parts = (
        written(listed("Service")),
        written(listed("Pod", failed, fine)),
        log("bad", "no such host: db\nbye"),
        log("good", "serving"),
        log("unknown", "who am I"),
        written(listed("Node")),
    )
    capture = read(tmp_path / "dump.txt", "".join(parts))
    [said] = logs_in(capture)
    assert capture.problems == ()
    assert record(said) == {"container": "app", "previous": True, "lines": ["no such host: db", "bye"]}
    assert (said.timestamp.isoformat(), said.metadata.k8s_name) == ("2026-01-01T00:00:09+00:00", "bad")


@pytest.mark.parametrize(
    ("state", "last", "previous"),
    [(ended(), {}, [False]), ({"running": {"startedAt": ENDED}}, ended(), [False]), (ended(0), {}, [])],
    ids=["ended", "runs and is not ready", "done"],
)
def test_a_log_is_of_the_run_that_kubectl_shows(tmp_path: Path, state: Json, last: Json, previous: list[bool]) -> None:
    text = json.dumps(listed("Pod", pod("a", state=state, last=last))) + "\n" + log("a", "words")
    assert [record(event)["previous"] for event in logs_in(read(tmp_path / "x", text))] == previous


def test_what_kubectl_says_instead_of_a_log_is_none(tmp_path: Path) -> None:
    text = json.dumps(listed("Pod", pod("a", state=ended()))) + "\n" + log("a", "Request log error: not found")
    assert logs_in(read(tmp_path / "x", text)) == []


def test_a_folder_is_read_whole_and_its_files_tell_of_one_another(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    owner = {"kind": "ReplicaSet", "name": "web-1", "controller": True}
    member = pod("web-1-x", state=ended())
    member["metadata"]["ownerReferences"] = [owner]
    above: Json = {"name": "web-1", "namespace": "shop", "uid": "u-rs", "creationTimestamp": MADE}
    above |= {"ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}]}
    (dump / "shop" / "web-1-x").mkdir(parents=True)
    (dump / "shop" / "pods.json").write_text(json.dumps(listed("Pod", member)))
    (dump / "shop" / "replicasets.yaml").write_text(yaml.dump(listed("ReplicaSet", {"metadata": above})))
    (dump / "shop" / "services.json").write_text(json.dumps(listed("Service")))
    (dump / "shop" / "web-1-x" / "logs.txt").write_text(log("web-1-x", "panic: no db"))
    (dump / "README.txt").write_text("nothing of a cluster")
    capture = load(dump)
    assert (sorted(names(capture)), capture.problems) == (["web-1", "web-1-x", "web-1-x"], ())
    assert {event.metadata.k8s_root for event in capture.events} == {"Deployment/shop/web"}
    assert len(logs_in(capture)) == 1


def test_a_bad_file_of_a_folder_is_named_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(listed("Pod", pod("a"))))
    (tmp_path / "b.json").write_text('{\n "kind": "PodList",\n "items": [')
    (tmp_path / "c.yaml").write_text("kind: [\n")
    capture = load(tmp_path)
    assert names(capture) == ["a"]
    assert [(Path(problem.file).name, problem.reason[:8]) for problem in capture.problems] == [
        ("b.json", "not JSON"),
        ("c.yaml", "not YAML"),
    ]


def test_odd_objects_are_told_and_stop_nothing(tmp_path: Path) -> None:
    odd = {"metadata": {"name": "odd", "creationTimestamp": MADE, "ownerReferences": 3}, "status": 4}
    text = json.dumps(listed("Pod", pod("a"), odd)) + "\n" + log("odd", "words") + "{"
    capture = read(tmp_path / "x", text)
    assert names(capture) == ["a"]
    told = [problem.reason for problem in capture.problems]
    assert "not as the API writes it" in told[-1]
    assert told[0].startswith("not JSON from line 5 on")


@pytest.mark.parametrize("kind", [["ADDED"], {"a": 1}, None])
def test_a_document_whose_type_is_no_word_is_no_object(tmp_path: Path, kind: Any) -> None:
    capture = read(tmp_path / "settings.json", json.dumps({"type": kind, "object": {}}, indent=2))
    assert [problem.reason for problem in capture.problems] == ["a document is no object of Kubernetes"]
