"""The collector's memory across restarts."""

import sqlite3
from pathlib import Path

from tapio.collectors.kubeapi.memory import Known, Memory
from tapio.raw import ObjectKey


def known(name: str, version: str = "1") -> Known:
    return Known(ObjectKey("Pod", "shop", name), ObjectKey("ReplicaSet", "shop", "api"), version, 7.0)


def test_what_was_committed_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    memory = Memory(path)
    for uid in ("a", "b"):
        memory.stage(uid, known(uid), uid.encode())
    memory.commit()
    memory.stage("lost", known("lost"), b"never committed")
    memory.close()

    memory = Memory(path)
    memory.stage("c", known("c"), b"c")
    memory.stage("b", known("b", "2"), None)
    memory.stage_deleted("a")
    memory.commit()
    memory.close()

    memory = Memory(path)
    assert {uid: memory.last(uid) for uid in ("a", "b", "c", "lost")} == {
        "a": None, "b": known("b", "2"), "c": known("c"), "lost": None,
    }  # fmt: skip
    assert [memory.body(uid) for uid in ("a", "b", "c")] == [None, b"b", b"c"]
    memory.close()


def test_a_deleted_object_that_comes_again_has_its_own_body(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.sqlite")
    memory.stage("a", known("a"), b"first")
    memory.commit()
    memory.stage_deleted("a")
    memory.commit()
    memory.stage("b", known("b"), b"b")
    memory.stage("a", known("a", "2"), b"second")
    memory.commit()
    assert [memory.body(uid) for uid in ("a", "b")] == [b"second", b"b"]
    memory.close()


def test_a_memory_of_another_form_is_begun_anew_under_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    memory = Memory(path)
    key = memory.redaction_key()
    memory.close()
    with sqlite3.connect(path) as db:
        db.executescript(
            "DROP TABLE objects; CREATE TABLE objects (uid TEXT PRIMARY KEY); INSERT INTO objects VALUES ('a');"
            "INSERT INTO kinds VALUES ('Pod', '7', '2026-01-01T10:00:00+00:00'); PRAGMA user_version = 0"
        )
    db.close()
    memory = Memory(path)
    assert memory.last("a") is None
    assert memory.remembered("Pod").version is None
    assert memory.redaction_key() == key
    memory.close()
