"""What Tapio needs, one check each: of this machine, and of the cluster as this account sees it."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from tapio.cli import data_dir, ports
from tapio.errors import Exit, TapioError, UsageError
from tapio.kube import KINDS, Cluster, Kind, KubeClient, config
from tapio.kube.client import refused
from tapio.kube.rights import allowed
from tapio.kube.status import ApiError
from tapio.settings import Settings

_PYTHON = (3, 11)
_VERBS = ("list", "watch")
_ROOM_BYTES = 2 * 1024**3  # streams and graph of a small cluster for a day


class Verdict(StrEnum):
    """What came of a check: `note` is worth knowing and stops nothing; `wrong` is there and cannot be used."""

    FINE = "ok"
    NOTE = "note"
    MISSING = "missing"
    WRONG = "wrong"


_STOPPING = (Verdict.MISSING, Verdict.WRONG)


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was looked at, what was found, and how to mend it. `code` is what the command then exits with."""

    name: str
    verdict: Verdict
    said: str
    fix: str = ""
    code: Exit = Exit.DONE


class Report(msgspec.Struct, frozen=True):
    """All checks."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> Exit:
        """Of the first thing that stops `tapio up`."""
        return next((check.code or Exit.ERROR for check in self.stopping), Exit.DONE)

    @property
    def stopping(self) -> list[Check]:
        """What is missing or wrong."""
        return [check for check in self.checks if check.verdict in _STOPPING]


def of_machine(settings: Settings) -> Iterator[Check]:
    """Python, the programs and packages, the data directory, the ports."""
    yield _python()
    yield _guarded("nats-server", lambda: _nats_server(settings))
    yield _ray()
    yield _guarded("data directory", lambda: _data_directory(settings.data_path), otherwise=_wrong)
    yield from _ports(settings)


def of_cluster(settings: Settings, namespace: str) -> Iterator[Check]:
    """The kubeconfig, the API server, the rights to read each kind."""
    try:
        cluster = config.load(settings.kubeconfig_path, settings.context or None)
    except UsageError as error:
        yield _missing("kubeconfig", error)
        return
    yield _fine("kubeconfig", f"context {cluster.context or 'of this pod'} from {cluster.origin}")
    yield from asyncio.run(_of_server(cluster, namespace))


async def _of_server(cluster: Cluster, namespace: str) -> list[Check]:
    async with KubeClient(cluster) as client:
        try:
            served = msgspec.json.decode(await client.get("/version"))
            rights = await _rights(client, namespace)
        except ApiError as error:
            return [_wrong("API server", refused(error, cluster))]
        except TapioError as error:
            return [_wrong("API server", error)]
    return [_fine("API server", f"{cluster.server} answers, Kubernetes {served.get('gitVersion', '?')}"), *rights]


async def _rights(client: KubeClient, namespace: str) -> list[Check]:
    """One line for all kinds that can be read, one for each that cannot."""
    verbs_of = await asyncio.gather(*(_lacks(client, kind, namespace) for kind in KINDS.values()))
    lacking = dict(zip(KINDS, verbs_of, strict=True))
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    readable = [name for name, verbs in lacking.items() if not verbs]
    found = [_fine("rights", f"{len(readable)} of {len(KINDS)} kinds can be listed and watched {where}")]
    return [*found, *(_unreadable(KINDS[name], verbs, where) for name, verbs in lacking.items() if verbs)]


async def _lacks(client: KubeClient, kind: Kind, namespace: str) -> list[str]:
    return [verb for verb in _VERBS if not await allowed(client, kind, verb, namespace or None)]


def _unreadable(kind: Kind, verbs: list[str], where: str) -> Check:
    """Pods are what everything is about; without another kind Tapio sees less, and says so."""
    needed = kind.name == "Pod"
    return Check(
        name=f"rights: {kind.name}",
        verdict=Verdict.MISSING if needed else Verdict.NOTE,
        said=f"this account may not {' or '.join(verbs)} {kind.plural} {where}",
        fix=f"a role with {', '.join(_VERBS)} on {kind.plural}; -n NS asks about one namespace",
        code=Exit.FORBIDDEN if needed else Exit.DONE,
    )


# --- This machine ----------------------------------------------------------------------------------------------------


def _python() -> Check:
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _PYTHON:
        return _fine("Python", f"{here}, {sys.executable}")
    wanted = ".".join(map(str, _PYTHON))
    return Check(name="Python", verdict=Verdict.MISSING, said=f"{here}; Tapio needs {wanted}", fix="make setup PYTHON=")


def _nats_server(settings: Settings) -> Check:
    from tapio.streams.addresses import public
    from tapio.streams.embedded import executable

    if settings.nats:
        return _fine("nats-server", f"not started here: {public(settings.nats)} is used")
    return _fine("nats-server", executable())


def _ray() -> Check:
    try:
        return _fine("Ray", version("ray"))
    except PackageNotFoundError:
        return Check(
            name="Ray", verdict=Verdict.MISSING, said="is not installed", fix="pip install 'ray[default,serve]'"
        )


def _data_directory(path: Path) -> Check:
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        raise UsageError(f"{there} may not be written", hint="--data-dir or TAPIO_DATA_DIR chooses another")
    pid = data_dir.holder(path)
    if pid:
        return _fine("data directory", f"{path}, in use by a running tapio, pid {pid}")
    room = os.statvfs(there)
    free = room.f_bavail * room.f_frsize
    if free < _ROOM_BYTES:
        return Check(
            name="data directory",
            verdict=Verdict.NOTE,
            said=f"{path}: {free / 1024**3:.1f} GiB are free",
            fix="streams keep 72 hours; choose a larger disk with TAPIO_DATA_DIR",
        )
    return _fine("data directory", f"{path}, {free / 1024**3:.0f} GiB free")


def _ports(settings: Settings) -> Iterator[Check]:
    """A port that the running Tapio itself has is no trouble."""
    ours = bool(data_dir.holder(settings.data_path))
    wanted = {"http_port": settings.http_port}
    wanted |= {} if settings.nats else {"nats_port": settings.nats_port}
    wanted |= {} if settings.ray else {"dashboard_port": settings.dashboard_port}
    for setting, port in wanted.items():
        try:
            ports.check_free(setting, port)
        except UsageError as error:
            yield _fine(setting, f"{port}, taken while tapio runs") if ours else _wrong(setting, error)
        else:
            yield _fine(setting, f"{port} is free")


def _guarded(
    name: str, check: Callable[[], Check], otherwise: Callable[[str, TapioError], Check] | None = None
) -> Check:
    try:
        return check()
    except TapioError as error:
        return (otherwise or _missing)(name, error)


def _fine(name: str, said: str) -> Check:
    return Check(name=name, verdict=Verdict.FINE, said=said)


def _missing(name: str, error: TapioError) -> Check:
    return Check(name=name, verdict=Verdict.MISSING, said=error.message, fix=error.hint, code=error.exit_code)


def _wrong(name: str, error: TapioError) -> Check:
    return msgspec.structs.replace(_missing(name, error), verdict=Verdict.WRONG)
