"""Every actor is killed once in the middle of a scenario: the graph is that of an undisturbed Tapio beside it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tapio.stores import dump_hash
from tapio.stores.sqlite import SqliteStore
from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.conftest import Tapio, up

pytestmark = pytest.mark.lab

ACTORS = ("SupervisorHost", "KubeapiCollectorHost", "TransformerHost", "CorrelatorHost", "CorrelatorHost")
SERVING = ("expect-env=DB_HOST:db", "serve=8080", "hang")
_SETTLED_S = 300.0  # the shards that were killed read their past again


def test_every_actor_killed_once_leaves_the_same_graph(
    lab: Lab, lab_namespace: str, running_tapio: Tapio, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with up(lab, tmp_path_factory.mktemp("killed")) as killed:
        lab.wait(lambda: names_of(actors_of(killed.pid)) == sorted(ACTORS), what="every actor runs")
        victims = actors_of(killed.pid)
        steps = trouble(lab, lab_namespace)
        for pid, name in victims:
            next(steps)()
            os.kill(pid, signal.SIGKILL)
            lab.wait(lambda pid=pid: _is_back(killed, pid), what=f"{name} is back")  # type: ignore[misc]  # bound at once
        for step in steps:
            step()
        graphs = [running_tapio.data / "graph.sqlite", killed.data / "graph.sqlite"]
        undisturbed, disturbed = settled(graphs, lab_namespace)
    assert disturbed == undisturbed
    assert dump_hash(disturbed) == dump_hash(undisturbed)
    assert any('"runtime.crash_after_change"' in line for line in undisturbed)


def trouble(lab: Lab, namespace: str) -> Iterator[Callable[[], object]]:
    """A config change that breaks a Deployment, in steps."""
    reads = [{"configMapRef": {"name": "settings"}}]
    web = lab_objects.deployment("web", SERVING, env_from=reads)
    yield lambda: lab.apply([lab_objects.configmap("settings", {"DB_HOST": "db"}), web], namespace)
    yield lambda: lab.wait_for_rollout("web", namespace)
    yield lambda: lab.apply(lab_objects.configmap("settings", {"DB_HOST": "db-new"}), namespace)
    yield lambda: lab.kubectl("rollout", "restart", "deployment/web", f"--namespace={namespace}")
    yield lambda: lab.apply(lab_objects.service("web"), namespace)
    yield lambda: lab.wait(lambda: _restarts(lab, namespace) >= 2, what="the new pod crashes")
    yield lambda: lab.apply(lab_objects.configmap("end", {"of": "scenario"}), namespace)


def _restarts(lab: Lab, namespace: str) -> int:
    pods = lab.list("pods", namespace, "app=web")
    statuses = (status for pod in pods for status in pod["status"].get("containerStatuses", []))
    return max((int(status["restartCount"]) for status in statuses), default=0)


def actors_of(running: int) -> list[tuple[int, str]]:
    """The processes of Tapio's actors below the `tapio up` of this pid, the supervisor first."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    found = [
        (pid, name.removeprefix("ray::").partition(".")[0])
        for pid in parents
        if (name := _title(pid)).startswith("ray::") and running in _ancestors(pid, parents)
    ]
    return sorted((one for one in found if one[1] in ACTORS), key=lambda one: ACTORS.index(one[1]))


def names_of(actors: list[tuple[int, str]]) -> list[str]:
    return sorted(name for _, name in actors)


def _is_back(running: Tapio, killed: int) -> bool:
    alive = actors_of(running.pid)
    return killed not in [pid for pid, _ in alive] and names_of(alive) == sorted(ACTORS)


def _ancestors(pid: int, parents: dict[int, int]) -> set[int]:
    found: set[int] = set()
    while pid in parents and pid not in found:
        found.add(pid)
        pid = parents[pid]
    return found | {pid}


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ").decode()
    except OSError:
        return ""


def settled(graphs: list[Path], namespace: str) -> list[list[str]]:
    """The graphs as they are alike, the last step in them, at a moment while both still follow the cluster; after the
    deadline as they are then, for the test to show.
    """
    deadline = time.monotonic() + _SETTLED_S
    while True:
        found = [dump(graph, namespace) for graph in graphs]
        alike = found[0] == found[1] and any('"end"' in line for line in found[0])
        if alike or time.monotonic() > deadline:
            return found
        time.sleep(1)


def dump(graph: Path, namespace: str) -> list[str]:
    store = SqliteStore(graph, read_only=True)
    try:
        return list(store.dump(namespace))
    finally:
        store.close()
