"""The parts of streams that decide without acting."""

import random

import pytest

from tapio.errors import UsageError
from tapio.streams import Delivery, Message, StreamSpec
from tapio.streams.addresses import parse_addresses, without_secrets
from tapio.streams.atomic import batches
from tapio.streams.backoff import full_jitter
from tapio.streams.memory import MemoryStreams
from tapio.streams.pulling import Place, place_of
from tapio.streams.subjects import foreign, matches
from tapio.streams.wire import Arrival, Control, control_of, parcel


@pytest.mark.parametrize(
    ("pattern", "subject", "taken"),
    [
        ("raw.>", "raw.kubeapi.pod.create", True),
        ("raw.>", "raw", False),
        ("raw.>", "unified.pod", False),
        ("unified.*.*.*.3", "unified.pod.default.nginx.3", True),
        ("unified.*.*.*.3", "unified.pod.default.nginx.13", False),
        ("unified.*.*.*.3", "unified.pod.default.3", False),
        ("dlq.RAW", "dlq.RAW", True),
        (">", "anything.at.all", True),
    ],
)
def test_subjects_match_as_in_nats(pattern: str, subject: str, taken: bool) -> None:  # noqa: FBT001  a table's column
    assert matches(pattern, subject) is taken


def test_a_foreign_subject_is_the_first_that_no_pattern_takes() -> None:
    assert foreign(["raw.>"], ["raw.a", "dlq.a", "dlq.b"]) == "dlq.a"
    assert foreign(["raw.>", "dlq.>"], ["raw.a", "dlq.a"]) is None


def message(id_: str, size: int = 1) -> Message:
    return Message("raw.a", b"x" * size, id_)


def test_batches_keep_order_and_the_servers_limit() -> None:
    messages = [message(str(n)) for n in range(2_001)]
    made = list(batches(messages))
    assert [len(batch) for batch in made] == [1_000, 1_000, 1]
    assert [each for batch in made for each in batch] == messages


def test_batches_hold_an_id_once_where_it_came_first() -> None:
    [batch] = batches([message("a", 1), message("b", 2), message("a", 3)])
    assert batch == [message("a", 1), message("b", 2)]


def test_batches_are_bounded_in_bytes() -> None:
    assert [len(batch) for batch in batches([message(str(n), 3_000_000) for n in range(5)])] == [2, 2, 1]
    assert [len(batch) for batch in batches([message("a", 20_000_000), message("b")])] == [1, 1]


def test_there_is_no_batch_of_nothing() -> None:
    assert list(batches([])) == []


def test_back_off_grows_to_its_bound_and_is_spread() -> None:
    random.seed(1)
    waits = [[full_jitter(failures, 0.1, 2.0) for _ in range(200)] for failures in (0, 3, 50)]
    for bound, drawn in zip((0.1, 0.8, 2.0), waits, strict=True):
        assert 0 <= min(drawn) < 0.1 * bound
        assert 0.9 * bound < max(drawn) <= bound


@pytest.mark.parametrize(
    "reply", ["$JS.ACK.RAW.workers.2.17.5.1795412545310878267.9", "$JS.ACK.dom.hash.RAW.workers.2.17.5.1795.9.random"]
)
def test_a_deliverys_place_is_read_from_its_reply(reply: str) -> None:
    assert place_of(reply) == Place(attempt=2, sequence=17, delivered=5)


def test_a_parcel_is_natss_protocol() -> None:
    assert parcel("a.b", b"hey", reply="r") == b"PUB a.b r 3\r\nhey\r\n"
    assert parcel("a.b", b"hey", b"K: v\r\n") == b"HPUB a.b  18 21\r\nNATS/1.0\r\nK: v\r\n\r\nhey\r\n"


@pytest.mark.parametrize(
    ("headers", "control"),
    [
        (b"", Control()),
        (b"NATS/1.0\r\nNats-Msg-Id: 408\r\n\r\n", Control()),
        (b"NATS/1.0 503\r\n\r\n", Control(503)),
        (b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 3\r\n\r\n", Control(100, "Idle Heartbeat")),
        (b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 7\r\n\r\n", Control(408, "Request Timeout", 7)),
    ],
)
def test_control_messages_are_told_from_stored_ones(headers: bytes, control: Control) -> None:
    assert control_of(Arrival("inbox", "", b"", headers)) == control


@pytest.mark.parametrize(
    ("given", "addresses"),
    [
        ("localhost", ["nats://localhost:4222"]),
        ("nats://a:1, tls://b", ["nats://a:1", "tls://b:4222"]),
        ("nats://user:secret@a", ["nats://user:secret@a:4222"]),
    ],
)
def test_addresses_get_their_scheme_and_port(given: str, addresses: list[str]) -> None:
    assert parse_addresses(given) == addresses


@pytest.mark.parametrize("given", ["", "http://a", "nats://", "nats://a:port", "nats://a:99999"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match=f"'{given}'"):
        parse_addresses(given)


def test_shown_addresses_keep_secrets_to_themselves() -> None:
    assert without_secrets(["nats://user:se@cret@a:1", "b"]) == "nats://a:1,b"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


SPEC = StreamSpec(name="S", subjects=("raw.>",), duplicate_window_s=600)


async def in_memory(clock: Clock) -> MemoryStreams:
    streams = MemoryStreams(clock)
    await streams.ensure([SPEC])
    return streams


async def test_in_memory_an_id_is_forgotten_after_the_window() -> None:
    clock = Clock()
    streams = await in_memory(clock)
    for now in (0.0, 599.0, 600.0, 1_199.0):
        clock.now = now
        await streams.publish("S", [message("a")])
    reader = await streams.follow("S", 0)
    assert [each.sequence for each in await reader.next(10, 0)] == [1, 2]


async def test_in_memory_a_retry_comes_when_the_clock_says_so() -> None:
    clock = Clock()
    streams = await in_memory(clock)
    await streams.publish("S", [message("a"), message("b")])
    reader = await streams.pool("S", "workers")
    first = await reader.next(1, 0)
    await reader.retry(first, 30)
    clock.now = 29
    assert await reader.next(10, 0) == ()
    clock.now = 30
    assert await reader.next(10, 0) == [Delivery("raw.a", b"x", 1), Delivery("raw.a", b"x", 2)]
