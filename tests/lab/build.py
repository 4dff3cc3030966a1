"""Builds the lab's programs and images once, and finds them again.

Two parts, each in a folder of the cache named by a hash of all that goes into it: Kubernetes, etcd and CoreDNS
(minutes), and the workload with the images (seconds), so that a new step of the workload costs seconds.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import run
from tests.lab.image import Image, store
from tests.lab.layout import KUBERNETES, cache
from tests.lab.needs import check_build_machine
from tests.lab.progress import step

_HERE = Path(__file__).parent
_GO = _HERE / "go"
_PAUSE = _HERE / "images" / "pause.c"
_NAMES_OF_KUBERNETES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)


@dataclass(frozen=True, slots=True)
class Built:
    """The folders that a build leaves in the cache."""

    programs: Path
    images: Path

    def program(self, name: str) -> Path:
        """Give the path of a cluster's program, or of `workload`."""
        return self.images / name if name == "workload" else self.programs / name


def build() -> Built:
    """Give the programs and images of this checkout, building what the cache does not have."""
    built = expected()
    if not built.programs.exists():
        check_build_machine()
        with step(f"building kubernetes {KUBERNETES}, etcd and coredns (about 6 minutes on two cores the first time)"):
            _atomically(built.programs, _build_programs)
    if not built.images.exists():
        check_build_machine()
        with step("building the workload and the images"):
            _atomically(built.images, lambda into: _build_images(into, built.programs))
    return built


def expected() -> Built:
    """Say where the programs and images of this checkout are, or will be."""
    modules = (_GO / "go.mod", _GO / "go.sum")
    commands = _GO / "cmd"
    programs = _hash([*modules, *_files(commands, but="workload"), Path(__file__)])
    images = _hash([*_files(commands / "workload"), _PAUSE, _HERE / "image.py", Path(__file__)], programs)
    return Built(cache() / f"programs-{programs}", cache() / f"images-{images}")


def _files(folder: Path, but: str = "") -> list[Path]:
    return sorted(file for file in folder.rglob("*.go") if file.parent.name != but and not file.stem.endswith("_test"))


def _hash(files: Iterable[Path], *more: str) -> str:
    seen = hashlib.sha256("\0".join(more).encode())
    for file in files:
        seen.update(b"\0" + file.name.encode() + b"\0" + file.read_bytes())
    return seen.hexdigest()[:16]


def _atomically(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder beside the wanted one and rename it: a build that was killed is not taken for a whole one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        half = Path(temporary) / "half"
        half.mkdir()
        fill(half)
        try:
            half.rename(folder)
        except OSError:
            if not folder.exists():  # another build of the same inputs was quicker
                raise


def _build_programs(into: Path) -> None:
    version = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.split(".")
    # The kubelet does not register without a version.
    stamps = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    ldflags = " ".join(("-s -w", *(f"-X {version}.{name}={value}" for name, value in stamps.items())))
    _go_build(into, "./cmd/kubernetes", "./cmd/etcd", "./cmd/coredns", ldflags=ldflags)
    for name in _NAMES_OF_KUBERNETES:
        (into / name).symlink_to("kubernetes")


def _build_images(into: Path, programs: Path) -> None:
    _go_build(into, "./cmd/workload", ldflags="-s -w")
    run("gcc", "-Os", "-static", "-s", "-o", into / "pause", _PAUSE)
    for image in (
        Image("pause", ["1"], {"/pause": into / "pause"}, ["/pause"]),
        Image("workload", ["1", "2"], {"/workload": into / "workload"}, ["/workload"]),
        Image("coredns", ["1"], {"/coredns": programs / "coredns"}, ["/coredns"]),
    ):
        store(image, into / "registry")


def _go_build(into: Path, *packages: str, ldflags: str) -> None:
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    nice = ["nice"] if shutil.which("nice") else []
    go = ["go", "build", "-C", str(_GO), "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", f"{into}/"]
    run(*nice, *go, *packages, env={**os.environ, **settings})
