"""Reads the last lines of containers that failed or are not ready, through the API: few at once, each seldom.

Nothing here is fatal: a container that is gone, a kubelet that is away or a log that may not be read is counted.
"""

import asyncio
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from tapio.collectors.kubeapi.last_words import LINES, Run, kept, started_at, wanted
from tapio.collectors.redaction import Redactor
from tapio.errors import ForbiddenError, UnreachableError
from tapio.kube import Denied, Kind, KubeClient, Seen
from tapio.kube.status import ApiError

Json = dict[str, Any]

LOGS = Kind("ContainerLog", "v1", "pods/log")

_AT_ONCE = 4
_REST_S = 0.2  # after each read: at most 20 reads a second, all in all
_APART_S = 30.0  # between two reads of one container
_APART_AT_MOST_S = 300.0  # of one that goes on and is not ready: each pause is twice the one before, up to this
_STARTING_S = 10.0  # a container that just started is not ready, and has said little
_SETTLING_S = 1.0  # a run that ended becomes the previous one as soon as the kubelet starts the next
_FORBIDDEN_REST_S = 300.0  # rights may be granted later
_MOST_WAITING = 1_000
_REMEMBERED = 20_000  # containers whose last read is known
_PATIENCE_S = 10.0  # for one log: a kubelet that is away lets the API server wait 30 s
_AILING = re.compile(rb'"exitCode"|"ready":\s*false')  # what a status has where any log may be wanted
_BYTES = 1024 * 1024  # asked of the API server, which counts from the first of the lines asked for
_LOOK_AT_MOST = 40  # containers read in one look
_LOOK_S = _PATIENCE_S  # and the time it may take: where a kubelet is slow, a log is often all that tells why
_LOOK_AT_ONCE = 8


class Logged(msgspec.Struct, frozen=True):
    """The last lines of one run of a container of `pod`, which has no more than its metadata."""

    pod: Json
    run: Run
    lines: Sequence[str]


class _Wanted(NamedTuple):
    """A read that is to come; `pause_s` is how long the one after it waits, where the run goes on."""

    pod: Json
    run: Run
    due: float
    pause_s: float


class _Past(NamedTuple):
    """The last read of one container: of which run, when, and a hash of what was said."""

    run: str
    at: float
    said: bytes


_Key = tuple[str, str, bool]


class LogReader:
    """Reads what `consider` finds worth reading, in its own time, and tells it through `say`."""

    def __init__(  # noqa: PLR0913  clocks and limits are arguments for the tests' sake
        self,
        client: KubeClient,
        redactor: Redactor,
        say: Callable[[Logged | Denied], Awaitable[None]],
        *,
        lines: int = LINES,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        apart_s: float = _APART_S,
        settling_s: float = _SETTLING_S,
    ) -> None:
        self._client = client
        self._redactor = redactor
        self._say = say
        self._lines = lines
        self._clock = clock
        self._now = now
        self._apart_s = apart_s
        self._settling_s = settling_s
        self._waiting: dict[_Key, _Wanted] = {}
        self._reading: set[_Key] = set()  # what is no longer wanted meanwhile leaves it
        self._past: OrderedDict[_Key, _Past] = OrderedDict()
        self._forbidden: dict[str, float] = {}
        self._noted: set[str] = set()
        self._news = asyncio.Event()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self.counts = Counter[str]()

    def consider(self, seen: Seen) -> None:
        """Notes which logs of a Pod's containers are to be read, and forgets what no longer is."""
        ails = bool(_AILING.search(seen.parts.get("status") or b""))
        if not self._lines or not (ails or seen.uid in self._noted):
            return
        pod, uid = seen.object, seen.uid
        if ails:
            self._noted.add(uid)
        else:
            self._noted.discard(uid)
        runs = {(uid, run.container, run.previous): run for run in wanted(pod)}
        for name in ("initContainerStatuses", "containerStatuses"):
            for container in (pod.get("status") or {}).get(name) or ():
                for previous in (False, True):
                    self._forget((uid, container.get("name") or "", previous))
        for key, run in runs.items():
            self._note(key, run, pod)

    def _forget(self, key: _Key) -> None:
        self._waiting.pop(key, None)
        self._reading.discard(key)

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                wanted_now = await self._next()
                await self._places.acquire()
                tasks.create_task(self._read_in_place(*wanted_now))

    def _note(self, key: _Key, run: Run, pod: Json) -> None:
        past = self._past.get(key)
        if past and run.ended and past.run == run.id:
            return
        if len(self._waiting) >= _MOST_WAITING:
            self.counts["log skipped"] += 1
            return
        delay_s = self._settling_s if run.may_restart else 0.0
        if not run.ended:
            began = started_at(pod, run.container) or run.at
            delay_s = (began + timedelta(seconds=_STARTING_S) - self._now()).total_seconds()
        due = self._clock() + max(0.0, delay_s)
        due = max(due, past.at + self._apart_s) if past else due
        self._waiting[key] = _Wanted(_header(pod), run, due, self._apart_s)
        self._news.set()

    async def _next(self) -> tuple[_Key, _Wanted]:
        while True:
            self._news.clear()
            key = min(self._waiting, key=lambda each: self._waiting[each].due, default=None)
            left_s = self._waiting[key].due - self._clock() if key else None
            if key and left_s is not None and left_s <= 0:
                return key, self._waiting.pop(key)
            try:
                async with asyncio.timeout(left_s):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _read_in_place(self, key: _Key, wanted_now: _Wanted) -> None:
        self._reading.add(key)
        try:
            if await self._read(key, wanted_now.pod, wanted_now.run):
                self._read_again(key, wanted_now)
            await asyncio.sleep(_REST_S)
        finally:
            self._reading.discard(key)
            self._places.release()

    def _read_again(self, key: _Key, last: _Wanted) -> None:
        """Wants a run that goes on and is not ready once more: what it waits for it may say later, and nobody tells."""
        if last.run.ended or key not in self._reading or key in self._waiting:
            return
        run = last.run._replace(at=self._now() + timedelta(seconds=last.pause_s))
        pause_s = min(2 * last.pause_s, _APART_AT_MOST_S)
        self._waiting[key] = _Wanted(last.pod, run, self._clock() + last.pause_s, pause_s)
        self._news.set()

    async def _read(self, key: _Key, pod: Json, run: Run) -> bool:
        """Reads and says what is new; whether it could be read."""
        if self._forbidden.get(pod["metadata"]["namespace"], 0) > self._clock():
            self.counts["log forbidden"] += 1
            return False
        try:
            lines = await read(self._client, pod, run, self._redactor, self._lines)
        except ApiError as error:
            await self._refused(error, pod["metadata"]["namespace"])
            return False
        except (UnreachableError, ForbiddenError):
            self.counts["log unreadable"] += 1
            return False
        if self._is_new(key, run, lines):
            self.counts["log read"] += 1
            await self._say(Logged(pod, run, lines))
        return True

    async def _refused(self, error: ApiError, namespace: str) -> None:
        if not error.denied:
            self.counts["log unreadable"] += 1  # gone, not started yet, or its kubelet is away
            return
        first = not self._forbidden
        self._forbidden[namespace] = self._clock() + _FORBIDDEN_REST_S
        self.counts["log forbidden"] += 1
        if first:
            await self._say(Denied.by(error, LOGS, self._now()))

    def _is_new(self, key: _Key, run: Run, lines: Sequence[str]) -> bool:
        """Whether there is something to say: a container that ends with the same words each time says them once."""
        said = blake2b("\n".join(lines).encode(), digest_size=8).digest()
        before = self._past.pop(key, None)
        self._past[key] = _Past(run.id, self._clock(), said)
        if len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)
        return bool(lines) and (before is None or before.said != said)


async def read(client: KubeClient, pod: Json, run: Run, redactor: Redactor, lines: int = LINES) -> list[str]:
    """The last lines of one run.

    Raises:
        ApiError, UnreachableError, ForbiddenError: it cannot be read.
    """
    meta = pod["metadata"]
    params = {
        "container": run.container,
        "previous": str(run.previous).lower(),
        "tailLines": str(lines),
        "limitBytes": str(_BYTES),
    }
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
    log = await client.get(path, params, accept="*/*", within_s=_PATIENCE_S)
    return kept(log, redactor, lines)


async def look(client: KubeClient, pods: Iterable[Json], redactor: Redactor, lines: int = LINES) -> "Look":
    """The last lines of the containers of `pods`, those that ended last first, as far as number and time allow."""
    runs = [(pod, run) for pod in pods for run in wanted(pod)] if lines else []
    runs.sort(key=lambda pair: pair[1].at, reverse=True)
    found = Look([], Counter({"log skipped": max(0, len(runs) - _LOOK_AT_MOST)}), None)
    places = asyncio.Semaphore(_LOOK_AT_ONCE)

    async def one(pod: Json, run: Run) -> None:
        async with places:
            try:
                if words := await read(client, _header(pod), run, redactor, lines):
                    found.logs.append(Logged(_header(pod), run, words))
            except ApiError as error:
                found.counts["log forbidden" if error.denied else "log unreadable"] += 1
                found.refused = found.refused or (error if error.denied else None)
            except (UnreachableError, ForbiddenError):
                found.counts["log unreadable"] += 1

    tasks = [asyncio.create_task(one(*pair)) for pair in runs[:_LOOK_AT_MOST]]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_LOOK_S)
        found.counts["log skipped"] += len(late)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    found.logs.sort(key=lambda each: (each.pod["metadata"]["uid"], each.run.container, each.run.previous))
    return found


class Look(msgspec.Struct):
    """What one look found: the logs, what could not be read by cause, and the first refusal for want of rights."""

    logs: list[Logged]
    counts: Counter[str]
    refused: ApiError | None


def _header(pod: Json) -> Json:
    """The Pod by its metadata alone, as the event's enrichment needs it."""
    meta = pod["metadata"]
    names = ("name", "namespace", "uid", "labels", "ownerReferences")
    return {"kind": "Pod", "metadata": {name: meta[name] for name in names if name in meta}}
