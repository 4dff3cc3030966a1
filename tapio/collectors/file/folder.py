"""The files of a folder that hold events or objects, as `kubectl cluster-info dump` and people lay them down."""

from pathlib import Path

from tapio.errors import UsageError

_READ = frozenset({".json", ".yaml", ".yml", ".jsonl", ".ndjson", ".gz"})
_LOGS = "logs.txt"  # a pod's logs in a dump


def files_in(folder: Path) -> list[Path]:
    """The files to read, at any depth, in the order of their paths.

    Raises:
        UsageError: there is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_file() and _is_read(path))
    if not found:
        raise UsageError(
            f"{folder}: no file there to read", hint=f"of a folder, {', '.join(sorted(_READ))} and {_LOGS} are read"
        )
    return found


def _is_read(path: Path) -> bool:
    return not path.name.startswith(".") and (path.suffix in _READ or path.name == _LOGS)
