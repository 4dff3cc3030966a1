"""The watch contract, case by case, against a server that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tapio.kube import (
    KINDS,
    Blind,
    Denied,
    KubeClient,
    Objects,
    Pace,
    Position,
    Reflector,
    Said,
    Trouble,
    Vanished,
)
from tapio.kube.said import Remembered
from tests.integration.misbehaving_api import (
    Answer,
    FakeTime,
    MisbehavingApi,
    bookmark,
    cut,
    line,
    listed,
    misbehaving_api,
    obj,
    page,
    refuse,
    say,
    status,
)
from tests.waiting import until

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def api() -> AsyncIterator[MisbehavingApi]:
    async with misbehaving_api() as server:
        yield server


class Listener:
    """Hears what a reflector says."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.time = FakeTime()
        self.now = NOW

    async def take(self, said: Said) -> None:
        self.said.append(said)

    def of(self, kind: type[Any]) -> list[Any]:
        return [said for said in self.said if isinstance(said, kind)]

    @property
    def events(self) -> list[tuple[str, str, str]]:
        return [(seen.type, seen.uid, seen.version) for said in self.of(Objects) for seen in said.seen]

    @property
    def troubles(self) -> list[str]:
        return [said.what for said in self.of(Trouble)]

    @property
    def position(self) -> str:
        positions = self.of(Position)
        return positions[-1].version if positions else ""


@asynccontextmanager
async def following(
    api: MisbehavingApi,
    *,
    remembered: Remembered | None = None,
    idle_s: float = 60,
    dice: Callable[[], float] | None = None,
) -> AsyncIterator[Listener]:
    listener = Listener()
    pace = Pace(clock=listener.time.clock, sleep=listener.time.sleep, dice=dice or (lambda: 0.5))
    async with KubeClient(api.cluster) as client:
        reflector = Reflector(
            client,
            KINDS["ConfigMap"],
            listener.take,
            remembered=remembered,
            pace=pace,
            now=lambda: listener.now,
            idle_s=idle_s,
        )
        task = asyncio.create_task(reflector.run())
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_lists_in_pages_then_watches_from_the_list(api: MisbehavingApi) -> None:
    api.will_list(page(obj("a", 3), version=9, following="more"), page(obj("b", 4), version=9))
    api.will_watch(say(line("MODIFIED", obj("a", 10)), bookmark(12)))
    async with following(api) as heard:
        await until(lambda: heard.position == "12")
    assert heard.events == [("ADDED", "uid-a", "3"), ("ADDED", "uid-b", "4"), ("MODIFIED", "uid-a", "10")]
    assert [query.get("continue") for query in api.asked("list")] == [None, "more"]
    assert {query["limit"] for query in api.asked("list")} == {"500"}
    [watch] = api.asked("watch")
    assert watch["resourceVersion"] == "9"
    assert watch["allowWatchBookmarks"] == "true"
    assert watch["timeoutSeconds"] == "450"


@pytest.mark.parametrize(("dice", "seconds"), [(0.0, "300"), (0.999, "599")])
async def test_a_watch_is_asked_for_five_to_ten_minutes_at_random(
    api: MisbehavingApi, dice: float, seconds: str
) -> None:
    async with following(api, dice=lambda: dice):
        await until(lambda: bool(api.asked("watch")))
    assert api.asked("watch")[0]["timeoutSeconds"] == seconds


# --- Listing by a watch ----------------------------------------------------------------------------------------------


async def test_a_watch_that_lists_goes_on_as_one(api: MisbehavingApi) -> None:
    api.will_stream(
        say(line("ADDED", obj("a", 3)), line("ADDED", obj("b", 4)), listed(9), line("MODIFIED", obj("a", 10)))
    )
    async with following(api) as heard:
        await until(lambda: heard.position == "10")
    assert heard.events == [("ADDED", "uid-a", "3"), ("ADDED", "uid-b", "4"), ("MODIFIED", "uid-a", "10")]
    assert [said.listed for said in heard.of(Objects)] == [True, False]
    [asked] = api.asked("stream")
    assert (asked["sendInitialEvents"], asked["resourceVersionMatch"]) == ("true", "NotOlderThan")
    assert "resourceVersion" not in asked
    assert api.asked("list") == api.asked("watch") == []


async def test_what_is_listed_by_a_watch_is_no_place_to_resume_at(api: MisbehavingApi) -> None:
    api.will_stream(
        say(line("ADDED", obj("a", 30)), hold=False),
        say(line("ADDED", obj("a", 30)), line("ADDED", obj("b", 4)), listed(40), hold=False),
    )
    api.will_watch(say(bookmark(41)))
    async with following(api) as heard:
        await until(lambda: heard.position == "41")
    assert [position.version for position in heard.of(Position)] == ["40", "41"]
    assert heard.events == [("ADDED", "uid-a", "30"), ("ADDED", "uid-b", "4")]
    assert heard.troubles == ["closed at once"]
    assert [query["resourceVersion"] for query in api.asked("watch")] == ["40"]


async def test_a_relist_by_a_watch_is_compared_with_what_was_known(api: MisbehavingApi) -> None:
    seen_at = NOW - timedelta(hours=1)
    known = {"uid-kept": "3", "uid-moved": "3", "uid-gone": "3", "uid-going": "3"}
    api.will_watch(refuse(410, "Expired"))
    api.will_stream(
        say(
            line("ADDED", obj("kept", 3)),
            line("ADDED", obj("moved", 7)),
            line("ADDED", obj("going", 3)),
            line("DELETED", obj("going", 8)),
            listed(20),
        )
    )
    async with following(api, remembered=Remembered(known=known, version="5", seen_at=seen_at)) as heard:
        await until(lambda: heard.position == "20")
    assert heard.events == [("MODIFIED", "uid-moved", "7")]
    assert [sorted(said.uids) for said in heard.of(Vanished)] == [["uid-going", "uid-gone"]]
    assert [(blind.since, blind.cause) for blind in heard.of(Blind)] == [(seen_at, "expired")]


@pytest.mark.parametrize(
    "answer",
    [
        refuse(422, "Invalid", "sendInitialEvents is forbidden for watch"),
        refuse(400, "BadRequest"),
        say(line("ERROR", status(422, "Invalid")), hold=False),
        say(line("ADDED", obj("a", 3)), bookmark(5)),  # it only watches
    ],
)
async def test_a_server_that_cannot_list_by_a_watch_is_asked_for_pages(api: MisbehavingApi, answer: Answer) -> None:
    api.will_stream(answer)
    api.will_list(page(obj("a", 3), version=9))
    api.will_watch(refuse(410, "Expired"))
    async with following(api) as heard:
        await until(lambda: len(api.asked("list")) == 2)
    assert heard.events == [("ADDED", "uid-a", "3")]
    assert len(api.asked("stream")) == 1


async def test_what_was_listed_by_a_watch_that_broke_is_said_once(api: MisbehavingApi) -> None:
    api.will_stream(
        cut(line("ADDED", obj("a", 3))),
        say(line("ADDED", obj("b", 4)), b"broken\n"),
        say(line("ADDED", obj("a", 3)), line("ADDED", obj("b", 4)), listed(9)),
    )
    async with following(api) as heard:
        await until(lambda: heard.position == "9")
    assert heard.events == [("ADDED", "uid-a", "3"), ("ADDED", "uid-b", "4")]
    assert heard.troubles == ["unreachable", "malformed"]
    assert heard.of(Vanished) == heard.of(Blind) == []


# --- Pages -----------------------------------------------------------------------------------------------------------


async def test_listed_objects_have_the_kind_that_a_list_leaves_out(api: MisbehavingApi) -> None:
    api.will_list(page(obj("a", 3), version=9))
    async with following(api) as heard:
        await until(lambda: bool(heard.events))
    found = heard.of(Objects)[0].seen[0].object
    assert (found["kind"], found["apiVersion"]) == ("ConfigMap", "v1")


async def test_a_list_is_never_asked_of_a_stale_cache(api: MisbehavingApi) -> None:
    async with following(api) as heard:
        await until(lambda: heard.position == "1")
    assert all("resourceVersion" not in query for query in api.asked("list"))


async def test_a_dropped_connection_is_resumed_without_listing(api: MisbehavingApi) -> None:
    api.will_watch(cut(line("ADDED", obj("a", 5))), say(line("MODIFIED", obj("a", 6))))
    async with following(api) as heard:
        await until(lambda: len(heard.events) == 2)
    assert heard.events == [("ADDED", "uid-a", "5"), ("MODIFIED", "uid-a", "6")]
    assert [query["resourceVersion"] for query in api.asked("watch")] == ["1", "5"]
    assert len(api.asked("list")) == 1
    assert heard.troubles == ["unreachable"]


async def test_a_watch_that_ends_after_news_is_resumed_where_it_stopped(api: MisbehavingApi) -> None:
    api.will_watch(say(line("ADDED", obj("a", 5)), bookmark(8), hold=False), say(bookmark(9)))
    async with following(api) as heard:
        await until(lambda: heard.position == "9")
    assert [query["resourceVersion"] for query in api.asked("watch")] == ["1", "8"]
    assert heard.troubles == []


async def test_a_restart_resumes_the_remembered_version(api: MisbehavingApi) -> None:
    remembered = Remembered(known={"uid-a": "5"}, version="7", seen_at=NOW)
    api.will_watch(say(line("MODIFIED", obj("a", 8))))
    async with following(api, remembered=remembered) as heard:
        await until(lambda: len(heard.events) == 1)
    assert api.asked("list") == []
    assert api.asked("watch")[0]["resourceVersion"] == "7"
    assert heard.of(Blind) == []


@pytest.mark.parametrize("where", ["answer", "line"])
async def test_an_expired_version_is_listed_again_and_the_blind_interval_said(api: MisbehavingApi, where: str) -> None:
    expired = refuse(410, "Expired") if where == "answer" else say(line("ERROR", status(410, "Expired")), hold=False)
    seen_at = NOW - timedelta(hours=1)
    remembered = Remembered(known={"uid-kept": "3", "uid-moved": "3", "uid-gone": "3"}, version="5", seen_at=seen_at)
    api.will_watch(expired)
    api.will_list(page(obj("kept", 3), obj("moved", 7), obj("new", 8), version=20))
    async with following(api, remembered=remembered) as heard:
        await until(lambda: heard.position == "20")
    assert heard.events == [("MODIFIED", "uid-moved", "7"), ("ADDED", "uid-new", "8")]
    assert [said.relisted for said in heard.of(Objects)] == [True]
    assert [list(said.uids) for said in heard.of(Vanished)] == [["uid-gone"]]
    [blind] = heard.of(Blind)
    assert (blind.since, blind.until, blind.cause) == (seen_at, NOW, "expired")


async def test_a_version_too_large_is_listed_again(api: MisbehavingApi) -> None:
    too_large = refuse(
        504, "Timeout", "Too large resource version: 99, current: 5", causes=[{"reason": "ResourceVersionTooLarge"}]
    )
    api.will_watch(too_large)
    api.will_list(page(obj("a", 3), version=5))
    remembered = Remembered(known={}, version="99", seen_at=NOW)
    async with following(api, remembered=remembered) as heard:
        await until(lambda: heard.position == "5")
    assert heard.of(Blind)[0].cause == "version too large"
    assert "resourceVersion" not in api.asked("list")[0]


async def test_410_on_a_continue_token_begins_the_list_again(api: MisbehavingApi) -> None:
    api.will_list(
        page(obj("a", 3), version=9, following="old"),
        refuse(410, "Expired"),
        page(obj("a", 3), obj("b", 10), version=12),
    )
    async with following(api) as heard:
        await until(lambda: heard.position == "12")
    assert heard.events == [("ADDED", "uid-a", "3"), ("ADDED", "uid-b", "10")]
    assert heard.of(Vanished) == []


async def test_429_backs_off_as_asked_and_does_not_list_again(api: MisbehavingApi) -> None:
    api.will_watch(refuse(429, "TooManyRequests", headers={"Retry-After": "17"}), say(bookmark(4)))
    async with following(api) as heard:
        await until(lambda: heard.position == "4")
    assert len(api.asked("list")) == 1
    assert heard.troubles == ["throttled"]
    assert max(heard.time.slept) == pytest.approx(17)


async def test_429_inside_a_watch_keeps_the_version(api: MisbehavingApi) -> None:
    throttled = line("ERROR", status(429, "TooManyRequests", retryAfterSeconds=9))
    api.will_watch(say(line("ADDED", obj("a", 5)), throttled, hold=False), say(bookmark(6)))
    async with following(api) as heard:
        await until(lambda: heard.position == "6")
    assert api.asked("watch")[1]["resourceVersion"] == "5"
    assert max(heard.time.slept) == pytest.approx(9)


async def test_a_storm_of_500_costs_at_most_one_attempt_a_second(api: MisbehavingApi) -> None:
    storm = 40
    api.will_watch(*[refuse(500, "InternalError") for _ in range(storm)], say(bookmark(4)))
    async with following(api, dice=lambda: 0.0) as heard:  # the dice that wait least
        await until(lambda: heard.position == "4")
    assert heard.time.now - 1000.0 >= storm
    assert len(api.asked("list")) == 1
    assert heard.troubles == ["refused"] * storm


async def test_backing_off_ends_at_thirty_seconds(api: MisbehavingApi) -> None:
    api.will_watch(*[refuse(500) for _ in range(12)], say(bookmark(4)))
    async with following(api, dice=lambda: 1.0) as heard:
        await until(lambda: heard.position == "4")
    assert heard.time.slept[0] == pytest.approx(1.0)  # the first cap is 0.8 s, and no two attempts within a second
    assert heard.time.slept[-1] == pytest.approx(30)


async def test_a_half_open_connection_is_noticed_and_resumed(api: MisbehavingApi) -> None:
    async def silent(request: Any) -> Any:  # whichever was heard: a slow machine may give up before the line has come
        news = bookmark(6) if request.query["resourceVersion"] == "5" else line("ADDED", obj("a", 5))
        return await say(news)(request)

    api.will_watch(*[silent] * 100)
    async with following(api, idle_s=0.1) as heard:
        await until(lambda: heard.position == "6")
    assert set(heard.troubles) == {"stalled"}
    assert heard.events == [("ADDED", "uid-a", "5")]
    assert [query["resourceVersion"] for query in api.asked("watch")].index("5") > 0


async def test_a_slow_reader_holds_the_server_back_and_loses_nothing(api: MisbehavingApi) -> None:
    many = 2_000
    api.will_watch(say(*[line("MODIFIED", obj("a", n, data={"x": "x" * 1_000})) for n in range(2, many)]))
    taking, heard = asyncio.Event(), Listener()

    async def slow(said: Said) -> None:
        if isinstance(said, Objects):
            await taking.wait()
        await heard.take(said)

    async with KubeClient(api.cluster) as client:
        task = asyncio.create_task(Reflector(client, KINDS["ConfigMap"], slow).run())
        await until(lambda: bool(api.asked("watch")))
        taking.set()
        await until(lambda: len(heard.events) == many - 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [int(version) for _, _, version in heard.events] == list(range(2, many))
    assert (len(api.asked("watch")), heard.troubles) == (1, [])


async def test_lines_in_another_order_than_their_versions_are_each_said(api: MisbehavingApi) -> None:
    api.will_watch(say(*[line("ADDED", obj(f"o{n}", n)) for n in (9, 7, 8)], bookmark(10)))
    async with following(api) as heard:
        await until(lambda: heard.position == "10")
    assert [version for _, _, version in heard.events] == ["9", "7", "8"]


async def test_a_duplicate_is_said_once(api: MisbehavingApi) -> None:
    twice = line("ADDED", obj("a", 5))
    api.will_watch(say(twice, twice, bookmark(6)))
    async with following(api) as heard:
        await until(lambda: heard.position == "6")
    assert heard.events == [("ADDED", "uid-a", "5")]


async def test_nothing_older_is_said_after_something_newer(api: MisbehavingApi) -> None:
    api.will_watch(
        say(
            line("MODIFIED", obj("a", 10)),
            line("MODIFIED", obj("a", 9)),
            line("DELETED", obj("a", 12)),
            line("MODIFIED", obj("a", 11)),
            bookmark(13),
        )
    )
    async with following(api) as heard:
        await until(lambda: heard.position == "13")
    assert heard.events == [("MODIFIED", "uid-a", "10"), ("DELETED", "uid-a", "12")]


async def test_versions_compare_as_numbers(api: MisbehavingApi) -> None:
    api.will_watch(say(line("MODIFIED", obj("a", 9)), line("MODIFIED", obj("a", 10)), bookmark(11)))
    async with following(api) as heard:
        await until(lambda: heard.position == "11")
    assert [version for _, _, version in heard.events] == ["9", "10"]


async def test_a_late_line_does_not_take_the_position_back(api: MisbehavingApi) -> None:
    api.will_watch(say(line("ADDED", obj("a", 20)), line("ADDED", obj("b", 15)), hold=False), say(bookmark(30)))
    async with following(api) as heard:
        await until(lambda: heard.position == "30")
    assert heard.events == [("ADDED", "uid-a", "20"), ("ADDED", "uid-b", "15")]
    assert api.asked("watch")[1]["resourceVersion"] == "20"


async def test_a_malformed_line_is_counted_and_read_again(api: MisbehavingApi) -> None:
    api.will_watch(
        say(line("ADDED", obj("a", 5)), b'{"type": "ADDED", "obj\n', line("ADDED", obj("c", 7))),
        say(line("ADDED", obj("b", 6)), line("ADDED", obj("c", 7))),
    )
    async with following(api) as heard:
        await until(lambda: len(heard.events) == 3)
    assert heard.events == [("ADDED", "uid-a", "5"), ("ADDED", "uid-b", "6"), ("ADDED", "uid-c", "7")]
    assert heard.troubles == ["malformed"]
    assert heard.of(Blind) == []


async def test_a_line_that_stays_malformed_is_got_over_by_listing(api: MisbehavingApi) -> None:
    api.will_watch(say(bookmark(5), b"\x00\xff\n"), say(b"\x00\xff\n"), say(bookmark(12)))
    api.will_list(page(version=1), page(obj("b", 6), version=9))
    async with following(api) as heard:
        await until(lambda: heard.position == "12")
    assert heard.events == [("ADDED", "uid-b", "6")]
    assert [blind.cause for blind in heard.of(Blind)] == ["malformed"]


async def test_an_object_without_version_is_malformed(api: MisbehavingApi) -> None:
    api.will_watch(say(b'{"type": "ADDED", "object": {"kind": "ConfigMap"}}\n'), say(bookmark(5)))
    async with following(api) as heard:
        await until(lambda: heard.position == "5")
    assert heard.troubles == ["malformed"]


async def test_a_watch_closed_at_once_backs_off(api: MisbehavingApi) -> None:
    times = 10
    api.will_watch(*[say(hold=False) for _ in range(times)], say(bookmark(4)))
    async with following(api) as heard:
        await until(lambda: heard.position == "4")
    assert heard.troubles == ["closed at once"] * times
    assert heard.time.slept[-1] > heard.time.slept[0]
    assert len(api.asked("list")) == 1


async def test_a_forbidden_kind_is_said_once_and_tried_again_later(api: MisbehavingApi) -> None:
    api.will_list(
        refuse(403, "Forbidden", "configmaps is forbidden"), refuse(403, "Forbidden"), page(obj("a", 3), version=5)
    )
    async with following(api) as heard:
        await until(lambda: heard.position == "5")
    [denied] = heard.of(Denied)
    assert (denied.cause, denied.message) == ("forbidden: ConfigMap", "configmaps is forbidden")
    assert heard.time.slept[:2] == [pytest.approx(300), pytest.approx(300)]
    assert heard.of(Blind)[0].cause == "forbidden: ConfigMap"
    assert heard.events == [("ADDED", "uid-a", "3")]


async def test_a_kind_that_is_not_served_is_said(api: MisbehavingApi) -> None:
    api.will_list(refuse(404, "NotFound"))
    async with following(api) as heard:
        await until(lambda: bool(heard.of(Denied)))
    assert heard.of(Denied)[0].cause == "not served: ConfigMap"


async def test_what_the_listener_raises_is_not_swallowed(api: MisbehavingApi) -> None:
    async def refuse_to_take(said: Said) -> None:
        raise OSError("the disk is full")

    async with KubeClient(api.cluster) as client:
        reflector = Reflector(client, KINDS["ConfigMap"], refuse_to_take)
        with pytest.raises(OSError, match="disk is full"):
            await reflector.run()


async def test_an_unreachable_server_is_tried_again(api: MisbehavingApi) -> None:
    listener = Listener()
    cluster = type(api.cluster)(server="http://127.0.0.1:1", origin="a test")
    async with KubeClient(cluster) as client:
        pace = Pace(clock=listener.time.clock, sleep=listener.time.sleep)
        task = asyncio.create_task(Reflector(client, KINDS["Pod"], listener.take, pace=pace).run())
        await until(lambda: len(listener.troubles) >= 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert set(listener.troubles) == {"unreachable"}
    assert "127.0.0.1:1" in listener.of(Trouble)[0].message
