"""What publishing, sharing and following cost on a real server, beside the raw cost of the same bytes in nats-py.

Raw is what nats-py cannot do without: a core publish of each message, and a core subscription with a callback, both
without JetStream, ids, acknowledgements or a disk. Rates depend on who else uses the machine; the client's CPU time
per message and the ratios depend on it less.

Then what a burst of messages costs the server, as one atomic batch and message by message, each with its own sync.

Then what a burst of messages costs the server, in one atomic batch and message by message.

Run: python -m benchmarks.bench_streams [messages]
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import nats
from nats.aio.msg import Msg

from benchmarks.bench_pipeline import cpu_seconds
from tapio.streams import RAW, Message, Reader, StreamSpec
from tapio.streams.atomic import publish_atomically, publish_singly
from tapio.streams.jetstream import JetStreams
from tapio.streams.link import open_link
from tapio.testing.nats import NatsServer, jetstreams, nats_server

SIZE = 635  # bytes: a small raw event
REPEATS = 3
TAKE = 1_000
BURSTS = (2, 4, 8, 16, 32, 64)


class Cost(NamedTuple):
    """Of one message: wall time, and this process's CPU time."""

    wall_us: float
    cpu_us: float


Work = Callable[[], Awaitable[None]]


async def cost_of(work: Work, messages: int) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return Cost((time.perf_counter() - wall) / messages * 1e6, (time.process_time() - cpu) / messages * 1e6)


def made(messages: int, run: int) -> list[Message]:
    data = b'{"type": "pod_modified", "data": "' + b"x" * (SIZE - 36) + b'"}'
    return [Message(f"raw.kubeapi.pod.m{n % 40}", data, f"evt-{run}-{n:016x}") for n in range(messages)]


async def raw_write(url: str, messages: list[Message]) -> None:
    client = await nats.connect(url)
    for message in messages:
        await client.publish("bench.write", message.data)
    await client.flush(60)
    await client.close()


async def raw_write_and_read(url: str, messages: list[Message]) -> None:
    reader = await nats.connect(url)
    done = asyncio.Event()
    left = len(messages)

    async def count(_: Msg) -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    await reader.subscribe("bench.write", cb=count, pending_msgs_limit=0, pending_bytes_limit=0)
    await reader.flush()
    await raw_write(url, messages)
    await done.wait()
    await reader.close()


async def read(reader: Reader, messages: int) -> None:
    while messages:
        batch = await reader.next(TAKE, 30)
        await reader.ack(batch)
        messages -= len(batch)


async def one_run(streams: JetStreams, url: str, count: int, run: int) -> dict[str, Cost]:
    messages = made(count, run)
    costs = {
        "raw write": await cost_of(lambda: raw_write(url, messages), count),
        "raw write + read": await cost_of(lambda: raw_write_and_read(url, messages), count),
        "publish": await cost_of(lambda: streams.publish(RAW, messages), count),
    }
    pool = await streams.pool(RAW, "bench")
    costs["pool"] = await cost_of(lambda: read(pool, count), count)
    await pool.close()
    follower = await streams.follow(RAW, run * count)
    costs["follow"] = await cost_of(lambda: read(follower, count), count)
    await follower.close()
    return costs


def median(runs: list[dict[str, Cost]], name: str) -> Cost:
    return Cost(
        statistics.median(run[name].wall_us for run in runs), statistics.median(run[name].cpu_us for run in runs)
    )


def report(runs: list[dict[str, Cost]], messages: int) -> None:
    raw = median(runs, "raw write")
    both = median(runs, "raw write + read")
    raw_read = Cost(both.wall_us - raw.wall_us, both.cpu_us - raw.cpu_us)
    print(f"{messages} messages of {SIZE} B, median of {len(runs)} runs, sync_interval: always")
    print(f"{'':18}{'msg/s':>10}{'CPU us/msg':>12}{'x raw wall':>12}{'x raw CPU':>12}")
    rows = [("raw write", raw, raw), ("raw read", raw_read, raw_read), ("publish", median(runs, "publish"), raw)]
    rows += [(name, median(runs, name), raw_read) for name in ("pool", "follow")]
    for name, cost, beside in rows:
        ratios = f"{cost.wall_us / beside.wall_us:>12.1f}{cost.cpu_us / beside.cpu_us:>12.1f}"
        print(f"{name:18}{1e6 / cost.wall_us:>10,.0f}{cost.cpu_us:>12.1f}{ratios}")


async def bursts(server: NatsServer) -> None:
    """Prints milliseconds of the server's CPU, and on the wall, for bursts of different sizes."""
    link = await open_link(server.url)
    print(f"{'burst of':18}{'batch: CPU ms':>14}{'wall ms':>10}{'singly: CPU ms':>16}{'wall ms':>10}")
    for size in BURSTS:
        row = ""
        for place, publish in enumerate((publish_atomically, publish_singly)):
            count = 400 // size
            parts = [made(size, 1000 * size + 400 * place + n) for n in range(count)]
            cpu, wall = cpu_seconds(server.pid), time.perf_counter()
            for part in parts:
                await publish(link, RAW, part)
            cpu, wall = cpu_seconds(server.pid) - cpu, time.perf_counter() - wall
            row += f"{cpu / count * 1e3:>{14 + 2 * place}.1f}{wall / count * 1e3:>10.1f}"
        print(f"{size:<18}{row}")
    await link.close()


async def main(messages: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with nats_server(Path(folder)) as server, jetstreams(server.url) as streams:
            await streams.ensure([StreamSpec(name=RAW, subjects=("raw.>",))])
            runs = [await one_run(streams, server.url, messages, run) for run in range(REPEATS)]
            report(runs, messages)
            await bursts(server)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000))
