"""Recorded events put in where a collector would put them, and whether all that follows from them is in the graph."""

from collections.abc import Iterator, Sequence

import msgspec

from actors.plan import Plan
from actors.supervisor import Overview
from tapio.pipeline.collect import to_message
from tapio.pipeline.progress import Progress
from tapio.raw import RawEvent
from tapio.streams import RAW, SHARED, Streams, unified
from tapio.streams.jetstream import connect


class Lengths(msgspec.Struct, frozen=True):
    """How many messages each stream has had."""

    unified: dict[str, int]
    shared: int


async def publish(plan: Plan, events: Sequence[RawEvent]) -> None:
    """Publishes into RAW as the collecting stage does."""
    streams = await connect(plan.nats)
    try:
        await streams.publish(RAW, [to_message(event) for event in events])
    finally:
        await streams.close()


async def lengths(plan: Plan) -> Lengths:
    """What there is to read, everywhere."""
    streams = await connect(plan.nats)
    try:
        names = [unified(number) for number in range(plan.partitions)]
        return Lengths(
            {name: await _length(streams, name) for name in names},
            await _length(streams, SHARED),
        )
    finally:
        await streams.close()


def transformed(seen: Overview) -> bool:
    """Whether the transformers have been given every raw event."""
    stages = list(_progress(seen, "transform"))
    return bool(stages) and all(progress.pending == 0 for progress in stages)


def correlated(seen: Overview, there: Lengths) -> bool:
    """Whether every shard has stored what follows from all that was published to it."""
    shards = list(_progress(seen, "correlate"))
    read = {name: position for shard in shards for name, position in shard.positions.items() if name != SHARED}
    shared = min((shard.positions.get(SHARED, 0) for shard in shards), default=0)
    return shared >= there.shared and all(read.get(name, 0) >= length for name, length in there.unified.items())


def _progress(seen: Overview, stage: str) -> Iterator[Progress]:
    observations = (actor.observation for actor in seen.actors if actor.observation)
    told = (observation.progress for observation in observations if observation.progress)
    return (progress for progress in told if progress.stage.startswith(stage))


async def _length(streams: Streams, name: str) -> int:
    reader = await streams.follow(name, 0)
    try:
        return await reader.pending()
    finally:
        await reader.close()
