"""JetStream's own API: JSON requests on `$JS.API.>` and the few fields of their answers that Tapio reads."""

import msgspec

from tapio.errors import TapioError
from tapio.streams.link import AwayError, Link
from tapio.streams.port import StreamMissingError
from tapio.streams.wire import Arrival

_NANOSECONDS = 1_000_000_000
_CLIENT_ERROR = 400

CONSUMER_NOT_FOUND = 10014
STREAM_NOT_FOUND = 10059
WRONG_STREAM = 10060
DUPLICATE_IN_BATCH = 10201


class ApiError(msgspec.Struct, frozen=True):
    """Why the server refused; `err_code` is one of the codes in nats-server's errors.json."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class StreamConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What Tapio asks of a stream; durations are in nanoseconds, as the API has them."""

    name: str
    subjects: tuple[str, ...]
    num_replicas: int
    max_age: int
    duplicate_window: int
    storage: str = "file"
    retention: str = "limits"
    discard: str = "new"
    deny_delete: bool = True
    deny_purge: bool = True
    allow_atomic: bool = True


class ConsumerConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What Tapio asks of a consumer; durations are in nanoseconds."""

    name: str
    ack_policy: str
    durable_name: str = ""
    deliver_policy: str = "all"
    opt_start_seq: int = 0
    backoff: tuple[int, ...] = ()
    max_deliver: int = 0
    max_ack_pending: int = 0
    inactive_threshold: int = 0
    num_replicas: int = 0
    mem_storage: bool = False


class StreamState(msgspec.Struct, frozen=True):
    first_seq: int = 0
    last_seq: int = 0


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    config: StreamConfig | None = None
    state: StreamState = StreamState()
    error: ApiError | None = None


class AckFloor(msgspec.Struct, frozen=True):
    """Everything up to this sequence of the stream is acknowledged, or ended for good."""

    stream_seq: int = 0


class ConsumerInfo(msgspec.Struct, frozen=True, kw_only=True):
    num_pending: int = 0
    ack_floor: AckFloor = AckFloor()
    error: ApiError | None = None


class ConsumerMissingError(AwayError):
    """Nobody has made the consumer yet, or it is gone."""


class _CreateConsumer(msgspec.Struct, frozen=True):
    stream_name: str
    config: ConsumerConfig


def nanoseconds(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


async def stream_info(link: Link, stream: str) -> StreamInfo:
    """The stream as it is.

    Raises:
        StreamMissingError: it is not there.
        AwayError: no answer, or one that may change.
    """
    info = msgspec.json.decode((await link.request(f"$JS.API.STREAM.INFO.{stream}")).data, type=StreamInfo)
    _check(info.error, stream)
    return info


async def create_stream(link: Link, config: StreamConfig) -> None:
    """Creates the stream; one of the same name and configuration is left as it is.

    Raises:
        TapioError: the server cannot make such a stream.
    """
    answer = await link.request(f"$JS.API.STREAM.CREATE.{config.name}", msgspec.json.encode(config))
    _check(msgspec.json.decode(answer.data, type=StreamInfo).error, config.name)


async def create_consumer(link: Link, stream: str, config: ConsumerConfig) -> ConsumerInfo:
    """Creates the consumer, or updates the one of that name."""
    request = msgspec.json.encode(_CreateConsumer(stream, config))
    return _consumer(await link.request(f"$JS.API.CONSUMER.CREATE.{stream}.{config.name}", request), stream)


async def consumer_info(link: Link, stream: str, consumer: str) -> ConsumerInfo:
    """The consumer as it is.

    Raises:
        StreamMissingError, ConsumerMissingError: it is not there.
        AwayError: no answer, or one that may change.
    """
    return _consumer(await link.request(f"$JS.API.CONSUMER.INFO.{stream}.{consumer}"), stream)


async def delete_consumer(link: Link, stream: str, consumer: str) -> None:
    """Deletes the consumer; one that is gone already is fine."""
    await link.request(f"$JS.API.CONSUMER.DELETE.{stream}.{consumer}")


def _consumer(answer: Arrival, stream: str) -> ConsumerInfo:
    info = msgspec.json.decode(answer.data, type=ConsumerInfo)
    _check(info.error, stream)
    return info


def _check(error: ApiError | None, stream: str) -> None:
    if error is None:
        return
    if error.err_code == STREAM_NOT_FOUND:
        raise StreamMissingError(f"the stream {stream} is not there", hint="`ensure` creates it")
    if error.err_code == CONSUMER_NOT_FOUND:
        raise ConsumerMissingError(error.description)
    if error.code == _CLIENT_ERROR:
        raise TapioError(f"NATS refuses the stream {stream}: {error.description}")
    raise AwayError(error.description)
