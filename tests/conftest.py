"""What every test has: a home of its own, no settings from outside, and the lab's fixtures."""

import faulthandler
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

_LONGEST_S = 600

pytest_plugins = ["tests.lab.plugin"]


@pytest.fixture(scope="session", autouse=True)
def _private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home without kubeconfig, data or Ray cluster to find; the lab's and Go's caches stay where they are."""
    home = tmp_path_factory.mktemp("home")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    modules = os.environ.get("GOPATH") or str(Path.home() / "go")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if _leads_outside(name)]:
            patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(caches))
        patch.setenv("GOPATH", modules)
        yield home


@pytest.fixture(autouse=True)
def _no_test_hangs() -> Iterator[None]:
    """A test that hangs fails with a traceback of where, and the others go on."""

    def ends(_signal: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback()
        raise TimeoutError(f"the test took more than {_LONGEST_S} s")

    before = signal.signal(signal.SIGALRM, ends)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _leads_outside(name: str) -> bool:
    if name.startswith("TAPIO_"):
        return not name.startswith("TAPIO_LAB")
    return name in {"KUBECONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"} or name.startswith("RAY_")
