"""`tapio up`: the pipeline on this machine, watching the kubeconfig's cluster or none, until Ctrl-C."""

import os
import signal
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapio.cli.options import WatchedContext, WatchedKubeconfig
from tapio.errors import Exit, UnreachableError, UsageError

if TYPE_CHECKING:
    from actors.supervisor import Overview
    from tapio.cli.system import Running
    from tapio.kube import Cluster
    from tapio.settings import Settings

_READY_WITHIN_S = 60.0
_ANSWER_S = 10.0
_LOOK_S = 0.5

DataDir = Annotated[str | None, typer.Option(metavar="DIR", help="Where streams, graph and logs live.")]
Nats = Annotated[str | None, typer.Option(metavar="URL", help="Use this NATS instead of starting one.")]
NatsPort = Annotated[int | None, typer.Option(metavar="PORT", help="Port of the NATS that is started (4222).")]
Ray = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Join this Ray instead of starting one.")]
DashboardPort = Annotated[int | None, typer.Option(metavar="PORT", help="Port of the Ray dashboard (8265).")]
HttpPort = Annotated[int | None, typer.Option(metavar="PORT", help="Port of the API (8000).")]
NoCluster = Annotated[bool, typer.Option("--no-cluster", help="Watch no cluster: `tapio replay` brings the events.")]


def up(
    context: WatchedContext = None,
    kubeconfig: WatchedKubeconfig = None,
    data_dir: DataDir = None,
    nats: Nats = None,
    nats_port: NatsPort = None,
    ray: Ray = None,
    dashboard_port: DashboardPort = None,
    http_port: HttpPort = None,
    no_cluster: NoCluster = False,
) -> int:
    """Watch the cluster and answer questions about it, until Ctrl-C."""
    flags: dict[str, Any] = {
        "context": context,
        "kubeconfig": kubeconfig,
        "data_dir": data_dir,
        "nats": nats,
        "nats_port": nats_port,
        "ray": ray,
        "dashboard_port": dashboard_port,
        "http_port": http_port,
    }
    from tapio import settings

    if no_cluster and (context is not None or kubeconfig is not None):
        raise UsageError("--no-cluster excludes --context and --kubeconfig")
    chosen = settings.load(flags).settings
    cluster = "none: `tapio replay FILE` brings the events" if no_cluster else _cluster(chosen)
    from tapio.cli import system

    with system.running(chosen, collectors=() if no_cluster else ("kubeapi",)) as pipeline:
        _until_told(pipeline, cluster, str(chosen.data_path))
    return Exit.DONE


def _cluster(chosen: "Settings") -> str:
    """The cluster that will be watched, in words.

    Raises:
        UsageError: there is no kubeconfig, or it names no such cluster.
        ForbiddenError: the cluster refuses the credentials.
    """
    import asyncio

    from tapio.kube import config

    try:
        cluster = config.load(chosen.kubeconfig_path, chosen.context or None)
    except UsageError as error:
        raise UsageError(error.message, hint=f"{error.hint}; `tapio up --no-cluster` watches none") from error
    asyncio.run(_try(cluster))
    return f"{cluster.context or 'this pod'} at {cluster.server}"


async def _try(cluster: "Cluster") -> None:
    """Asks the server once. One that is away is waited for, and said to be.

    Raises:
        ForbiddenError: it refuses the credentials, which waiting does not mend.
    """
    import asyncio

    from tapio.cli import terminal
    from tapio.collectors.kubeapi.cluster import identity
    from tapio.kube.client import KubeClient, refused
    from tapio.kube.status import ApiError

    try:
        async with asyncio.timeout(_ANSWER_S), KubeClient(cluster) as client:
            await identity(client)
    except ApiError as error:
        if error.unauthorized:
            raise refused(error, cluster) from error
        terminal.note(f"the API server fails, and is tried again: {error}")
    except UnreachableError as error:
        terminal.note(f"{error.message}; it is tried again")
    except TimeoutError:
        terminal.note(f"{cluster.server} does not answer; it is tried again")


def _until_told(pipeline: "Running", cluster: str, data: str) -> None:
    """Says what runs and waits for Ctrl-C or SIGTERM; what does not come up is named, and tried on."""
    from tapio.cli import terminal
    from tapio.streams.addresses import public

    told = _listen()
    print(f"API         {pipeline.api}   (try: tapio why)")
    print(f"dashboard   {pipeline.dashboard or 'none'}{_token(pipeline.dashboard)}")
    print(f"NATS        {public(pipeline.nats)}")
    print(f"data        {data}")
    print(f"cluster     {cluster}", flush=True)
    try:
        with terminal.step("waiting for the actors"):
            ready = pipeline.wait(lambda seen: seen.ready, _READY_WITHIN_S)
        if not ready:
            _name_unready(pipeline.overview())
        terminal.note("Ctrl-C stops it")
        while not told:  # a pause would not see a signal that came just before it
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        terminal.note("stopping")


def _listen() -> list[int]:
    """The signals that tell it to stop, as they come; each interrupts what is waited for.

    SIGINT too is asked for: a script's `tapio up &` begins with it ignored.
    """
    told: list[int] = []

    def tell(number: int, _frame: object) -> None:
        told.append(number)
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, tell)
    return told


def _token(dashboard: str) -> str:
    """Where the token stands that the dashboard of a Ray of our own asks for."""
    path = os.environ.get("RAY_AUTH_TOKEN_PATH", "")
    return f"   (its token: {path})" if path and dashboard.startswith("http") else ""


def _name_unready(overview: "Overview | None") -> None:
    from tapio.cli import terminal

    if overview is None:
        terminal.note("the supervisor does not answer, and is tried again")
        return
    for actor in overview.actors:
        if not actor.healthy:
            error = actor.observation.error if actor.observation else ""
            terminal.note(f"{actor.name} is not well and is tried again: {error or actor.answer}")
