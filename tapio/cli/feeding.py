"""A capture put in where a collector would put it, until all that follows from it is in the graph.

What is done is read off what is durable: how far the transformers have acknowledged RAW, and how far the shards have
stored what was published to them. So any actor may be killed on the way.
"""

import asyncio
from collections.abc import Sequence

from actors.desired import Kind
from actors.options import actor_name
from serve.status import StageProgress, SystemStatus
from tapio.cli import places, terminal
from tapio.cli.waiting import until_none_left
from tapio.collectors.file.closing import ended
from tapio.collectors.port import Emit
from tapio.errors import UnreachableError
from tapio.pipeline.collect import Collect
from tapio.pipeline.transform import DURABLE
from tapio.raw import RawEvent
from tapio.streams import RAW, SHARED, StreamMissingError, Streams, partition_stream
from tapio.streams.addresses import public
from tapio.streams.jetstream import connect
from tapio.telemetry import Telemetry
from tapio.unified import PARTITIONS

_SLICE = 1000  # events published at once
_COLLECTOR, _SHARD = actor_name(Kind.COLLECTOR, ""), actor_name(Kind.CORRELATOR, "")

Positions = dict[str, int]  # stream -> sequence


class Capture:
    """Recorded events as a source, which ends after the last one."""

    def __init__(self, events: Sequence[RawEvent]) -> None:
        self._events = events

    async def run(self, emit: Emit) -> None:
        for start in range(0, len(self._events), _SLICE):
            await emit(self._events[start : start + _SLICE])


async def feed(server: str, nats: str, events: Sequence[RawEvent]) -> None:
    """Publishes the events into the RAW of the Tapio that answers at `server`, and waits for what follows from them.

    A gap that they leave open ends just after them: that Tapio goes on, and nobody would tell it the end.

    Raises:
        UnreachableError: NATS does not answer, has no such stream, or it or the server went away for long.
        TapioError: the pipeline does not get on.
    """
    streams = await _connected(nats)
    try:
        with terminal.step(f"{counted(events)} into the stream {RAW}"):
            raw = await _published(streams, nats, events)
        with terminal.step("through the transforms"):
            await until_none_left(lambda: _untransformed(streams, raw))
        ends = {name: await streams.last(name) for name in (SHARED, *map(partition_stream, range(PARTITIONS)))}
        with terminal.step("through the correlators into the graph"):
            await until_none_left(lambda: _uncorrelated(server, ends))
    finally:
        await streams.close()


def counted(events: Sequence[RawEvent]) -> str:
    """How many there are, in words."""
    return f"{len(events):,} events" if len(events) > 1 else "1 event"


def watches(running: SystemStatus) -> bool:
    """Whether it has a collector, and so events of its own."""
    return any(actor.name.startswith(_COLLECTOR) for actor in running.actors)


async def _connected(nats: str) -> Streams:
    try:
        return await connect(nats)
    except UnreachableError as error:
        hint = "replay on the machine where Tapio runs, or name its NATS with --nats"
        raise UnreachableError(error.message, hint=hint) from error


async def _published(streams: Streams, nats: str, events: Sequence[RawEvent]) -> int:
    """Publishes as the collecting stage does; returns where RAW ends now, be it by others' events."""
    try:
        await Collect("capture", Capture(ended(events)), streams, Telemetry()).run()
        return await streams.last(RAW)
    except StreamMissingError as error:
        raise UnreachableError(f"the NATS at {public(nats)} has no stream {RAW}: no Tapio uses it") from error


async def _untransformed(streams: Streams, raw: int) -> int:
    return max(0, raw - await streams.settled(RAW, DURABLE))


async def _uncorrelated(server: str, ends: Positions) -> int:
    seen = await asyncio.to_thread(places.ask, places.Where(server=server), "/v1/status", {}, SystemStatus)
    return unread([_positions(actor.progress) for actor in seen.actors if actor.name.startswith(_SHARD)], ends)


def _positions(progress: StageProgress | None) -> Positions:
    return progress.positions if progress else {}


def unread(shards: Sequence[Positions], ends: Positions) -> int:
    """How many messages up to `ends` are not yet stored: each partition's by its shard, the shared stream's by all."""
    read = {stream: sequence for shard in shards for stream, sequence in shard.items()}
    own = sum(max(0, end - read.get(stream, 0)) for stream, end in ends.items() if stream != SHARED)
    return own + sum(max(0, ends[SHARED] - shard.get(SHARED, 0)) for shard in shards or [{}])
