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
_BACK_S = 60.0
_SETTLED_S = 90.0


def test_every_actor_killed_once_leaves_the_same_graph(
    lab: Lab, lab_namespace: str, running_tapio: Tapio, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with up(lab, tmp_path_factory.mktemp("killed")) as killed:
        victims = actors_of(killed.pid)
        assert sorted(name for _, name in victims) == sorted(ACTORS)
        steps = trouble(lab, lab_namespace)
        for pid, name in victims:
            next(steps)()
            os.kill(pid, signal.SIGKILL)
            _wait(lambda name=name, pid=pid: _is_back(killed, name, pid), _BACK_S, f"{name} is back")  # type: ignore[misc]  # bound at once
        for step in steps:
            step()
        graphs = [running_tapio.data / "graph.sqlite", killed.data / "graph.sqlite"]
        _wait(lambda: _alike(graphs, lab_namespace), _SETTLED_S, "the two graphs are one")
    undisturbed, disturbed = (dump(graph, lab_namespace) for graph in graphs)
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
    yield lambda: lab.wait(lambda: _restarts(lab, namespace) >= 2, 60, "the new pod crashes")
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


def _is_back(running: Tapio, name: str, killed: int) -> bool:
    alive = actors_of(running.pid)
    return killed not in [pid for pid, _ in alive] and len(alive) == len(ACTORS) and name in [one for _, one in alive]


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


def _alike(graphs: list[Path], namespace: str) -> bool:
    one, other = (dump(graph, namespace) for graph in graphs)
    return one == other and any('"end"' in line for line in one)


def dump(graph: Path, namespace: str) -> list[str]:
    store = SqliteStore(graph, read_only=True)
    try:
        return list(store.dump(namespace))
    finally:
        store.close()


def _wait(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Waits until it holds; when it does not in time, the assertions that follow say what differs."""
    deadline = time.monotonic() + within_s
    while not holds() and time.monotonic() < deadline:
        time.sleep(1)
    if "back" in what:
        assert holds(), f"not in time: {what}"
