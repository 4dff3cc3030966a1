"""Packages whose names are imported when they are first asked for (PEP 562)."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A module's `__getattr__` that imports the module which has the name; `names` lists them by module."""
    home = {name: module for module, its in names.items() for name in its}

    def get(name: str) -> Any:  # noqa: ANN401  a module holds anything
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home[name]), name)

    return get
