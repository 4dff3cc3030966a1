"""The reflector and the kubeapi collector on many pods, beside the official `kubernetes` client on the same bytes.

`python -m benchmarks.bench_reflector [--pods N] [--updates N]`: a process of its own serves the pods as the API server
would, by a watch that lists first, in pages, and as a watch. Each reader is a process too, so that its CPU and peak
memory are its own:

- reflector: lists all pods and says them to nobody.
- collector: lists all pods and makes events of them; then follows updates, each a full Pod whose status moved.
- kubernetes: `list_pod_for_all_namespaces`, and as many updates through its `Watch`.
"""

import argparse
import asyncio
import importlib
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks.workloads import PODS_PER_WORKLOAD, Cluster
from tapio.collectors.kubeapi import KubeApiCollector
from tapio.kube import KINDS, KubeClient, Position, Reflector, Said
from tapio.kube.config import Cluster as Server
from tapio.raw import RawEvent

Json = dict[str, Any]
Figures = tuple[float, float, float, float]  # seconds and CPU seconds of the listing, then of the updates
_SPAWN = multiprocessing.get_context("spawn")
_FLUSH = 200  # lines written together
_LISTED = (
    b'{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"1000000",'
    b'"annotations":{"k8s.io/initial-events-end":"true"}}}}\n'
)
_FIELDS: Json = {f'k:{{"name":"SETTING_{n}"}}': {".": {}, "f:name": {}, "f:value": {}} for n in range(12)}
_CONDITIONS: Json = {f'k:{{"type":"{n}"}}': {".": {}, "f:status": {}, "f:lastTransitionTime": {}} for n in range(5)}
_BOOKS = [
    {
        "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": "2026-01-05T09:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:env": _FIELDS}}}},
    },
    {
        "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": "2026-01-05T09:00:05Z",
        "fieldsType": "FieldsV1", "subresource": "status", "fieldsV1": {"f:status": {"f:conditions": _CONDITIONS}},
    },
]  # fmt: skip


def pods(events: Iterator[RawEvent]) -> Iterator[Json]:
    """The pods of the made cluster, with managedFields as a server keeps them."""
    for event in events:
        if event.metadata.k8s_kind == "Pod":
            obj: Json = json.loads(bytes(event.record))["object"]
            obj["metadata"]["managedFields"] = _BOOKS
            yield obj


def serve(count: int, updates: int, address: Any) -> None:  # noqa: ANN401  multiprocessing's queue
    """A server of pods: `limit` and `continue` by number, a watch that says every update and then holds."""
    cluster = Cluster(count // PODS_PER_WORKLOAD)
    items = [_bytes(obj) for obj in pods(cluster.appears())]
    there = [b'{"type":"ADDED","object":' + item + b"}\n" for item in items]
    lines = [b'{"type":"MODIFIED","object":' + _bytes(obj) + b"}\n" for obj in pods(cluster.pod_updates(updates))]

    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/pods"):
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        if request.query.get("watch") not in {None, "False"}:
            return await watch(request)
        first, limit = int(request.query.get("continue", 0)), int(request.query.get("limit", len(items)))
        following = str(first + limit) if first + limit < len(items) else ""
        meta = _bytes({"resourceVersion": "1000000", "continue": following})
        head = b'{"kind":"PodList","apiVersion":"v1","metadata":' + meta + b',"items":['
        body = head + b",".join(items[first : first + limit]) + b"]}"
        return web.Response(body=body, content_type="application/json")

    async def watch(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        is_listing = "sendInitialEvents" in request.query
        told = [*there, _LISTED, *lines] if is_listing else lines
        for place in range(0, len(told), _FLUSH):
            await response.write(b"".join(told[place : place + _FLUSH]))
        if told:
            await asyncio.Event().wait()
        return response

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        address.put((f"http://{host}:{port}", sum(map(len, lines)) / max(1, len(lines))))
        await asyncio.Event().wait()

    asyncio.run(run())


def _bytes(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Watch:
    """A stop watch for time and CPU."""

    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def lap(self) -> tuple[float, float]:
        """Seconds on the wall and of CPU since the last lap."""
        began, cpu = self._began, self._cpu
        self._began, self._cpu = time.perf_counter(), time.process_time()
        return self._began - began, self._cpu - cpu


def reflector(url: str, _: int, __: int) -> Figures:
    async def run() -> Figures:
        listed = asyncio.Event()

        async def take(said: Said) -> None:
            if isinstance(said, Position):
                listed.set()

        async with KubeClient(Server(server=url, origin="a benchmark")) as client:
            watch = Watch()
            task = asyncio.create_task(Reflector(client, KINDS["Pod"], take).run())
            await listed.wait()
            took = watch.lap()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return (*took, 0.0, 0.0)

    return asyncio.run(run())


def collector(url: str, count: int, updates: int) -> Figures:
    async def run(folder: Path) -> Figures:
        seen, laps, watch = 0, [], Watch()
        ended = asyncio.Event()

        async def emit(events: Sequence[RawEvent]) -> None:
            nonlocal seen
            before, seen = seen, seen + sum(event.type.startswith("pod_") for event in events)
            if before < count <= seen:
                laps.append(watch.lap())
            if seen >= count + updates:
                laps.append(watch.lap())
                ended.set()

        async with KubeClient(Server(server=url, origin="a benchmark")) as client:
            task = asyncio.create_task(KubeApiCollector(client, [KINDS["Pod"]], folder, log_lines=0).run(emit))
            await ended.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return (*laps[0], *laps[1])

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))


def official(url: str, _: int, updates: int) -> Figures:
    client: Any = importlib.import_module("kubernetes.client")  # a yardstick, no dependency
    watch: Any = importlib.import_module("kubernetes.watch")
    api = client.CoreV1Api(client.ApiClient(client.Configuration(host=url)))
    stop = Watch()
    held = api.list_pod_for_all_namespaces()
    listed = stop.lap()
    stream = watch.Watch().stream(api.list_pod_for_all_namespaces, resource_version=held.metadata.resource_version)
    for number, _event in enumerate(stream, start=1):
        if number == updates:
            break
    return (*listed, *stop.lap())


def measured(reader: Callable[[str, int, int], Figures], url: str, count: int, updates: int, answer: Any) -> None:  # noqa: ANN401
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = reader(url, count, updates)
    answer.put((figures, idle, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--pods", type=int, default=6_000)
    parser.add_argument("--updates", type=int, default=20_000)
    parser.add_argument(
        "--official", type=int, default=2_000, help="updates for the `kubernetes` client; 0: leave it out"
    )
    chosen = parser.parse_args()
    count = chosen.pods // PODS_PER_WORKLOAD * PODS_PER_WORKLOAD
    answer = _SPAWN.Queue()
    for reader, updates in ((reflector, 0), (collector, chosen.updates), (official, chosen.official)):
        if reader is official and not updates:
            continue
        server = _SPAWN.Process(target=serve, args=(count, updates, answer), daemon=True)
        server.start()
        url, size = answer.get()
        process = _SPAWN.Process(target=measured, args=(reader, url, count, updates, answer))
        process.start()
        (listed, listed_cpu, took, cpu), idle, peak = answer.get()
        process.join()
        server.terminate()
        server.join()
        told = f"{reader.__name__:10} {count:,} pods in {listed:.1f} s ({listed_cpu:.2f} s of CPU)"
        if updates and cpu:
            told += f"; {updates / took:,.0f} updates/s of {size:,.0f} bytes ({updates / cpu:,.0f} per second of CPU)"
        print(f"{told}; peak {peak / 1024:.0f} MiB, {(peak - idle) / count:.1f} KiB per pod")


if __name__ == "__main__":
    main()
