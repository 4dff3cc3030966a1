"""How lean Tapio takes up a big cluster and follows it, beside client-go and the official `kubernetes` client.

    python -m benchmarks.bench_cluster --kubeconfig FILE [--pods N] [--updates N] [--official] [--keep]

Needs a real API server, Go, and a cluster that nobody else uses meanwhile: it makes fake nodes and pods in the
namespace `tapio-bench`, kwok plays their kubelets, and all is removed at the end (`--clean` removes what a killed run
left). The Go programs, benchmarks/clientgo and kwok v0.7.0, are built once into the user's cache.

Every reader is a process of its own, looked at from outside (/proc), and reads all pods, then as many updates, each a
patch of one pod's readiness. client-go keeps them in a shared informer, by protobuf, which is its default, and by JSON;
Tapio's reflector says them to nobody; Tapio's collector makes raw events of them, redacted, with what changed, and
remembers each on disk.
"""

import argparse
import asyncio
import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tapio.collectors.kubeapi import KubeApiCollector
from tapio.kube import KINDS, KubeClient, Objects, Position, Reflector, Said, load
from tapio.raw import RawEvent

_KWOK = "sigs.k8s.io/kwok/cmd/kwok@v0.7.0"
_SOURCE = Path(__file__).parent / "clientgo"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tapio" / "bench"
_GO = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOBIN": str(_CACHE)}
_TICKS = os.sysconf("SC_CLK_TCK")
_OFFICIAL_UPDATES = 2_000  # it reads so many in the time the others read all


# --- Readers: each says a line when it begins, has all pods, has the updates; it stays until its input is closed ------


def _say(what: str) -> None:
    print(what, flush=True)


class _Count:
    """Says when all pods and all updates have been seen."""

    def __init__(self, pods: int, updates: int) -> None:
        self._pods, self._updates = pods, updates
        self.ended = asyncio.Event()

    def listed(self, count: int) -> None:
        if self._pods > 0 >= self._pods - count:
            _say("listed")
        self._pods -= count

    def updated(self, count: int) -> None:
        if self._pods > 0:
            return
        self._updates -= count
        if self._updates <= 0 and not self.ended.is_set():
            self.ended.set()
            _say("followed")


async def _reflector(client: KubeClient, count: _Count) -> None:
    async def take(said: Said) -> None:
        match said:
            case Objects(seen=seen, listed=listed):
                (count.listed if listed else count.updated)(len(seen))
            case Position():
                pass

    await Reflector(client, KINDS["Pod"], take).run()


async def _collector(client: KubeClient, count: _Count) -> None:
    async def emit(events: Sequence[RawEvent]) -> None:
        count.updated(sum(event.type == "pod_modified" for event in events))
        count.listed(sum(event.type == "pod_created" for event in events))

    with tempfile.TemporaryDirectory() as folder:
        await KubeApiCollector(client, [KINDS["Pod"]], Path(folder), log_lines=0).run(emit)


async def _run(
    reader: Callable[[KubeClient, _Count], Coroutine[Any, Any, None]], kubeconfig: str, pods: int, updates: int
) -> None:
    count = _Count(pods, updates)
    async with KubeClient(load(kubeconfig=Path(kubeconfig))) as client:
        _say("began")
        task = asyncio.create_task(reader(client, count))
        await asyncio.wait({task, asyncio.create_task(count.ended.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(sys.stdin.read)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _official(kubeconfig: str, pods: int, updates: int) -> None:
    del pods
    client: Any = importlib.import_module("kubernetes.client")  # a yardstick, no dependency
    importlib.import_module("kubernetes.config").load_kube_config(kubeconfig)
    watch: Any = importlib.import_module("kubernetes.watch").Watch()
    pods_of_all = client.CoreV1Api().list_pod_for_all_namespaces
    _say("began")
    held = pods_of_all()
    _say("listed")
    lines = watch.stream(pods_of_all, resource_version=held.metadata.resource_version)
    for number, _ in enumerate(lines, start=1):
        if number == updates:
            break
    _say("followed")
    sys.stdin.read()


_READERS: dict[str, Callable[[str, int, int], None]] = {
    "reflector": lambda *of: asyncio.run(_run(_reflector, *of)),
    "collector": lambda *of: asyncio.run(_run(_collector, *of)),
    "official": _official,
}


# --- Measuring -------------------------------------------------------------------------------------------------------


class Spent(NamedTuple):
    """Of a process until now: seconds on the wall and of CPU, the most memory it ever had."""

    at: float
    cpu: float
    peak_mib: float


def spent(process: int) -> Spent:
    """What a living process has used, as the kernel tells it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{process}/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    return Spent(time.perf_counter(), (int(fields[11]) + int(fields[12])) / _TICKS, peak_kib / 1024)


class Figures(NamedTuple):
    """CPU seconds to start, to have all pods and to follow the updates; seconds until in sync; peak memory twice."""

    start: float
    listing: float
    following: float
    seconds: float
    listed_mib: float
    peak_mib: float


def measured(command: Sequence[str], touch: Callable[[], None]) -> Figures:
    """Runs a reader to its end; `touch` makes the updates when it has all pods."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        began, listed = (_told(process, word) for word in ("began", "listed"))
        touch()
        followed = _told(process, "followed")
    cpu, wall = (began.cpu, listed.cpu - began.cpu, followed.cpu - listed.cpu), listed.at - began.at
    return Figures(*cpu, wall, listed.peak_mib, followed.peak_mib)


def _told(process: subprocess.Popen[str], word: str) -> Spent:
    said = process.stdout.readline().strip() if process.stdout else ""
    if said != word:
        raise SystemExit(f"a reader said {said!r} where {word!r} was awaited")
    return spent(process.pid)


# --- The cluster -----------------------------------------------------------------------------------------------------


def clientgo(kubeconfig: str) -> Callable[..., list[str]]:
    """The command of the Go program beside this file, built if it is new."""
    program = _CACHE / "clientgo"
    _CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=_SOURCE, env={**os.environ, **_GO}, check=True)
    return lambda *arguments: [str(program), kubeconfig, *map(str, arguments)]


@contextlib.contextmanager
def kubelets(kubeconfig: str) -> Iterator[None]:
    """kwok, playing the kubelets of the fake nodes; installed where it is not yet."""
    program = _CACHE / "kwok"
    if not program.exists():
        subprocess.run(["go", "install", _KWOK], env={**os.environ, **_GO}, check=True)
    selector = "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake"
    lease = "--node-lease-duration-seconds=40"
    arguments = [str(program), f"--kubeconfig={kubeconfig}", "--manage-all-nodes=false", selector, lease, "-v=WARN"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def compare(options: argparse.Namespace, go: Callable[..., list[str]]) -> None:
    """Makes the pods, and lets one reader after the other read them and as many updates."""
    _call(go("make", options.pods))
    rounds = iter(range(1, 100))

    def touch(updates: int) -> None:
        _call(go("touch", updates, next(rounds)))

    def tapio(reader: str, updates: int) -> list[str]:
        given = ["--kubeconfig", options.kubeconfig, "--pods", str(options.pods), "--updates", str(updates)]
        return [sys.executable, "-m", "benchmarks.bench_cluster", *given, "--read-as", reader]

    yardstick = None
    for name, updates, command in (
        ("client-go, protobuf", options.updates, go("inform", options.updates)),
        ("client-go, JSON", options.updates, go("inform", options.updates, "json")),
        ("reflector", options.updates, tapio("reflector", options.updates)),
        ("collector", options.updates, tapio("collector", options.updates)),
        *([("kubernetes", _OFFICIAL_UPDATES, tapio("official", _OFFICIAL_UPDATES))] if options.official else []),
    ):
        figures = measured(command, partial(touch, updates))
        yardstick = yardstick or figures
        tell(name, updates, figures, yardstick)


def tell(name: str, updates: int, of: Figures, yardstick: Figures) -> None:
    """Prints one reader's line."""
    print(
        f"{name:20} listed in {of.seconds:.1f} s, {of.listing:.2f} s of CPU ({of.listing / yardstick.listing:.2f} x"
        f" client-go; {of.start:.2f} s to start), {of.listed_mib:.0f} MiB; then {updates / of.following:,.0f} updates"
        f" per second of CPU ({1e6 * of.following / updates:.0f} us each), peak {of.peak_mib:.0f} MiB",
        flush=True,
    )


def _call(command: Sequence[str]) -> None:
    subprocess.run(command, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", help="the cluster; without one nothing is measured")
    parser.add_argument("--pods", type=int, default=20_000)
    parser.add_argument("--updates", type=int, default=10_000)
    parser.add_argument("--official", action="store_true", help="the `kubernetes` client too, which takes a minute")
    parser.add_argument("--keep", action="store_true", help="leaves the pods, for another run")
    parser.add_argument("--clean", action="store_true", help="removes what an earlier run made, and measures nothing")
    parser.add_argument("--read-as", choices=_READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kubeconfig is None:
        print("no --kubeconfig: a cluster is needed")
        return
    if options.read_as:
        _READERS[options.read_as](options.kubeconfig, options.pods, options.updates)
        return
    go = clientgo(options.kubeconfig)
    try:
        if not options.clean:
            with kubelets(options.kubeconfig):
                compare(options, go)
    finally:
        if not options.keep:
            _call(go("clean"))


if __name__ == "__main__":
    main()
