"""One running Tapio has a data directory."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tapio.cli import data_dir
from tapio.errors import UsageError

_HOLDER = """
import sys
from pathlib import Path
from tapio.cli import data_dir
with data_dir.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with data_dir.held(tmp_path / "deep" / "data") as directory:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_second_one_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match=f"pid {holder.pid}") as caught, data_dir.held(tmp_path):
            pass
        assert "--data-dir" in caught.value.hint
        holder.kill()
        holder.wait()
        with data_dir.held(tmp_path):  # the kernel freed it with the process
            assert (tmp_path / "tapio.lock").read_text() == str(os.getpid())


def test_a_file_in_its_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(UsageError, match="data directory"), data_dir.held(tmp_path / "data"):
        pass
