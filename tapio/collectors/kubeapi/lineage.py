"""Asks the server for owners that were named and not yet seen, so that an event's root owner is the topmost one.

Each kind is told on a watch of its own, and after an outage each is listed anew in its own time: a Pod may come long
before the ReplicaSet that owns it. Filed under that, it would be apart from all else of its Deployment for good.
"""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from tapio.collectors.kubeapi.enrich import Owners, owner_of
from tapio.errors import ForbiddenError, UnreachableError
from tapio.kube import Kind, KubeClient
from tapio.kube.pages import watching
from tapio.kube.status import ApiError
from tapio.raw import ObjectKey

_AT_ONCE = 8
_MOST = 200  # owners asked for in one batch
_PATIENCE_S = 3.0  # for all of them: the events that wait are news
_GIVEN_UP = 10_000
_DEEPEST = 4


class Lineage:
    """Who of the owners is missing, and the search for them. `kinds` are those that are followed, by name."""

    def __init__(self, client: KubeClient, owners: Owners, kinds: Mapping[str, Kind]) -> None:
        self._client = client
        self._owners = owners
        self._kinds = kinds
        self._given_up: set[ObjectKey] = set()

    def missing(self, subject: ObjectKey) -> ObjectKey | None:
        """The topmost owner by name, where nothing is known of it and it may yet be."""
        root = self._owners.root(subject)
        is_sought = not self._owners.knows(root) and root.kind in self._kinds and root not in self._given_up
        return root if is_sought else None

    async def search(self, sought: Iterable[ObjectKey]) -> None:
        """Learns of these, and of their owners in turn. One that is not there is not asked for again."""
        places = asyncio.Semaphore(_AT_ONCE)
        tasks = [asyncio.create_task(self._climb(key, places)) for key in sorted(sought)[:_MOST]]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, timeout=_PATIENCE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _climb(self, key: ObjectKey, places: asyncio.Semaphore) -> None:
        for _ in range(_DEEPEST):
            async with places:
                above = await self._ask(key)
            missing = self.missing(above) if above else None
            if missing is None:
                return
            key = missing

    async def _ask(self, key: ObjectKey) -> ObjectKey | None:
        """The owner of an owner, which is known from here on."""
        kind = self._kinds[key.kind]
        path = f"{kind.path(key.namespace)}/{key.name}"
        try:
            found = msgspec.json.decode(await self._client.get(path, accept=watching(_metadata_of(kind))))
        except ApiError as error:
            if error.denied or error.absent:
                self._give_up(key)
            return None
        except (UnreachableError, ForbiddenError, msgspec.DecodeError):
            return None
        self._owners.learn(key, owner_of(found))
        return self._owners.root(key)

    def _give_up(self, key: ObjectKey) -> None:
        if len(self._given_up) > _GIVEN_UP:
            self._given_up.clear()
        self._given_up.add(key)


def _metadata_of(kind: Kind) -> Kind:
    return msgspec.structs.replace(kind, metadata_only=True)
