"""`tapio config`: the settings in force, and where each comes from."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from tapio.cli.options import DocumentFormat, Output
from tapio.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tapio.settings import Settings


def config(output: DocumentFormat = Output.TEXT) -> int:
    """Show the settings in force, each with its source."""
    import json

    from tapio import settings
    from tapio.cli import printing

    loaded = settings.load()
    values = {key: _shown(value) for key, value in _flat(loaded.settings)}
    if output is not Output.TEXT:
        document = {key: {"value": value, "source": loaded.sources[key]} for key, value in values.items()}
        encoded = json.dumps(document, indent=2)
        print(encoded if output is Output.JSON else printing.as_yaml(encoded.encode()))
        return Exit.DONE
    lines = [(f"{key} = {json.dumps(value)}", loaded.sources[key]) for key, value in values.items()]
    longest = max(len(setting) for setting, _ in lines)
    print("\n".join(f"{setting:<{longest}}  # {source}" for setting, source in lines))
    return Exit.DONE


def _flat(settings: "Settings") -> "Iterator[tuple[str, Any]]":
    """Every key, dotted, with its value; what is worked out from others stands as it is used."""
    from operator import attrgetter

    from tapio.settings import keys

    used = {"data_dir": str(settings.data_path), "server": settings.server_url}
    for key in keys():
        yield key, used.get(key) or attrgetter(key)(settings)


def _shown(value: Any) -> Any:  # noqa: ANN401  a setting is of any plain type
    """An address without the password in it."""
    if not isinstance(value, str) or "@" not in value:
        return value
    parts = urlsplit(value)
    if parts.password is None:
        return value
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}"))
