"""Captures: read whatever their packing and order, one bad line at a time; and written."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tapio.collectors.file import load, write_capture
from tapio.errors import UsageError
from tapio.raw import RawEvent, encode

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"  # beside the checkout, and no part of it
Json = dict[str, Any]


def document(obj: Json, *, at: str = "2026-01-01T00:00:00Z", watch_type: str = "ADDED", **more: Any) -> Json:
    meta = obj["metadata"]
    return {
        "timestamp": at,
        "type": f"{obj['kind'].lower()}_created",
        "data": {"type": watch_type, "object": obj},
        "metadata": {
            "collector": "kubeapi",
            "k8s_namespace": "shop",
            "k8s_name": meta["name"],
            "k8s_kind": obj["kind"],
            "k8s_uid": meta.get("uid", ""),
            "k8s_labels": "",
            "k8s_owner_refs": "",
        },
        **more,
    }


def config(value: str, version: int) -> Json:
    meta = {"name": "cfg", "namespace": "shop", "uid": "u1", "resourceVersion": str(version)}
    return {"kind": "ConfigMap", "metadata": meta, "data": {"DB_HOST": value}}


def owned(kind: str, name: str, owner: tuple[str, str] | None = None) -> Json:
    refs = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": name, "ownerReferences": refs}}


def lines(*documents: Json) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def changes(event: RawEvent) -> Any:
    return json.loads(bytes(event.record)).get("changes")


def test_plain_and_gzip_are_told_by_their_bytes(tmp_path: Path) -> None:
    plain = lines(document(config("a", 1)))
    assert load(written(tmp_path / "x.gz", plain)).events == load(written(tmp_path / "x", gzip.compress(plain))).events


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    parts = [gzip.compress(lines(document(config("a", n)))) for n in (1, 2)]
    assert len(load(written(tmp_path / "x", b"".join(parts))).events) == 2


def test_a_bad_line_is_counted_and_named(tmp_path: Path) -> None:
    content = lines(document(config("a", 1))) + b"not json\n\n{}\n\xff\xfe\n" + lines(document(config("b", 2)))
    capture = load(written(tmp_path / "x", content))
    assert len(capture.events) == 2
    assert [problem.line for problem in capture.problems] == [2, 4, 5]
    assert capture.lines == 5
    assert "timestamp" in capture.problems[1].reason


def test_gzip_cut_short_gives_what_stands_before_the_cut(tmp_path: Path) -> None:
    packed = gzip.compress(lines(*(document(config(f"v{n}", n)) for n in range(2000))))
    capture = load(written(tmp_path / "x.gz", packed[: len(packed) // 2]))
    assert 100 < len(capture.events) < 2000
    assert capture.events[-1].type == "loss"
    assert "cut short" in capture.problems[0].reason
    assert capture.problems[0].line == 0


def test_damaged_gzip_gives_what_stands_before_the_damage(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines(*(document(config(f"v{n}", n)) for n in range(2000)))))
    packed[-8:] = bytes(8)  # the checksum and the length
    capture = load(written(tmp_path / "x.gz", bytes(packed)))
    assert [event.type for event in capture.events].count("loss") == 1
    assert len(capture.events) == 2001
    assert "damaged" in capture.problems[-1].reason


def test_an_empty_file_is_an_empty_capture(tmp_path: Path) -> None:
    assert load(written(tmp_path / "x", b"")).events == ()


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "none")
    with pytest.raises(UsageError, match="no file there to read"):
        load(tmp_path)


def test_roots_are_worked_out_in_any_order(tmp_path: Path) -> None:
    about = {"kind": "Pod", "namespace": "shop", "name": "p"}
    event = {"kind": "Event", "metadata": {"name": "e", "namespace": "shop", "uid": "e"}, "involvedObject": about}
    log = document(owned("Pod", "p")) | {"type": "container_log", "data": {"container": "app", "lines": ["x"]}}
    content = lines(
        document(event),
        log,
        document(owned("Pod", "p", ("ReplicaSet", "r"))),
        document(owned("ReplicaSet", "r", ("Deployment", "d"))),
    )
    capture = load(written(tmp_path / "x", content))
    assert {each.metadata.k8s_root for each in capture.events} == {"Deployment/shop/d"}


def test_a_root_that_is_there_is_kept(tmp_path: Path) -> None:
    own = document(owned("Pod", "p"))
    own["metadata"]["k8s_root"] = "Widget/shop/w"
    assert load(written(tmp_path / "x", lines(own))).events[0].metadata.k8s_root == "Widget/shop/w"


def test_changes_come_from_the_versions_in_time(tmp_path: Path) -> None:
    content = lines(
        document(config("new", 3), at="2026-01-01T02:00:00Z"),
        document(config("old", 1), at="2026-01-01T01:00:00Z"),
        document(config("mid", 2), at="2026-01-01T02:00:00Z"),
    )
    newest, oldest, middle = load(written(tmp_path / "x", content)).events
    assert changes(oldest) is None
    assert [(change["before"], change["after"]) for change in changes(middle)] == [("old", "mid")]
    assert [(change["before"], change["after"]) for change in changes(newest)] == [("mid", "new")]
    assert changes(newest)[0]["field"] == "data.DB_HOST"


def test_versions_of_one_instant_are_ordered_as_numbers(tmp_path: Path) -> None:
    content = lines(document(config("ten", 10)), document(config("nine", 9)))
    ten, nine = load(written(tmp_path / "x", content)).events
    assert changes(nine) is None
    assert [(change["before"], change["after"]) for change in changes(ten)] == [("nine", "ten")]


def test_changes_that_are_there_are_kept(tmp_path: Path) -> None:
    told = document(config("b", 2), at="2026-01-01T02:00:00Z")
    told["data"]["changes"] = [{"field": "data.X", "before": 1, "after": 2, "manager": "me", "at": None}]
    events = load(written(tmp_path / "x", lines(document(config("a", 1)), told))).events
    assert changes(events[1]) == told["data"]["changes"]


def test_a_version_after_one_with_told_changes_does_not_tell_them_again(tmp_path: Path) -> None:
    told = document(config("b", 2), at="2026-01-01T02:00:00Z")
    told["data"]["changes"] = [{"field": "data.X", "before": 1, "after": 2, "manager": "me", "at": None}]
    content = lines(document(config("a", 1)), told, document(config("b", 3), at="2026-01-01T03:00:00Z"))
    events = load(written(tmp_path / "x", content)).events
    assert [bool(changes(event)) for event in events] == [False, True, False]


def test_all_else_is_kept_verbatim(tmp_path: Path) -> None:
    first, second = document(config("a", 1)), document(config("b", 2), trace_id="t", span_id="s")
    second["data"] = json.dumps(second["data"])
    events = load(written(tmp_path / "x", lines(first, second))).events
    again = json.loads(encode(events[1]))
    record = json.loads(again["data"])
    assert record.pop("changes")
    assert record == json.loads(second["data"])
    assert (again["trace_id"], again["span_id"], again["timestamp"]) == ("t", "s", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz"])
def test_a_capture_comes_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    events = load(written(tmp_path / "x", lines(document(config("a", 1)), document(config("b", 2))))).events
    assert write_capture(tmp_path / name, events) == 2
    assert load(tmp_path / name).events == events
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    events = load(written(tmp_path / "x", lines(document(config("a", 1))))).events
    for name in ("a.gz", "b.gz"):
        write_capture(tmp_path / name, events)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def _recorded() -> list[Path]:
    return sorted(RECORDED.glob("*/*.jsonl*"))


@pytest.mark.skipif(not _recorded(), reason=f"no recorded data at {RECORDED}")
@pytest.mark.parametrize("path", _recorded(), ids=lambda path: path.name)
def test_every_recorded_file_loads(path: Path) -> None:
    capture = load(path)
    assert capture.problems == ()
    assert len(capture.events) == capture.lines == len(path.read_bytes().splitlines())
    assert all(event.metadata.k8s_root for event in capture.events)
