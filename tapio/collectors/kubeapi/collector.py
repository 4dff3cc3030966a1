"""Follows a cluster: one reflector per kind, one batch at a time, remembered after it is durable."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import msgspec

from tapio.collectors.kubeapi import leases, losses
from tapio.collectors.kubeapi.cluster import identity
from tapio.collectors.kubeapi.contact import Contact
from tapio.collectors.kubeapi.discovery import Owner, discover, strangers
from tapio.collectors.kubeapi.enrich import Owners
from tapio.collectors.kubeapi.last_words import LINES
from tapio.collectors.kubeapi.lineage import Lineage
from tapio.collectors.kubeapi.logs import LOGS, Logged, LogReader
from tapio.collectors.kubeapi.memory import Memory
from tapio.collectors.kubeapi.waiting import first, settled, within
from tapio.collectors.kubeapi.witness import Draft, Witness, logged
from tapio.collectors.port import Emit, SourceState
from tapio.collectors.redaction import ConfigMapValues, Redactor
from tapio.errors import ForbiddenError, UnreachableError
from tapio.kube import (
    KINDS,
    Blind,
    Denied,
    Kind,
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
from tapio.kube.status import ApiError
from tapio.raw import ObjectKey, RawEvent

_BATCH = 500
_BATCH_S = 0.05
_OWNER_S = 0.3  # how long an event waits for an owner that is on its way on another watch
_WAITING = 64  # sayings taken before reflectors must wait: at most a few pages of objects

FILE = "kubeapi.sqlite"


class Observed(msgspec.Struct, frozen=True):
    """How a collector is doing: counts since it started, and the kinds it may not read with the reason."""

    events: int
    batches: int
    losses: int
    troubles: dict[str, int]
    logs: dict[str, int]
    last_trouble: str
    denied: dict[str, str]
    last_seen: datetime | None


class _Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


class _Batch:
    """Events on their way, in the order they were seen."""

    def __init__(self) -> None:
        self.parts: list[Draft | RawEvent] = []
        self.awaited: set[ObjectKey] = set()
        self.owners: set[ObjectKey] = set()

    def needs(self, owner: ObjectKey | None, said: Objects) -> None:
        """Notes an owner that is not known yet. It is asked for; a batch with news of what it owns waits for it first.

        A listed Event does neither: what it is about may be long gone.
        """
        if owner is None or (said.listed and said.kind.name == "Event"):
            return
        self.owners.add(owner)
        if not said.listed:
            self.awaited.add(owner)

    @property
    def full(self) -> bool:
        return len(self.parts) >= _BATCH


_Heard = Said | Logged | _Tick


class KubeApiCollector:
    """The cluster's objects as raw events. `data_dir` holds its memory: one collector per directory."""

    def __init__(  # noqa: PLR0913  clock and pace are arguments for the tests' sake
        self,
        client: KubeClient,
        kinds: Sequence[Kind],
        data_dir: Path,
        *,
        namespace: str | None = None,
        configmap_values: ConfigMapValues = "plain",
        log_lines: int = LINES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Callable[[], Pace] = Pace,
    ) -> None:
        self._client = client
        self._kinds = tuple(kinds)
        self._path = data_dir / FILE
        self._namespace = namespace
        self._configmap_values = configmap_values
        self._now = now
        self._pace = pace
        self._followed = {kind.name: kind for kind in kinds}
        self._counts = Counter[str]()
        self._troubles = Counter[str]()
        self._last_trouble = ""
        self._denied: dict[str, str] = {}
        self._last_seen: datetime | None = None
        self._leases = leases.Leases()
        self._strangers: set[Owner] = set()
        self._to_discover: asyncio.Queue[Owner] = asyncio.Queue()
        self._log_lines = log_lines
        self._logs: LogReader | None = None
        self._contact = Contact({}, {})
        self._lineage = Lineage(client, Owners(), self._followed)

    async def run(self, emit: Emit) -> None:
        """Runs until cancelled.

        Raises:
            Exception: whatever `emit` raises; nothing of that batch is remembered.
        """
        memory = Memory(self._path)
        began = self._now()
        heard = {kind.name: memory.remembered(kind.name).seen_at or began for kind in self._kinds}
        self._contact = Contact(heard, memory.silences())
        try:
            memory.of_cluster(await self._identity(memory, emit))
            await self._follow(memory, emit)
        finally:
            memory.close()

    def observe(self) -> Observed:
        """How it is doing, without waiting."""
        return Observed(
            events=self._counts["events"],
            batches=self._counts["batches"],
            losses=self._counts["losses"],
            troubles=dict(self._troubles),
            logs=dict(self._logs.counts) if self._logs else {},
            last_trouble=self._last_trouble,
            denied=dict(self._denied),
            last_seen=self._last_seen,
        )

    def state(self) -> SourceState:
        """How it fares, for those who run it beside other sources."""
        logs = {what: count for what, count in self.observe().logs.items() if what != "log read"}
        silent = self._contact.words()
        suffers = f"{silent}: {self._last_trouble}" if silent else ""
        return SourceState({**self._troubles, **logs}, self._last_trouble, suffers)

    async def _follow(self, memory: Memory, emit: Emit) -> None:
        redactor = Redactor(memory.redaction_key(), configmap_values=self._configmap_values)
        witness = Witness(memory, redactor)
        self._lineage = Lineage(self._client, witness.owners, self._followed)
        said: asyncio.Queue[_Heard] = asyncio.Queue(_WAITING)
        self._logs = LogReader(self._client, redactor, said.put, lines=self._log_lines, now=self._now)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._reflect(tasks, memory, said))
                tasks.create_task(self._deliver(witness, memory, said, emit))
                tasks.create_task(self._tick(said))
                tasks.create_task(self._discover(tasks, memory, said))
                tasks.create_task(self._logs.run())
        except BaseExceptionGroup as group:
            raise first(group) from None

    async def _reflect(self, tasks: asyncio.TaskGroup, memory: Memory, said: asyncio.Queue[_Heard]) -> None:
        """Starts the reflectors tier by tier, so that at the first listing owners are known before what they own."""
        by_tier = sorted(self._kinds, key=lambda kind: kind.tier)
        for _, kinds in groupby(by_tier, key=lambda kind: kind.tier):
            reflectors = [self._reflector(kind, memory, said) for kind in kinds]
            for reflector in reflectors:
                tasks.create_task(reflector.run())
            await settled(reflectors)

    async def _discover(self, tasks: asyncio.TaskGroup, memory: Memory, said: asyncio.Queue[_Heard]) -> None:
        """Follows the kinds of owners that the table does not have, each as soon as it is first named."""
        found = set(memory.discovered())
        for kind in found:
            self._strangers.add(Owner(kind.api_version, kind.name))
            self._followed[kind.name] = kind
            tasks.create_task(self._reflector(kind, memory, said).run())
        while True:
            owner = await self._to_discover.get()
            try:
                kind_found = await discover(self._client, owner)
            except (ApiError, UnreachableError, ForbiddenError) as error:
                self._troubles["kind not discovered"] += 1
                self._last_trouble = str(error)
                self._strangers.discard(owner)  # asked for again when it is named again
                continue
            if kind_found is None or kind_found.name in {kind.name for kind in found}:
                continue  # not to be watched, or of the name of another group's kind: events could not tell them apart
            found.add(kind_found)
            self._followed[kind_found.name] = kind_found
            memory.set_discovered(found)
            tasks.create_task(self._reflector(kind_found, memory, said).run())

    def _reflector(self, kind: Kind, memory: Memory, said: asyncio.Queue[_Heard]) -> Reflector:
        return Reflector(
            self._client,
            kind,
            said.put,
            remembered=_resumable(kind, memory.remembered(kind.name)),
            namespace=self._namespace,
            pace=self._pace(),
            now=self._now,
        )

    async def _deliver(self, witness: Witness, memory: Memory, said: asyncio.Queue[_Heard], emit: Emit) -> None:
        while True:
            batch = await self._gather(witness, memory, said)
            await self._lineage.search(batch.owners - {key for key in batch.owners if witness.owners.knows(key)})
            events = [part if isinstance(part, RawEvent) else witness.finish(part) for part in batch.parts]
            if events:
                await emit(events)
                self._counts["events"] += len(events)
                self._counts["batches"] += 1
            memory.commit()

    async def _tick(self, said: asyncio.Queue[_Heard]) -> None:
        while True:
            await asyncio.sleep(leases.SWEEP_S)
            await said.put(_Tick())

    async def _gather(self, witness: Witness, memory: Memory, said: asyncio.Queue[_Heard]) -> _Batch:
        batch = _Batch()
        self._take(await said.get(), batch, witness, memory)
        began = time.monotonic()
        while not batch.full:
            batch.awaited = {key for key in batch.awaited if not witness.owners.knows(key)}
            left_s = began + (_OWNER_S if batch.awaited else _BATCH_S) - time.monotonic()
            following = await within(said, left_s)
            if following is None:
                break
            self._take(following, batch, witness, memory)
        return batch

    def _take(self, said: _Heard, batch: _Batch, witness: Witness, memory: Memory) -> None:
        self._contact.note(said)
        match said:
            case Objects():
                self._take_objects(said, batch, witness)
            case Vanished(kind, uids):
                for uid in uids:
                    self._leases.forget(uid)
                drafts = (witness.vanished(kind, uid, now=self._now()) for uid in uids)
                batch.parts += (draft for draft in drafts if draft)
            case Position():
                self._last_seen = said.at
                self._denied.pop(said.kind.name, None)
                self._followed[said.kind.name] = said.kind
                memory.stage_position(said)
            case Blind():
                self._counts["losses"] += 1
                batch.parts.append(losses.blind(said))
            case Denied(kind, _, cause, _):
                self._denied[kind.name] = cause
                self._followed.pop(kind.name, None)
                batch.parts.append(losses.denied(said))
            case Logged():
                self._denied.pop(LOGS.name, None)
                batch.parts.append(logged(said, now=self._now()))
            case _Tick():
                self._take_lapsed(batch, witness)
                batch.parts += self._silences(memory)
            case Trouble(_, what, message):
                self._troubles[what] += 1
                self._last_trouble = message

    def _take_objects(self, said: Objects, batch: _Batch, witness: Witness) -> None:
        now = self._now()
        for seen in said.seen:
            for owner in strangers(seen.metadata):
                if owner not in self._strangers:
                    self._strangers.add(owner)
                    self._to_discover.put_nowait(owner)
            lapsed = False
            if said.kind.name == "Lease":
                if not self._leases.is_news(seen):
                    continue
                lapsed = self._leases.is_over(seen, now)
            draft = witness.seen(said.kind, seen, now=now, relisted=said.relisted, lapsed=lapsed)
            if draft is None:
                continue
            batch.parts.append(draft)
            if self._logs and said.kind.name == "Pod" and seen.type != "DELETED":
                self._logs.consider(seen)
            batch.needs(self._lineage.missing(draft.subject), said)

    def _take_lapsed(self, batch: _Batch, witness: Witness) -> None:
        now, lease = self._now(), KINDS["Lease"]
        for seen in self._leases.lapsed(now):
            if draft := witness.seen(lease, seen, now=now, lapsed=True):
                batch.parts.append(draft)

    def _silences(self, memory: Memory) -> list[RawEvent]:
        """Silences that are to be declared or withdrawn by now."""
        now = self._now()
        found = [losses.silent(silence, now) for silence in self._contact.changes(now)]
        if found:
            memory.stage_silences(self._contact.declared)
        return found

    async def _identity(self, memory: Memory, emit: Emit) -> str:
        """The cluster's, once the server answers. Until then nothing else begins, so its silence is declared here."""
        pace = self._pace()
        while True:
            await pace.ready()
            try:
                return await identity(self._client)
            except (ApiError, UnreachableError, ForbiddenError) as error:
                await self._fail(pace, error, memory, emit)

    async def _fail(self, pace: Pace, error: Exception, memory: Memory, emit: Emit) -> None:
        self._troubles["unreachable"] += 1
        self._last_trouble = str(error)
        self._contact.lost()
        if found := self._silences(memory):
            await emit(found)
            memory.commit()
        pace.failed()


def _resumable(kind: Kind, remembered: Remembered) -> Remembered:
    """Leases are listed and told at every start, the old ones too: the renewals that were held back died with the last
    run, and one that is never renewed again must be held to lapse.
    """
    return Remembered(known=dict.fromkeys(remembered.known, "")) if kind.name == "Lease" else remembered
