"""What every test has: a home of its own, no settings from outside, and the lab's fixtures."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def _leads_outside(name: str) -> bool:
    if name.startswith("TAPIO_"):
        return not name.startswith("TAPIO_LAB")
    return name in {"KUBECONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"} or name.startswith("RAY_")
