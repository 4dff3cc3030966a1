"""Removes all that a lab leaves on the machine, found by where it is and not by what was written down about it.

So it works after a `kill -9` at any moment, and a second time. The order matters: processes first (with the last of a
node's go its mounts), then the cables, the control groups, and the folders at the end.
"""

import shutil
from pathlib import Path

from tests.lab.command import LabError, run
from tests.lab.layout import Layout
from tests.lab.network import disconnect
from tests.lab.service import kill_everything, remove_cgroups

_KEPT = {"logs", "logs.previous"}


def clean(lab: Layout) -> int:
    """Leave nothing of the lab but its logs; give how many processes it had."""
    lab.up_marker.unlink(missing_ok=True)
    killed = kill_everything()
    disconnect()
    remove_cgroups()
    _unmount(lab.state)
    if lab.state.exists():
        for entry in lab.state.iterdir():
            if entry.name not in _KEPT:
                _remove(entry)
    return killed


def _unmount(folder: Path) -> None:
    """Unmount what is below a folder in the host's own view: nothing, as it should be; never delete through a mount."""
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted((place for place in places if place.startswith(f"{folder}/")), reverse=True):
        run("umount", "--lazy", place)


def _remove(entry: Path) -> None:
    if not entry.is_dir() or entry.is_symlink():
        entry.unlink()
        return
    try:
        shutil.rmtree(entry)
    except OSError as error:
        raise LabError(f"cannot remove {entry}: {error}; does a process outside the lab use it?") from error


def put_logs_aside(lab: Layout) -> None:
    """Keep the logs of the run before, so that a new run's logs are its own."""
    previous = lab.logs.with_name("logs.previous")
    if lab.logs.exists():
        shutil.rmtree(previous, ignore_errors=True)
        lab.logs.rename(previous)
