"""The lab's daemons, kept as an init system keeps them: each in a control group of its own.

A control group knows its processes, whatever they fork, and whoever started them was killed: no pid file is needed, and
nothing that is not the lab's is ever met.
"""

import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab.command import LabError
from tests.lab.layout import CGROUP
from tests.lab.progress import wait_until

_TRACKED_IN = Path("/sys/fs/cgroup/pids")
_DETACH = 'sh -c "$0" "$@" &'
"""The daemon's parent ends at once: a child of this process would become its zombie."""
_ENTER_AND_EXEC = 'echo $$ > "$1" && shift && exec "$@"'
"""The shell enters the group before it becomes the daemon: a kill in between leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class Service:
    """A daemon: what to run, and where its output goes."""

    group: str
    name: str
    argv: Sequence[str | Path]
    log: Path

    @property
    def _cgroup(self) -> Path:
        return _TRACKED_IN / CGROUP / self.group / self.name

    def pids(self) -> list[int]:
        """List its living processes."""
        try:
            return [int(pid) for pid in (self._cgroup / "cgroup.procs").read_text().split()]
        except OSError:
            return []

    def start(self) -> None:
        """Start it in the background, free of this process: it lives on after this one."""
        self._cgroup.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # The settings of whoever runs the tests (proxies, Go's, Kubernetes') are none of a node's business.
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        with self.log.open("ab") as log:
            subprocess.run(
                ["sh", "-c", _DETACH, _ENTER_AND_EXEC, "sh", self._cgroup / "cgroup.procs", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                start_new_session=True,
                check=True,
            )
        wait_until(self.pids, what=f"{self.name} has started (see {self.log})", every_s=0.01)

    def stop(self, *, patience_s: float = 10) -> None:
        """End it: politely, then by force."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(self.pids(), number)
            with contextlib.suppress(LabError):
                wait_until(lambda: not self.pids(), timeout_s=patience_s, what=f"{self.name} has ended")
                return
        raise LabError(f"{self.name} does not end: processes {self.pids()}")

    def kill(self) -> None:
        """End it without a word."""
        _signal(self.pids(), signal.SIGKILL)
        wait_until(lambda: not self.pids(), what=f"{self.name} has ended", every_s=0.01)

    def last_words(self, lines: int = 8) -> str:
        """Give the end of its log, for an error's text."""
        with self.log.open(errors="replace") as log:
            return "".join(deque(log, lines))


def processes() -> list[int]:
    """List every process of the lab: the daemons, the containers' shims, and what runs in the containers."""
    return [pid for pid in _all_pids() if _is_of_the_lab(pid)]


def kill_everything() -> int:
    """Kill every process of the lab and give their number. Again and again: a shim may just have started one more."""
    seen: set[int] = set()

    def gone() -> bool:
        left = processes()
        seen.update(left)
        _signal(left, signal.SIGKILL)
        return not left

    wait_until(gone, what="the processes of the lab have ended", every_s=0.05)
    return len(seen)


def remove_cgroups() -> None:
    """Remove the lab's control groups from every hierarchy, the innermost first."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / CGROUP, topdown=False):
            # The kernel counts a killed process out a moment after it is gone.
            wait_until(partial(_removed, Path(folder)), what=f"{folder} can be removed", every_s=0.05)


def hierarchies() -> list[Path]:
    """List where the control groups of each controller begin."""
    return sorted(path for path in Path("/sys/fs/cgroup").iterdir() if path.is_dir() and not path.is_symlink())


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _is_of_the_lab(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return False
    # A line is "4:pids:/tapio-lab/node-1/kubelet"; a zombie is counted out of its groups but still in /proc.
    return any(line.split(":", 2)[2].startswith(f"/{CGROUP}/") for line in lines) and not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
