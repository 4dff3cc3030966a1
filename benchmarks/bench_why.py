"""How long an answer takes, as the HTTP API makes it: question, store, explanation, JSON.

    python -m benchmarks.bench_why [--objects 50000] [--events 100000] [--questions 300] [--serve] [--profile]

A made cluster (benchmarks/workloads.py) goes through transform and correlate into a SQLite graph: every object, then
the declared mix. Then questions are asked one after the other, each of a kind of target: pods that have a symptom, any
pods, Deployments, Services, Nodes, and nothing at all, which is about the worst incident. `--serve` asks them once more
over HTTP, of the API as it runs on Ray Serve. Times are of the wall, so they count on a quiet machine only; CPU is
beside them.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import httpx
import ray

from benchmarks.bench_stages import SHARDS, Clock, Shard, feed
from benchmarks.workloads import OBJECTS_PER_WORKLOAD, PODS_PER_WORKLOAD, Cluster, crashes
from serve.deployment import start, stop
from serve.graph import Graph
from serve.parameters import question
from tapio.stores.sqlite import SqliteStore
from tapio.unified import ObjectKey
from tapio.why import encode, explain
from tapio.why.words import understand

_FED = 20_000  # events made before they are fed
_PORT = 18_731


class Asked(NamedTuple):
    """The target of a question, as a user writes it."""

    target: str
    namespace: str


class Spent(NamedTuple):
    """What one answer took, on the wall and of this process's CPU."""

    wall_s: float
    cpu_s: float


class Settled(Cluster):
    """A cluster in which only what crashes is not available: two objects in a hundred are in trouble."""

    def replicas(self, number: int) -> dict[str, int]:
        """What a workload's status counts."""
        up = 0 if crashes(number) else PODS_PER_WORKLOAD
        return {"replicas": PODS_PER_WORKLOAD, "readyReplicas": up, "availableReplicas": up}


def fill(path: Path, objects: int, count: int) -> None:
    """Writes the graph of a cluster that was seen whole, and then `count` events of the mix."""
    cluster = Settled(max(1, objects // OBJECTS_PER_WORKLOAD))
    with closing(SqliteStore(path)) as store:
        shards = [Shard(number, store) for number in range(len(SHARDS))]
        for events in (cluster.appears(), cluster.updates(count)):
            while some := list(islice(events, _FED)):
                feed(some, shards, Clock(None))


def targets(path: Path, count: int) -> dict[str, list[Asked]]:
    """What is asked, by kind: of each as many, spread over what the graph holds."""
    with closing(SqliteStore(path, read_only=True)) as store:
        now = store.newest()
        if now is None:
            raise SystemExit("the graph is empty")
        ailing = sorted({symptom.subject for symptom in store.symptoms(now) if symptom.subject.kind == "Pod"})
        of_kind = {kind: [one.key for one in store.entities(now, kind=kind)] for kind in _KINDS}
    chosen = {"pods with a symptom": ailing, **{f"any {kind}": keys for kind, keys in of_kind.items()}}
    asked = {name: [_asked(key) for key in _spread(keys, count)] for name, keys in chosen.items()}
    return asked | {"the worst incident": [Asked("", "")] * max(1, count // 30)}


_KINDS = ("Pod", "Deployment", "Service", "Node")


def _spread(keys: list[ObjectKey], count: int) -> list[ObjectKey]:
    return keys[:: max(1, len(keys) // count)][:count]


def _asked(key: ObjectKey) -> Asked:
    return Asked(f"{key.kind.lower()}/{key.name}", key.namespace)


def in_process(graph: Graph) -> Callable[[Asked], bytes]:
    """An answer, by the steps of `GET /v1/why`."""

    def answer(asked: Asked) -> bytes:
        reader = graph.reader()
        return encode(explain(understand(question(asked.target, asked.namespace), reader), reader))

    return answer


@contextmanager
def over_http(path: Path) -> Iterator[Callable[[Asked], bytes]]:
    """An answer by the API on Ray Serve, over one connection."""
    with tempfile.TemporaryDirectory(prefix="tapio-ray-") as folder:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=folder)
        try:
            with httpx.Client(base_url=start(path, _PORT), timeout=30) as client:
                yield lambda asked: client.get("/v1/why", params=asked._asdict()).raise_for_status().content
        finally:
            stop()
            ray.shutdown()


def ask_all(asked: dict[str, list[Asked]], answer: Callable[[Asked], bytes]) -> None:
    """Asks them all and prints how long it took, by kind and together."""
    answer(next(iter(asked.values()))[0])  # opens the store
    everything: list[Spent] = []
    for name, questions in asked.items():
        spent = [_timed(lambda one=one: answer(one)) for one in questions]  # type: ignore[misc]  # bound
        _tell(name, spent)
        everything += spent
    _tell("together", everything)


def _tell(name: str, spent: Sequence[Spent]) -> None:
    wall, cpu = (_typical([one[place] for one in spent]) for place in (0, 1))
    print(f"{name:20} {wall}; of this process's CPU {cpu}; {len(spent)} questions", flush=True)


def _typical(spent: list[float]) -> str:
    ordered = sorted(spent)
    median, p99 = (1e3 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return f"{median:6.1f} ms median, {p99:6.1f} ms p99"


def _timed(work: Callable[[], object]) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument("--events", type=int, default=100_000, help="of the mix, after every object was seen")
    parser.add_argument("--questions", type=int, default=300, help="of each kind")
    parser.add_argument("--serve", action="store_true", help="asks over HTTP too")
    parser.add_argument("--profile", action="store_true", help="prints where the time in this process goes")
    parser.add_argument("--graph", type=Path, help="keeps the graph in this file, and takes one that is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(options, options.graph or Path(folder) / "graph.sqlite")


def run(options: argparse.Namespace, path: Path) -> None:
    """Fills the graph where it is not there yet, and asks."""
    if not path.exists():
        print(f"filled in {_timed(lambda: fill(path, options.objects, options.events)).wall_s:.0f} s", flush=True)
    print(f"{options.objects:,} objects, {options.events:,} events, {path.stat().st_size / 2**20:,.0f} MiB")
    asked = targets(path, options.questions)
    profile = cProfile.Profile()
    with closing(Graph(path)) as graph:
        if options.profile:
            profile.enable()
        ask_all(asked, in_process(graph))
        profile.disable()
    if options.serve:
        print("over HTTP, of Ray Serve:")
        with over_http(path) as answer:
            ask_all(asked, answer)
    if options.profile:
        pstats.Stats(profile).sort_stats("cumtime").print_stats(60)


if __name__ == "__main__":
    main()
