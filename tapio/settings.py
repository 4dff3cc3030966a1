"""Every setting in one place: its type, its unit, its default and the reason for it, and where its value came from.

Sources, in rising order: the defaults here, `tapio.toml`, `TAPIO_*` in the environment, flags. Nothing is read at
import; commands call `load`. A value that does not fit is a `UsageError` that names the file or variable and the key.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from tapio.errors import UsageError


class Redaction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is hidden before anything leaves a collector.

    configmap_values: `plain` shows ConfigMap values in diffs where no redaction rule matches them; `digest` keeps
        only a keyed digest. Plain by default, for a changed value is what the reader came for.
    """

    configmap_values: Literal["plain", "digest"] = "plain"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings in force.

    data_dir: where the streams, the graph and the logs live; empty is `$XDG_DATA_HOME/tapio` (`~/.local/share/tapio`).
    nats: address of a NATS server with JetStream (`nats://host:4222`); empty starts one of our own beside the data.
    nats_port: TCP port of our own NATS server; 0 takes a free one. 4222 is what NATS clients expect.
    ray: address of a Ray cluster to join (`host:6379`); empty starts one on this machine.
    dashboard_port: TCP port of the Ray dashboard; 8265 is Ray's own default. 0 takes a free one.
    http_port: TCP port of the API, on loopback only; 8000 is Ray Serve's own default.
    server: where commands ask; empty is `http://127.0.0.1:<http_port>`.
    server_timeout_s: seconds to wait for the server's answer; an answer takes milliseconds, a starting server longer.
    shards: correlator actors; two fill two cores, and prove that partitions really are apart.
    kubeconfig: path of the kubeconfig; empty is kubectl's own rule (`$KUBECONFIG`, else `~/.kube/config`).
    context: the kubeconfig's context; empty is its current one.
    log_lines: how many of the last lines of a container that failed or is not ready are read; 50 hold a stack trace and
        what led to it. 16 KiB are kept whatever it says; 0 reads no logs.
    retention_h: hours that the graph keeps what is over; 72, as the streams do, from which it can be built again. What
        lives, and what its verdicts rest on, is kept as long as it lives. 0 keeps everything.
    log_level: what the actors log: `info` is a line for each batch of work, `warning` only what goes wrong.
    """

    data_dir: str = ""
    nats: str = ""
    nats_port: int = 4222
    ray: str = ""
    dashboard_port: int = 8265
    http_port: int = 8000
    server: str = ""
    server_timeout_s: float = 10.0
    shards: int = 2
    kubeconfig: str = ""
    context: str = ""
    log_lines: int = 50
    retention_h: float = 72.0
    log_level: Literal["info", "warning"] = "info"
    redaction: Redaction = Redaction()

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir).expanduser() if self.data_dir else _home("XDG_DATA_HOME", ".local/share") / "tapio"

    @property
    def kubeconfig_path(self) -> Path | None:
        return Path(self.kubeconfig).expanduser() if self.kubeconfig else None

    @property
    def server_url(self) -> str:
        return self.server.rstrip("/") or f"http://127.0.0.1:{self.http_port}"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force, and for each key (`redaction.configmap_values`) where its value came from."""

    settings: Settings
    sources: dict[str, str]


DEFAULT = "default"
_SECTIONS: dict[str, type[msgspec.Struct]] = {"redaction": Redaction}
_BOUNDS = {
    "nats_port": (0, 65535),
    "dashboard_port": (0, 65535),
    "http_port": (1, 65535),
    "shards": (1, 64),
    "log_lines": (0, 1000),
    "retention_h": (0, 87600),
    "server_timeout_s": (0.1, 3600),
}
# TAPIO_* variables that are no settings: the debugging switch, the settings file's path, and the lab's own.
_OTHER_VARIABLES = re.compile(r"TAPIO_(DEBUG|CONFIG|LAB(_.*)?)$")
# Kubernetes gives every pod such variables for Services called tapio or tapio-* (docs: "Environment variables",
# Services). TAPIO_NATS_PORT may be a setting or the address of a Service called tapio-nats: the value tells.
_SERVICE_LINK = re.compile(r"TAPIO_(.*_)?(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_.*)?)$")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


def keys() -> tuple[str, ...]:
    """Every key, dotted: `http_port`, `redaction.configmap_values`."""
    return tuple(_keys(Settings))


def variable_of(key: str) -> str:
    """The environment variable of a key: `redaction.configmap_values` is `TAPIO_REDACTION_CONFIGMAP_VALUES`."""
    return "TAPIO_" + key.upper().replace(".", "_")


def load(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """The settings in force; a flag that is None was not given.

    Raises:
        UsageError: a file cannot be read, a key is unknown, or a value does not fit; it says where, and what does.
    """
    environ = os.environ if environ is None else environ
    layers = [*_from_file(environ), *_from_environment(environ), *_from_flags(flags or {})]
    values: dict[str, Any] = {}
    sources = dict.fromkeys(keys(), DEFAULT)
    for key, value, source in layers:
        values[key] = _fitting(key, value, source)
        sources[key] = source
    return Loaded(settings=_build(values), sources=sources)


Layer = tuple[str, Any, str]  # (key, value, where it stands)


def _from_file(environ: Mapping[str, str]) -> Iterator[Layer]:
    path = _file(environ)
    if path is None:
        return
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="TAPIO_CONFIG names the settings file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    for key, value in _flattened(document):
        if key not in keys():
            raise _unknown(f"{path}: unknown setting {key}", key, keys())
        yield key, value, str(path)


def _from_environment(environ: Mapping[str, str]) -> Iterator[Layer]:
    known = {variable_of(key): key for key in keys()}
    for name in sorted(environ):
        if not name.startswith("TAPIO_") or _OTHER_VARIABLES.match(name) or _is_service_link(name, environ[name]):
            continue
        if name not in known:
            raise _unknown(f"unknown environment variable {name}", name, known)
        yield known[name], environ[name], f"environment variable {name}"


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.match(name) or (name.endswith("_PORT") and _SERVICE_ADDRESS.match(value)))


def _from_flags(flags: Mapping[str, Any]) -> Iterator[Layer]:
    return ((key, value, f"--{key.replace('_', '-')}") for key, value in flags.items() if value is not None)


def _file(environ: Mapping[str, str]) -> Path | None:
    """The settings file: the one that TAPIO_CONFIG names, else the first there of ./ and the configuration folder."""
    if chosen := environ.get("TAPIO_CONFIG"):
        return Path(chosen).expanduser()
    places = (Path("tapio.toml"), _home("XDG_CONFIG_HOME", ".config") / "tapio" / "tapio.toml")
    return next((place for place in places if place.is_file()), None)


def _flattened(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", content) for inner, content in value.items())
        else:
            yield key, value


def _keys(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    for name in struct.__struct_fields__:
        if name in _SECTIONS and not prefix:
            yield from _keys(_SECTIONS[name], f"{name}.")
        else:
            yield prefix + name


def _fitting(key: str, value: Any, source: str) -> Any:  # noqa: ANN401  a setting is of any plain type
    """The value in the key's own type; text from the environment is read as that type."""
    kind = _type_of(key)
    try:
        fitting = msgspec.convert(value, kind, strict=not source.startswith("environment"))
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {key} = {value!r} does not fit: {_sentence(error)}", hint=_allowed(key)) from error
    low, high = _BOUNDS.get(key, (None, None))
    if low is not None and high is not None and not low <= fitting <= high:
        raise UsageError(f"{source}: {key} = {value!r} is out of range", hint=_allowed(key))
    return fitting


def _type_of(key: str) -> Any:  # noqa: ANN401  a type expression
    section, _, name = key.rpartition(".")
    struct = _SECTIONS[section] if section else Settings
    return next(field.type for field in msgspec.structs.fields(struct) if field.name == name)


def _allowed(key: str) -> str:
    if key in _BOUNDS:
        low, high = _BOUNDS[key]
        return f"{key} is a number from {low} to {high}"
    kind = _type_of(key)
    choices = getattr(kind, "__args__", ())
    return f"{key} is one of {', '.join(choices)}" if choices else f"{key} is text"


def _sentence(error: msgspec.ValidationError) -> str:
    text = str(error)
    return text[0].lower() + text[1:]


def _unknown(message: str, name: str, known: Mapping[str, str] | tuple[str, ...]) -> UsageError:
    near = difflib.get_close_matches(name, list(known), n=3)
    return UsageError(message, hint=f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}")


def _build(values: Mapping[str, Any]) -> Settings:
    document: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        (document.setdefault(section, {}) if section else document)[name] = value
    return msgspec.convert(document, Settings)


def _home(variable: str, default: str) -> Path:
    """A folder of the XDG Base Directory Specification."""
    chosen = os.environ.get(variable)
    return Path(chosen) if chosen else Path.home() / default
