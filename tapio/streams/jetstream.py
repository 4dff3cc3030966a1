"""Streams on NATS JetStream."""

import asyncio
import logging
from collections.abc import Sequence

from tapio.errors import UnreachableError
from tapio.streams.api import (
    ConsumerMissingError,
    StreamConfig,
    consumer_info,
    create_stream,
    nanoseconds,
    stream_info,
)
from tapio.streams.atomic import batches, publish_batch
from tapio.streams.backoff import full_jitter
from tapio.streams.checks import check_messages
from tapio.streams.dead_letters import dead_letter
from tapio.streams.follow import FollowReader
from tapio.streams.link import AwayError, Link, open_link
from tapio.streams.pool import PoolReader
from tapio.streams.port import (
    DEAD_LETTERS,
    Delivery,
    Message,
    Reader,
    StreamMismatchError,
    StreamMissingError,
    StreamSpec,
)
from tapio.streams.subjects import foreign

log = logging.getLogger(__name__)

# How long the server waits for a sign of life from a message's reader: the first time, the second, ...
REDELIVERY_S = (5.0, 30.0, 120.0, 600.0)
_HEADERS_BYTES = 512  # of a published message beside its id: names, batch id, sequence, stream


class JetStreams:
    """A connection to JetStream. `replicas` is of the streams that `ensure` creates: 3 in production."""

    def __init__(self, link: Link, *, replicas: int = 1, redelivery_s: Sequence[float] = REDELIVERY_S) -> None:
        self._link = link
        self._replicas = replicas
        self._redelivery_s = redelivery_s
        self._readers: list[PoolReader | FollowReader] = []

    async def ensure(self, specs: Sequence[StreamSpec]) -> None:
        try:
            for spec in specs:
                await self._ensure(self._config(spec))
        except AwayError as away:
            raise self._unreachable(away) from away

    async def publish(self, stream: str, messages: Sequence[Message]) -> None:
        check_messages(messages, self._limit())
        for batch in batches(messages):
            await self._until_durable(stream, batch)

    async def pool(self, stream: str, durable: str) -> Reader:
        return await self._open(PoolReader(self._link, stream, durable, self._bury, self._redelivery_s))

    async def follow(self, stream: str, after: int) -> Reader:
        return await self._open(FollowReader(self._link, stream, after, self._bury))

    async def last(self, stream: str) -> int:
        try:
            return (await stream_info(self._link, stream)).state.last_seq
        except AwayError as away:
            raise self._unreachable(away) from away

    async def settled(self, stream: str, durable: str) -> int:
        try:
            return (await consumer_info(self._link, stream, durable)).ack_floor.stream_seq
        except ConsumerMissingError:
            return 0
        except AwayError as away:
            raise self._unreachable(away) from away

    async def close(self) -> None:
        """Closes the readers that are still open, then the connection."""
        for reader in self._readers:
            await reader.close()
        self._readers.clear()
        await self._link.close()

    def _config(self, spec: StreamSpec) -> StreamConfig:
        return StreamConfig(
            name=spec.name,
            subjects=spec.subjects,
            num_replicas=self._replicas,
            max_age=nanoseconds(spec.max_age_s),
            duplicate_window=nanoseconds(spec.duplicate_window_s),
        )

    async def _ensure(self, wanted: StreamConfig) -> None:
        try:
            info = await stream_info(self._link, wanted.name)
        except StreamMissingError:
            await create_stream(self._link, wanted)
            info = await stream_info(self._link, wanted.name)
        differences = _differences(info.config, wanted)
        if differences:
            raise StreamMismatchError(
                f"the stream {wanted.name} is not as it is wanted: {differences}",
                hint="change the setting back, or the stream with the nats command (2.12 or newer has atomic batches)",
            )

    async def _until_durable(self, stream: str, batch: Sequence[Message]) -> None:
        failures = 0
        while True:
            try:
                await publish_batch(self._link, stream, batch)
            except AwayError as away:
                await self._after_failure(stream, batch, away, failures)
                failures += 1
            else:
                return

    async def _after_failure(self, stream: str, batch: Sequence[Message], away: AwayError, failures: int) -> None:
        """Waits before the next try, unless no try can succeed."""
        if failures == 0:
            log.warning("%s: %d messages wait to be published: %s", stream, len(batch), away)
            await self._check_subjects(stream, batch)
        await asyncio.sleep(full_jitter(failures))

    async def _check_subjects(self, stream: str, batch: Sequence[Message]) -> None:
        """What goes to no stream, or to another one, looks like a server that does not answer."""
        try:
            config = (await stream_info(self._link, stream)).config
        except AwayError:
            return
        stray = foreign(config.subjects if config else (), (message.subject for message in batch))
        if stray is not None:
            raise StreamMissingError(f"the stream {stream} does not take {stray}")

    def _limit(self) -> int:
        return self._link.max_payload - _HEADERS_BYTES

    async def _bury(self, stream: str, delivery: Delivery, error: str) -> None:
        letter = dead_letter(stream, delivery, error, self._limit() - len(stream) - 64)
        await self.publish(DEAD_LETTERS, [letter])

    async def _open(self, reader: PoolReader | FollowReader) -> Reader:
        try:
            await reader.open()
        except AwayError as away:
            raise self._unreachable(away) from away
        self._readers.append(reader)
        return reader

    def _unreachable(self, away: AwayError) -> UnreachableError:
        if not self._link.connected:
            return UnreachableError(str(away), hint="it answered before: start it again")
        return UnreachableError(
            f"NATS at {self._link.address} does not serve streams: {away}",
            hint="JetStream must be enabled there (`jetstream {}` in its configuration)",
        )


def _differences(there: StreamConfig | None, wanted: StreamConfig) -> str:
    """The fields that differ, in words; empty when none does."""
    pairs = ((field, getattr(there, field, None), getattr(wanted, field)) for field in wanted.__struct_fields__)
    return ", ".join(f"{field} is {is_!r}, wanted {want!r}" for field, is_, want in pairs if is_ != want)


async def connect(
    url: str,
    *,
    replicas: int = 1,
    redelivery_s: Sequence[float] = REDELIVERY_S,
) -> JetStreams:
    """Connects to NATS at `url` (`nats://user:password@host:4222`, several with commas between; `access` has more).

    Raises:
        UsageError: `url` is no address.
        UnreachableError: nobody answers there.
        ForbiddenError: the credentials are refused.
    """
    return JetStreams(await open_link(url), replicas=replicas, redelivery_s=redelivery_s)
