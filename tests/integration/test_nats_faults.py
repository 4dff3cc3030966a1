"""What the real server's faults must not do: lose, double, hang, or speak in tracebacks."""

import asyncio
import importlib.util
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tapio.errors import ForbiddenError, TapioError, UnreachableError, UsageError
from tapio.streams import DEAD_LETTERS, RAW, Delivery, Message, Reader, StreamSpec
from tapio.streams.jetstream import connect
from tapio.streams.link import AwayError, Link, open_link
from tapio.streams.reading import everything
from tapio.testing.nats import NatsServer, jetstreams, nats_server
from tests.waiting import DEADLINE_S, until

SPECS = [StreamSpec(name=RAW, subjects=("raw.>",)), StreamSpec(name=DEAD_LETTERS, subjects=("dlq.>",))]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path / "nats") as running:
        yield running


def events(first: int, last: int) -> list[Message]:
    return [Message("raw.kubeapi.pod.create", str(n).encode(), f"evt-{n}") for n in range(first, last + 1)]


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.data) for delivery in deliveries]


async def take(reader: Reader, count: int) -> list[Delivery]:
    taken: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(taken) < count:
            batch = await reader.next(count - len(taken), 1)
            await reader.ack(batch)
            taken += batch
    return taken


# --- Killed and started again ----------------------------------------------------------------------------------------


async def test_a_server_killed_between_publish_and_ack_loses_and_doubles_nothing(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        publishing = asyncio.create_task(streams.publish(RAW, events(1, 20_000)))
        for pause in (0.02, 0.05, 0.1):
            await asyncio.sleep(pause)
            await server.kill()
            await server.start_again()
        await publishing
        taken = await take(await streams.follow(RAW, 0), 20_000)
    assert numbers(taken) == list(range(1, 20_001))


async def test_single_messages_survive_a_killed_server_too(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)

        async def publish() -> None:
            for event in events(1, 600):
                await streams.publish(RAW, [event])

        publishing = asyncio.create_task(publish())
        for _ in range(2):
            await asyncio.sleep(0.05)
            await server.kill()
            await server.start_again()
        await publishing
        taken = await take(await streams.follow(RAW, 0), 600)
    assert numbers(taken) == list(range(1, 601))


async def test_a_connection_that_comes_back_while_a_message_is_sent_lets_no_later_one_overtake_it(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        client, kills = streams._link._client, iter([True])
        write = client.write

        async def waits(protocol: bytes) -> None:
            if b"evt-2" in protocol and next(kills, False):  # as if it waited for room in what is to be sent
                await server.kill()
                await until(lambda: not client.is_connected, every_s=0.01)
                await server.start_again()
                await until(lambda: client.is_connected, every_s=0.01)
                return
            await write(protocol)

        monkeypatch.setattr(client, "write", waits)
        await streams.publish(RAW, events(1, 5))
        assert numbers(await take(await streams.follow(RAW, 0), 5)) == [1, 2, 3, 4, 5]


async def test_publishing_waits_for_a_server_that_is_away(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        await server.stop()
        publishing = asyncio.create_task(streams.publish(RAW, events(1, 10)))
        await asyncio.sleep(0.3)
        assert not publishing.done()
        await server.start_again()
        await publishing
        assert numbers(await take(await streams.follow(RAW, 0), 10)) == list(range(1, 11))


async def test_following_across_a_restart_misses_and_repeats_nothing(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        reader = await streams.follow(RAW, 0)
        publishing = asyncio.create_task(streams.publish(RAW, events(1, 12_000)))
        taken = await take(reader, 500)
        await server.kill()
        await server.start_again()
        taken += await take(reader, 4_500)
        await server.stop()
        await server.start_again()
        taken += await take(reader, 7_000)
        await publishing
    assert numbers(taken) == list(range(1, 12_001))


async def test_a_stream_is_read_to_its_end_though_the_server_stalls(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        await streams.publish(RAW, events(1, 5_000))
        read: list[Delivery] = []
        async for delivery in everything(streams, RAW):
            if not read:
                os.kill(server.pid, signal.SIGSTOP)
                asyncio.get_running_loop().call_later(1.5, os.kill, server.pid, signal.SIGCONT)
            read.append(delivery)
    assert numbers(read) == list(range(1, 5_001))


async def test_a_pool_works_on_after_a_restart(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        await streams.publish(RAW, events(1, 3_000))
        reader = await streams.pool(RAW, "transforms")
        seen = set(numbers(await take(reader, 700)))
        await server.kill()
        await server.start_again()
        await streams.publish(RAW, events(3_001, 3_500))
        async with asyncio.timeout(DEADLINE_S):
            while len(seen) < 3_500:
                batch = list(await reader.next(1_000, 1))
                await reader.ack(batch)
                seen |= set(numbers(batch))
    assert seen == set(range(1, 3_501))


# --- Readers that stop without a word --------------------------------------------------------------------------------


async def test_what_a_dead_reader_held_comes_to_another(server: NatsServer) -> None:
    async with jetstreams(server.url) as ours:
        await ours.ensure(SPECS)
        await ours.publish(RAW, events(1, 3))
        doomed = await connect(server.url, redelivery_s=(0.5,))
        reader = await doomed.pool(RAW, "transforms")
        held: list[Delivery] = []
        async with asyncio.timeout(DEADLINE_S):
            while len(held) < 3:
                held += await reader.next(3, 1)
        await drop(doomed._link)
        taken: dict[int, Delivery] = {}
        async with asyncio.timeout(DEADLINE_S), jetstreams(server.url, redelivery_s=(0.5,)) as theirs:
            other = await theirs.pool(RAW, "transforms")
            while len(taken) < 3:  # one that is slow to acknowledge may be given a message twice
                for delivery in await take(other, 1):
                    taken.setdefault(delivery.sequence, delivery)
        await doomed.close()
    assert sorted(numbers(list(taken.values()))) == [1, 2, 3]
    assert all(delivery.attempt > 1 for delivery in taken.values())


async def drop(link: Link) -> None:
    """The connection ends as that of a killed process does: without a farewell to the server."""
    await link._client.close()


async def test_a_slow_but_living_reader_keeps_what_it_holds(server: NatsServer) -> None:
    async with jetstreams(server.url, redelivery_s=(2.0,)) as streams:  # it says every 0.6 s that it lives
        await streams.ensure(SPECS)
        await streams.publish(RAW, events(1, 1))
        slow = await streams.pool(RAW, "transforms")
        held = await slow.next(1, DEADLINE_S)
        other = await streams.pool(RAW, "transforms")
        assert await other.next(1, 3.5) == ()
        await slow.ack(held)


async def test_a_followers_consumer_may_vanish(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        reader = await streams.follow(RAW, 0)
        for first in (1, 51, 101):
            await streams.publish(RAW, events(first, first + 49))
            assert numbers(await take(reader, 50)) == list(range(first, first + 50))
            await delete_consumers(streams._link)


async def delete_consumers(link: Link) -> None:
    names = (await link.request(f"$JS.API.CONSUMER.NAMES.{RAW}")).data.decode()
    for name in [part for part in names.split('"') if part.startswith("follow-")]:
        await link.request(f"$JS.API.CONSUMER.DELETE.{RAW}.{name}")


async def test_a_stream_deleted_under_a_reader_is_told(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        reader = await streams.follow(RAW, 0)
        await streams._link.request(f"$JS.API.STREAM.DELETE.{RAW}")
        with pytest.raises(TapioError, match="RAW is not there"):
            await reader.next(1, DEADLINE_S)


# --- What a person is told -------------------------------------------------------------------------------------------


async def test_an_address_where_nobody_listens_is_named(server: NatsServer) -> None:
    await server.stop()
    with pytest.raises(UnreachableError, match=server.url) as raised:
        await connect(server.url)
    assert raised.value.hint


async def test_what_is_no_address_is_named_without_its_password() -> None:
    with pytest.raises(UsageError, match="http://host") as raised:
        await connect("http://user:secret@host")
    assert "secret" not in raised.value.message


async def test_a_server_without_jetstream_is_named(tmp_path: Path) -> None:
    async with nats_server(tmp_path, extra="jetstream: disabled") as server, jetstreams(server.url) as streams:
        with pytest.raises(UnreachableError, match=f"{server.url} does not serve streams"):
            await streams.ensure(SPECS)


USERS = """
authorization {
  users: [
    { user: tapio, password: right }
    { user: guest, password: right, permissions: { publish: { allow: ["$JS.API.>"] }, subscribe: { allow: [">"] } } }
  ]
}
"""


async def test_refused_credentials_are_told_without_the_password(tmp_path: Path) -> None:
    async with nats_server(tmp_path, extra=USERS) as server:
        host = server.url.removeprefix("nats://")
        with pytest.raises(ForbiddenError, match=host) as raised:
            await connect(f"nats://tapio:wrong@{host}")
        assert "wrong" not in f"{raised.value.message} {raised.value.hint}"
        async with jetstreams(f"nats://tapio:right@{host}") as streams:
            await streams.ensure(SPECS)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (`ca`), and a certificate of the server and of a client that it signed."""
    folder = tmp_path_factory.mktemp("pki")
    make = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    _openssl(folder, *make, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
    for name in ("server", "client"):
        names = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.crt")
        _openssl(folder, *make, "-subj", f"/CN={name}", *names, *signed)
    return folder


def _openssl(folder: Path, *arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not here")


def _with_tls(pki: Path) -> str:
    return (
        f'tls {{ cert_file: "{pki}/server.crt", key_file: "{pki}/server.key", ca_file: "{pki}/ca.crt", verify: true }}'
    )


async def test_a_server_with_tls_on_both_sides_is_used(tmp_path: Path, pki: Path) -> None:
    async with nats_server(tmp_path, extra=_with_tls(pki)) as server:
        address = server.url.replace("nats://", "tls://")
        files = f"?ca={pki}/ca.crt&cert={pki}/client.crt&key={pki}/client.key"
        async with jetstreams(address + files) as streams:
            await streams.ensure(SPECS)
            await streams.publish(RAW, events(1, 3))
            await server.kill()
            await server.start_again()
            await streams.publish(RAW, events(4, 5))
            assert numbers(await take(await streams.follow(RAW, 0), 5)) == [1, 2, 3, 4, 5]
        with pytest.raises(UnreachableError, match="TLS with it fails: CERTIFICATE_VERIFY_FAILED") as raised:
            await connect(address)
        assert "ca=FILE" in raised.value.hint
        with pytest.raises(UnreachableError, match="NATS at "):  # TLS 1.3 tells so after the handshake, or by a reset
            await connect(f"{address}?ca={pki}/ca.crt")


async def test_files_that_an_address_names_wrongly_are_told(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    for query, said in (
        (f"ca={tmp_path}/nothing", "no such file"),
        (f"ca={tmp_path}/ca.crt", "cannot be used"),
        ("cacert=x", "has no cacert"),
    ):
        with pytest.raises(UsageError, match=said):
            await connect(f"tls://127.0.0.1:4222?{query}")


@pytest.mark.skipif(importlib.util.find_spec("nkeys") is not None, reason="nkeys is installed")
async def test_what_a_credentials_file_needs_is_told(tmp_path: Path) -> None:
    (tmp_path / "user.creds").write_text("a JWT and a seed")
    with pytest.raises(UsageError, match="nkeys") as raised:
        await connect(f"nats://127.0.0.1:4222?creds={tmp_path}/user.creds")
    assert "tapio[creds]" in raised.value.hint


async def test_a_user_who_may_not_publish_is_told(tmp_path: Path) -> None:
    async with nats_server(tmp_path, extra=USERS) as server:
        host = server.url.removeprefix("nats://")
        async with jetstreams(f"nats://guest:right@{host}") as streams:
            await streams.ensure(SPECS)
            with pytest.raises(ForbiddenError, match=r"raw\.kubeapi\.pod\.create"):
                await streams.publish(RAW, events(1, 3))


async def test_asking_fails_fast_while_the_connection_is_broken(server: NatsServer) -> None:
    link = await open_link(server.url)
    await server.kill()
    with pytest.raises(AwayError):
        await link.request(f"$JS.API.STREAM.INFO.{RAW}")
    await link.close()


async def test_a_server_that_went_away_is_told_as_away(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        await server.kill()
        for asked in (streams.last(RAW), streams.settled(RAW, "transforms")):
            with pytest.raises(UnreachableError, match="is away") as raised:
                await asked
            assert "JetStream" not in raised.value.hint


async def test_whoever_gives_up_waiting_leaves_the_connection_whole(server: NatsServer) -> None:
    async with jetstreams(server.url) as streams:
        await streams.ensure(SPECS)
        for waiting in (streams._link.flush(), streams.pool(RAW, "transforms"), streams.publish(RAW, events(1, 3))):
            given_up = asyncio.create_task(waiting)
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait([given_up])
        async with asyncio.timeout(DEADLINE_S):
            await streams.publish(RAW, events(1, 4))
            assert numbers(await take(await streams.follow(RAW, 0), 4)) == [1, 2, 3, 4]
        assert streams._link._client.stats["reconnects"] == 0  # which would mend one that stopped reading
