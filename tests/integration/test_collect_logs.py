"""Container logs against a server that misbehaves: what is read, how often, and that no failure is fatal."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tapio.cli import cluster
from tapio.collectors.kubeapi import logs, snapshot
from tapio.collectors.kubeapi.logs import Logged, LogReader
from tapio.collectors.redaction import Redactor
from tapio.kube import Denied, KubeClient, Seen, kinds_named
from tapio.raw import encode
from tapio.settings import Settings
from tests.integration.misbehaving_api import (
    Answer,
    MisbehavingApi,
    line,
    misbehaving_api,
    obj,
    page,
    refuse,
    say,
    text,
)
from tests.integration.test_collect_kubeapi import CANARY, collecting, record
from tests.waiting import DEADLINE_S, until

Json = dict[str, Any]
FORBIDDEN = refuse(403, "Forbidden", 'cannot get resource "pods/log"')
GONE = refuse(400, "BadRequest", 'previous terminated container "app" not found')


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look reads all it may, however slow the machine."""
    monkeypatch.setattr(logs, "_LOOK_S", DEADLINE_S)


@pytest.fixture
async def api() -> AsyncIterator[MisbehavingApi]:
    async with misbehaving_api() as server:
        yield server


def crashed(name: str, run: int = 1, *, version: int = 2) -> Json:
    """A Pod whose container waits to be started again after its run-th end."""
    ended = {"exitCode": 1, "finishedAt": f"2026-01-01T12:00:{run:02}Z", "containerID": f"cri://{run}"}
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    container = {"name": "app", "ready": False, "state": state, "lastState": {"terminated": ended}}
    return obj(name, version, kind="Pod", spec={}, status={"containerStatuses": [container]})


def seen(name: str, run: int = 1) -> Seen:
    return Seen.of("MODIFIED", f"uid-{name}", str(run), crashed(name, run))


class Reading:
    """A log reader and what it said."""

    def __init__(self, client: KubeClient, apart_s: float) -> None:
        self.said: list[Logged | Denied] = []
        self.reader = LogReader(client, Redactor(b"key"), self._take, apart_s=apart_s, settling_s=0)

    async def _take(self, said: Logged | Denied) -> None:
        self.said.append(said)

    @property
    def lines(self) -> list[list[str]]:
        return [list(said.lines) for said in self.said if isinstance(said, Logged)]

    @property
    def last_run(self) -> str:
        """The run that was read last, of a container of which there is one."""
        return next((past.run for past in self.reader._past.values()), "")

    async def counted(self, what: str, times: int) -> None:
        await until(lambda: self.reader.counts[what] >= times)


@asynccontextmanager
async def reading(api: MisbehavingApi, *, apart_s: float = 0) -> AsyncIterator[Reading]:
    async with KubeClient(api.cluster) as client:
        found = Reading(client, apart_s)
        task = asyncio.create_task(found.reader.run())
        try:
            yield found
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def will_log(api: MisbehavingApi, *answers: Answer) -> None:
    api.will_list(*answers, plural="log")


def asked(api: MisbehavingApi) -> list[dict[str, str]]:
    return api.asked("list", "log")


async def test_a_failed_containers_last_lines_are_an_event_of_its_pod(api: MisbehavingApi, tmp_path: Path) -> None:
    will_log(api, text("starting", f"token={CANARY}", "cannot connect"))
    api.will_watch(say(line("ADDED", crashed("p"))), plural="pods")
    async with collecting(api, tmp_path, kinds=["Pod"]) as (sink, _):
        await until(lambda: len(sink.events) == 2)
    [_, log] = sink.events
    assert record(log)["lines"][0::2] == ["starting", "cannot connect"]
    assert (record(log)["container"], record(log)["previous"]) == ("app", True)
    assert (log.type, log.metadata.k8s_kind, log.metadata.k8s_name) == ("container_log", "Pod", "p")
    assert (log.metadata.k8s_uid, log.metadata.k8s_root) == ("uid-p", "Pod/shop/p")
    assert log.timestamp == datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)
    assert CANARY.encode() not in encode(log)
    [query] = asked(api)
    assert (query["container"], query["previous"], query["tailLines"]) == ("app", "true", "50")


async def test_a_run_is_read_once_however_often_its_pod_is_said(api: MisbehavingApi) -> None:
    will_log(api, text("first"), text("second"))
    async with reading(api) as found:
        for _ in range(3):
            found.reader.consider(seen("p", run=1))
            await found.counted("log read", 1)
        found.reader.consider(seen("p", run=2))
        await found.counted("log read", 2)
    assert found.lines == [["first"], ["second"]]
    assert len(asked(api)) == 2


async def test_words_that_repeat_from_run_to_run_are_said_once(api: MisbehavingApi) -> None:
    will_log(api, text("no such host"), text("no such host"), text("refused"))
    async with reading(api) as found:
        for run in (1, 2, 3):
            found.reader.consider(seen("p", run=run))
            await until(lambda run=run: found.last_run == f"cri://{run}")  # type: ignore[misc]
        await until(lambda: len(found.lines) == 2)
    assert found.lines == [["no such host"], ["refused"]]


async def test_a_container_is_not_read_again_within_its_rest(api: MisbehavingApi) -> None:
    async with reading(api, apart_s=3600) as found:
        will_log(api, text("first"), text("other"))
        found.reader.consider(seen("p", run=1))
        await until(lambda: len(found.lines) == 1)
        found.reader.consider(seen("p", run=2))
        found.reader.consider(seen("other"))
        await until(lambda: len(found.lines) == 2)
    assert found.lines == [["first"], ["other"]]
    assert len(asked(api)) == 2


def hanging(*, ready: bool = False) -> Seen:
    """A Pod whose container runs, since long, and is not ready."""
    running = {"running": {"startedAt": "2026-01-01T12:00:00Z"}}
    container = {"name": "app", "ready": ready, "state": running, "containerID": "cri://1"}
    pod = obj("p", 3 if ready else 2, kind="Pod", spec={}, status={"containerStatuses": [container]})
    return Seen.of("MODIFIED", "uid-p", pod["metadata"]["resourceVersion"], pod)


async def test_a_container_that_goes_on_and_is_not_ready_is_read_again_until_it_is(api: MisbehavingApi) -> None:
    will_log(api, text("starting"), text("starting"), text("starting", "no such host db"), text("starting", "found it"))
    async with reading(api, apart_s=0.01) as found:
        found.reader.consider(hanging())
        await until(lambda: len(found.lines) == 3)
        found.reader.consider(hanging(ready=True))
        assert not found.reader._waiting
        await until(lambda: not found.reader._reading)
        assert not found.reader._waiting
    assert found.lines == [["starting"], ["starting", "no such host db"], ["starting", "found it"]]
    at = [said.run.at for said in found.said if isinstance(said, Logged)]
    assert at == sorted(set(at))


async def test_one_that_can_no_longer_be_read_is_not(api: MisbehavingApi) -> None:
    will_log(api, text("starting"), GONE)
    async with reading(api, apart_s=0.01) as found:
        found.reader.consider(hanging())
        await found.counted("log unreadable", 1)
        await until(lambda: not found.reader._reading)
        assert not found.reader._waiting


async def test_few_logs_are_read_at_once(api: MisbehavingApi) -> None:
    open_now, most = 0, 0
    opened = asyncio.Event()

    async def slow(request: Any) -> Any:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await opened.wait()
        open_now -= 1
        return await text("words")(request)

    api.always["log"] = slow
    async with reading(api) as found:
        for n in range(20):
            found.reader.consider(seen(f"p{n}"))
        await until(lambda: open_now == 4)
        opened.set()
        await found.counted("log read", 20)
    assert most == 4


async def test_a_log_that_cannot_be_read_is_counted_and_the_next_one_is_read(api: MisbehavingApi) -> None:
    will_log(api, GONE, refuse(502, "BadGateway", "dial tcp: kubelet away"), text("words"))
    async with reading(api) as found:
        for n in range(3):
            found.reader.consider(seen(f"p{n}"))
        await until(lambda: len(found.lines) == 1)
        await found.counted("log unreadable", 2)
    assert found.reader.counts["log unreadable"] == 2


async def test_logs_that_may_not_be_read_are_said_once_and_not_asked_for_again(api: MisbehavingApi) -> None:
    api.always["log"] = FORBIDDEN
    async with reading(api) as found:
        for n in range(8):
            found.reader.consider(seen(f"p{n}"))
        await found.counted("log forbidden", 8)
    [denied] = found.said
    assert isinstance(denied, Denied)
    assert (denied.cause, denied.kind.name) == ("forbidden: ContainerLog", "ContainerLog")
    assert len(asked(api)) <= 4  # those that were on their way together


async def test_one_look_reads_the_last_lines_and_says_what_it_may_not_read(api: MisbehavingApi) -> None:
    api.will_list(page(crashed("p"), crashed("q"), version=5), plural="pods")
    will_log(api, text("cannot connect"), FORBIDDEN)
    async with KubeClient(api.cluster) as client:
        look = await snapshot(client, kinds_named(["Pod"]))
    [log] = [event for event in look.events if event.type == "container_log"]
    assert record(log)["lines"] == ["cannot connect"]
    assert [lack.cause for lack in look.lacking] == ["forbidden: ContainerLog"]


async def test_one_look_reads_no_more_than_so_many_the_newest_first(api: MisbehavingApi) -> None:
    pods = [crashed(f"p{n}", run=n) for n in range(60)]
    api.will_list(page(*pods, version=5), plural="pods")
    api.always["log"] = text("words")
    async with KubeClient(api.cluster) as client:
        look = await snapshot(client, kinds_named(["Pod"]))
    read = {event.metadata.k8s_name for event in look.events if event.type == "container_log"}
    assert read == {f"p{n}" for n in range(20, 60)}


async def test_no_log_is_read_where_none_is_wanted(api: MisbehavingApi) -> None:
    api.will_list(page(crashed("p"), version=5), plural="pods")
    async with KubeClient(api.cluster) as client:
        look = await snapshot(client, kinds_named(["Pod"]), log_lines=0)
    assert [event.type for event in look.events] == ["pod_created"]
    assert asked(api) == []


async def test_how_many_lines_are_read_is_a_setting(api: MisbehavingApi, tmp_path: Path) -> None:
    api.will_list(page(crashed("p"), version=5), plural="pods")
    will_log(api, text("one", "two", "three"))
    (tmp_path / "config").write_text(
        json.dumps(
            {
                "current-context": "x",
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                "clusters": [{"name": "x", "cluster": {"server": api.url}}],
                "users": [{"name": "x", "user": {"token": "t"}}],
            }
        )
    )
    seen_once = await cluster.look(Settings(kubeconfig=str(tmp_path / "config"), log_lines=2), "shop")
    assert [query["tailLines"] for query in asked(api)] == ["2"]
    [log] = [event for event in seen_once.events if event.type == "container_log"]
    assert record(log)["lines"] == ["two", "three"]
