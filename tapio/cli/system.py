"""The whole pipeline on this machine: starts what is missing, in order, and stops all it started, in reverse.

NATS first, for everything is durable there; then Ray and the actors, under their supervisor; the API last. Ray is
imported inside functions, after `actors`, which says in the environment how Ray authenticates.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from actors.cluster import LocalCluster, coming_up, joined, started
from actors.options import actor_name, named
from actors.plan import NAMESPACE, Plan
from actors.supervisor import Overview, SupervisorActor
from tapio.cli import data_dir, ports
from tapio.cli.terminal import step
from tapio.settings import Settings
from tapio.streams import embedded, topology
from tapio.streams.jetstream import connect

_ANSWER_S = 10.0
_START_S = 120.0  # of the first process: Python and Ray are loaded, on a cold and busy machine for half a minute
_STOP_S = 30.0
_LOOK_S = 0.2
_SUPERVISOR = ("supervisor", "0")


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, and where. `supervisor` is its actor's handle."""

    api: str
    nats: str
    dashboard: str
    plan: Plan
    supervisor: Any

    def overview(self) -> Overview | None:
        """All actors as the supervisor last saw them; None while it is itself being started again, or too busy."""
        import ray
        from ray.exceptions import ActorUnavailableError, GetTimeoutError

        try:
            seen: Overview = ray.get(self.supervisor.observe.remote(), timeout=_ANSWER_S)
        except (ActorUnavailableError, GetTimeoutError):
            return None
        return seen

    def wait(self, holds: Callable[[Overview], bool], within_s: float) -> bool:
        """Looks until it holds; False when it did not in time."""
        deadline = time.monotonic() + within_s
        while (seen := self.overview()) is None or not holds(seen):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_S)
        return True


@contextmanager
def running(settings: Settings, *, collectors: tuple[str, ...], dashboard: bool = True) -> Iterator[Running]:
    """The pipeline with these collectors, until the block is left.

    Raises:
        UsageError: a port is taken, or another Tapio has the data directory.
        UnreachableError: NATS or Ray at the address given does not answer, or what is started here does not come up.
    """
    with data_dir.held(settings.data_path) as directory:
        _check_ports(settings, dashboard=dashboard)
        with _nats(settings, directory) as nats, _ray(settings, directory, dashboard=dashboard) as dashboard_url:
            plan = plan_of(settings, directory, nats, collectors)
            with _actors(plan) as supervisor, _api(plan, settings) as api:
                yield Running(api=api, nats=nats, dashboard=dashboard_url, plan=plan, supervisor=supervisor)


def _check_ports(settings: Settings, *, dashboard: bool) -> None:
    """Before anything starts, though the API starts last. Port 0 is any free one; what is joined has its own."""
    wanted = {"http_port": settings.http_port}
    if not settings.nats:
        wanted["nats_port"] = settings.nats_port
    if dashboard and not settings.ray:
        wanted["dashboard_port"] = settings.dashboard_port
    for setting, port in wanted.items():
        if port:
            ports.check_free(setting, port)


def plan_of(settings: Settings, directory: Path, nats: str, collectors: tuple[str, ...]) -> Plan:
    """What the actors are told; where the collectors keep what they know is made."""
    state = directory / "collectors"
    state.mkdir(exist_ok=True)
    return Plan(
        nats=nats,
        graph=str(directory / "graph.sqlite"),
        state_dir=str(state),
        shards=settings.shards,
        collectors=collectors,
        kubeconfig=str(settings.kubeconfig_path or ""),
        context=settings.context,
        redaction=settings.redaction,
        log_lines=settings.log_lines,
        log_level=settings.log_level,
        retention_h=settings.retention_h,
    )


@contextmanager
def _nats(settings: Settings, directory: Path) -> Iterator[str]:
    if settings.nats:
        asyncio.run(_reach(settings.nats))
        yield settings.nats
        return
    with step("starting NATS"):
        server = asyncio.run(embedded.start(directory / "nats", port=settings.nats_port))
    try:
        yield server.url
    finally:
        asyncio.run(server.stop())


async def _reach(nats: str) -> None:
    """Before Ray is started for nothing.

    Raises:
        UsageError, UnreachableError, ForbiddenError: what `connect` says of the address.
    """
    await (await connect(nats)).close()


@contextmanager
def _ray(settings: Settings, directory: Path, *, dashboard: bool) -> Iterator[str]:
    if settings.ray:
        with joined(settings.ray):
            yield settings.ray
        return
    local = LocalCluster(directory=directory / "ray", dashboard_port=settings.dashboard_port if dashboard else None)
    with started_quietly(local) as url:
        yield url


@contextmanager
def started_quietly(local: LocalCluster) -> Iterator[str]:
    """Ray on this machine, with its start told as one step."""
    cluster = started(local)
    with step("starting Ray"):
        url = cluster.__enter__()
    try:
        yield url
    finally:
        with step("stopping Ray"):
            cluster.__exit__(None, None, None)


@contextmanager
def _actors(plan: Plan) -> Iterator[Any]:
    """The supervisor, which brings up everything else."""
    import ray
    from ray.exceptions import RayError

    with step("starting the actors"):
        asyncio.run(_ensure_streams(plan))
        supervisor = _supervise(plan)
        ray.get(supervisor.observe.remote(), timeout=_START_S)
    try:
        yield supervisor
    finally:
        with step("stopping the actors"), suppress(RayError):
            ray.get(supervisor.stop.remote(), timeout=_STOP_S)
            ray.kill(supervisor, no_restart=True)


@contextmanager
def _api(plan: Plan, settings: Settings) -> Iterator[str]:
    # Importing Ray Serve fixes Ray's settings for this process, the token's place among them: so, after Ray's start.
    from serve import deployment

    with step("starting the API"), coming_up("the API"):
        supervisor = deployment.Supervisor(actor_name(*_SUPERVISOR), NAMESPACE)
        address = deployment.start(Path(plan.graph), settings.http_port, nats=plan.nats, supervisor=supervisor)
    try:
        yield address
    finally:
        if settings.ray:  # a Ray of our own ends with all that runs on it
            deployment.stop()


def _supervise(plan: Plan) -> Any:  # noqa: ANN401  Ray types a named actor's handle as the class itself
    return SupervisorActor.options(**named(*_SUPERVISOR)).remote(plan, autostart=True)


async def _ensure_streams(plan: Plan) -> None:
    streams = await connect(plan.nats)
    try:
        await streams.ensure(topology(plan.partitions))
    finally:
        await streams.close()
