"""What this machine must have before a lab can start."""

import os
import shutil
from pathlib import Path

from tests.lab.command import LabError

PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "ip": "iproute2",
    "iptables": "iptables",
    "nft": "nftables",
    "mount": "mount",
    "nsenter": "util-linux",
    "openssl": "openssl",
}
"""Programs of the running lab, and the Debian package of each. nftables is only recommended by iptables."""

BUILD_PROGRAMS = {"gcc": "gcc", "/usr/include/stdio.h": "libc6-dev"}


def debian_packages() -> list[str]:
    """List the packages for `apt-get install --no-install-recommends`; Go is not among them, Debian's is too old."""
    return sorted({*PROGRAMS.values(), *BUILD_PROGRAMS.values()})


def check_root() -> None:
    """Raise an error unless this is root."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces, mounts and control groups")


def check_machine() -> None:
    """Raise an error that names all that is missing, before anything is touched."""
    check_root()
    _check_programs(PROGRAMS)
    if not Path("/sys/fs/cgroup/memory/cgroup.procs").exists():
        raise LabError("the lab needs control groups of version 1 (the memory controller at /sys/fs/cgroup/memory)")


def check_build_machine() -> None:
    """Raise an error that names what the build lacks."""
    _check_programs(BUILD_PROGRAMS)
    if shutil.which("go") is None:
        raise LabError("the lab's build needs Go 1.25 or newer in the PATH")


def _check_programs(programs: dict[str, str]) -> None:
    missing = sorted({package for program, package in programs.items() if not _there(program)})
    if missing:
        names = " ".join(missing)
        raise LabError(f"not installed: {names}; run apt-get install --no-install-recommends {names}")


def _there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None
