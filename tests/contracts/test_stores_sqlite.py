"""What the SQLite store promises beyond the port: several processes, crashes, and files that are no graph."""

import multiprocessing
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tapio.errors import Exit, StoreUnavailableError
from tapio.graph import GraphBatch
from tapio.stores.sqlite import SqliteStore
from tests.contracts.store_records import (
    PER_BATCH,
    at,
    entity,
    entry,
    history,
    node,
    numbered_batch,
    pod,
    write_numbered,
)

ROOT = Path(__file__).parents[2]
DEADLINE_S = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "graph.db"


# --- Several processes -----------------------------------------------------------------------------------------------


def test_two_processes_write_at_once_from_the_first_opening_on(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_numbered, args=(path, str(name), 30)) for name in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(DEADLINE_S)
    assert [writer.exitcode for writer in writers] == [0, 0]
    store = SqliteStore(path)
    assert [store.positions(name)[0].sequence for name in "01"] == [30, 30]
    assert len(store.edges(node(), at(99))) == 2 * 30 * PER_BATCH
    store.close()


def test_a_reader_sees_whole_batches_while_another_process_writes(path: Path) -> None:
    SqliteStore(path).close()
    reader = SqliteStore(path, read_only=True)
    with _writing(path, 1_000_000) as writer:
        seen = 0
        while seen < 200:
            seen = len(reader.edges(node(), at(1_000_000)))
            assert seen % PER_BATCH == 0
        writer.kill()
        writer.communicate()
    assert reader.newest() is not None
    reader.close()


def test_a_reader_writes_nothing(path: Path) -> None:
    SqliteStore(path).close()
    reader = SqliteStore(path, read_only=True)
    with pytest.raises(StoreUnavailableError, match="may not be written"):
        reader.write(numbered_batch("0", 1))
    reader.close()


def test_a_lock_held_too_long_is_said_and_the_batch_can_be_written_again(path: Path) -> None:
    store = SqliteStore(path, busy_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="lock for too long"):
        store.write(numbered_batch("0", 1))
    assert store.newest() is None, "reading goes on"
    other.execute("ROLLBACK")
    other.close()
    store.write(numbered_batch("0", 1))
    store.close()


# --- Crashes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 7, 40])
def test_kill_9_loses_no_batch_that_was_acknowledged_and_tears_none(path: Path, after: int) -> None:
    with _writing(path, 1_000_000) as writer:
        assert writer.stdout is not None
        for _ in range(after):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        said, _ = writer.communicate()
    acknowledged = max([after, *(int(line) for line in said.split("\n")[:-1])])
    store = SqliteStore(path)
    (position,) = store.positions("0")
    assert acknowledged <= position.sequence <= acknowledged + 1, "one may be stored and not yet said"
    per_batch = Counter(each.key.name.split("-")[1] for each in store.entities(at(1_000_000)))
    assert per_batch == {str(number): PER_BATCH for number in range(1, position.sequence + 1)}
    assert len(store.edges(node(), at(1_000_000))) == position.sequence * PER_BATCH
    store.write(numbered_batch("0", position.sequence + 1))
    store.close()


def test_a_full_disk_leaves_nothing_of_the_batch_and_the_store_goes_on(path: Path) -> None:
    store = SqliteStore(path)
    store.write(numbered_batch("0", 1))
    before = list(store.dump())
    pages = store._rows("PRAGMA page_count")[0][0]
    store._rows(f"PRAGMA max_page_count = {pages + 1}")  # SQLite's own way to a full disk
    too_much = GraphBatch(
        entities=(entity(pod(), 1),),
        history=tuple(entry(f"evt-{n}", n, partition="0", sequence=n) for n in range(2000)),
    )
    with pytest.raises(StoreUnavailableError, match="disk is full"):
        store.write(too_much)
    assert list(store.dump()) == before
    store._rows("PRAGMA max_page_count = 1000000")
    store.write(too_much)
    assert store.newest() == at(1999)
    store.close()


# --- Files -----------------------------------------------------------------------------------------------------------


def test_what_was_written_is_there_when_opened_again(path: Path) -> None:
    first = SqliteStore(path)
    first.write(numbered_batch("0", 1))
    dumped, restored = list(first.dump()), first.restore("0")
    first.close()
    for again in (SqliteStore(path), SqliteStore(path, read_only=True)):
        assert list(again.dump()) == dumped
        assert again.restore("0") == restored
        again.close()


def test_a_reader_of_no_file_is_told_so(path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=f"no graph at {path} yet"):
        SqliteStore(path, read_only=True)
    path.touch()
    with pytest.raises(StoreUnavailableError, match=f"no graph at {path} yet"):
        SqliteStore(path, read_only=True)


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(path: Path) -> None:
    path.write_text("shopping list\n" * 100)
    for read_only in (True, False):
        with pytest.raises(StoreUnavailableError, match=f"{path} .*no SQLite database") as failure:
            SqliteStore(path, read_only=read_only)
        assert failure.value.exit_code is Exit.UNREACHABLE
    assert path.read_text() == "shopping list\n" * 100


def test_another_programs_database_is_named_and_left_as_it_is(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailableError, match="another program's"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_graph_of_another_format_is_named(path: Path) -> None:
    SqliteStore(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StoreUnavailableError, match="format 99"):
        SqliteStore(path)


def test_a_damaged_file_is_named(path: Path) -> None:
    store = SqliteStore(path)
    store.write(history(*(entry(f"evt-{n}", n, sequence=n) for n in range(500))))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(StoreUnavailableError, match=f"{path} .*damaged"):  # noqa: PT012  where it shows is SQLite's
        damaged = SqliteStore(path)
        try:
            damaged.restore("0")
        finally:
            damaged.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"nowhere/graph\.db cannot be used: it cannot be opened"):
        SqliteStore(tmp_path / "nowhere" / "graph.db")


def test_a_path_with_signs_that_a_uri_reads_is_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "what? 100% #1"
    odd.mkdir()
    store = SqliteStore(odd / "graph.db")
    store.close()
    assert (odd / "graph.db").exists()


def _writing(path: Path, batches: int) -> subprocess.Popen[str]:
    code = "import sys; from pathlib import Path; from tests.contracts.store_records import write_numbered; "
    code += "write_numbered(Path(sys.argv[1]), '0', int(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(path), str(batches)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
