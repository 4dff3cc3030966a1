"""The Ray cluster: a private one on this machine, or one that is there. What was started here is shut down here."""

import logging
import os
import secrets
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import ray
from ray._private.node import Node

from actors.plan import NAMESPACE
from tapio.errors import UnreachableError

_OBJECT_STORE_BYTES = 80 * 1024 * 1024  # just above Ray's least (75 MiB): no event passes through it
_PROXY_READY_S = "60"  # as long as Ray Serve waits for its start; by its default, 5, a slow one is killed on the way
_TOO_LATE = "timed out during startup"  # what Ray says of processes that did not come up in time
_LONGEST_TEMP_DIR = 38  # characters: Ray puts socket paths below it, and a socket's path ends at 107 bytes (unix(7))

T = TypeVar("T")


class LocalCluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster of our own. `directory` holds its sessions and logs; `dashboard_port` None leaves the dashboard out,
    0 takes a free port.
    """

    directory: Path
    dashboard_port: int | None = None


@contextmanager
def started(local: LocalCluster) -> Iterator[str]:
    """Starts Ray on this machine, whatever clusters there are already; yields the dashboard's URL ("" without one).

    Token authentication is on, with a token that only this user can read. Leaving ends the cluster and its actors.

    Raises:
        UnreachableError: it does not come up.
    """
    with _short(local.directory) as directory:
        _prepare_environment(directory)
        with coming_up("Ray"):
            context = tried_again(lambda: _init(local, directory))
        try:
            yield f"http://{context.dashboard_url}" if context.dashboard_url else ""
        finally:
            ray.shutdown()


def _init(local: LocalCluster, directory: Path) -> Any:  # noqa: ANN401  Ray does not export its context's type
    return ray.init(
        address="local",
        namespace=NAMESPACE,
        include_dashboard=local.dashboard_port is not None,
        dashboard_host="127.0.0.1",
        dashboard_port=local.dashboard_port or None,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=str(directory),
    )


def tried_again(start: Callable[[], T]) -> T:
    """What `start` gives, at its second try where Ray waited in vain for its own processes at the first.

    It waits 30 s, which nothing can change; at the second try their programs are in memory.
    """
    try:
        return _whole_or_ended(start)
    except Exception as error:
        if _TOO_LATE not in str(error):
            raise
    return _whole_or_ended(start)


def _whole_or_ended(start: Callable[[], T]) -> T:
    try:
        return start()
    except Exception as error:
        end_half_started(error)
        raise


def end_half_started(error: BaseException) -> None:
    """Ends what a start that failed has begun: Ray forgets it, and only the traceback still has its node."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        node = frame.f_locals.get("self")
        if isinstance(node, Node):
            node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
            return


@contextmanager
def coming_up(what: str) -> Iterator[None]:
    """The start of a part that Ray waits for, with deadlines of its own that a busy machine misses.

    Raises:
        UnreachableError: in place of whatever Ray raises.
    """
    try:
        yield
    except Exception as error:  # Ray raises a bare Exception where it waited in vain
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise UnreachableError(
            f"{what} does not come up: {said}",
            hint="a machine that is very busy is too slow for it: try again when it is less so",
        ) from error


@contextmanager
def joined(address: str) -> Iterator[None]:
    """Connects to a cluster that is there; leaving it leaves its actors running.

    Raises:
        UnreachableError: there is none, or it refuses the token.
    """
    try:
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError) as error:
        raise UnreachableError(
            f"the Ray cluster at {address} does not answer: {error}",
            hint="RAY_AUTH_MODE and the token must be those of the cluster; without an address one is started here",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _short(directory: Path) -> Iterator[Path]:
    """The directory, or for as long as needed a private one with a short name, where Ray's sockets would not fit."""
    if len(str(directory)) <= _LONGEST_TEMP_DIR:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="tapio-ray-", ignore_cleanup_errors=True) as short:
        yield Path(short)


def _prepare_environment(directory: Path) -> None:
    """What Ray reads from the environment, for this process and all it starts.

    Ray reads the mode of authentication when it is imported; left out, `ray.init` turns tokens on by itself.
    """
    os.environ.pop("RAY_AUTH_MODE", None)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(_token(directory))
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_worker_niceness", "0")  # by its default, 15, actors starve beside whatever else runs
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", _PROXY_READY_S)


def _token(directory: Path) -> Path:
    """The file with the cluster's token, made with a new one where there is none."""
    path = directory / "auth_token"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="ascii")
    return path
