"""All the histories a shard keeps, and a look at them as of one moment."""

from collections.abc import Iterator
from datetime import datetime

from tapio.correlators.history import History, is_deleted
from tapio.unified import ObjectKey, UnifiedEvent

Group = tuple[str, str]  # (kind, namespace): all objects of one kind in one namespace
Watched = ObjectKey | Group


class World:
    """Histories by name, and by kind and namespace."""

    def __init__(self) -> None:
        self.histories: dict[ObjectKey, History] = {}
        self._groups: dict[Group, set[ObjectKey]] = {}

    def history(self, key: ObjectKey) -> History:
        """The history of `key`, begun when there is none."""
        known = self.histories.get(key)
        if known is not None:
            return known
        self._groups.setdefault((key.kind, key.namespace), set()).add(key)
        return self.histories.setdefault(key, History(key))

    def group(self, kind: str, namespace: str) -> list[ObjectKey]:
        """Every known object of a kind in a namespace, by name."""
        return sorted(self._groups.get((kind, namespace), ()))


class Moment:
    """The world as of `at`. It remembers what was looked at: when that moves, a conclusion is drawn anew."""

    def __init__(self, world: World, at: datetime) -> None:
        self._world = world
        self.at = at
        self.seen: set[Watched] = set()

    def history(self, key: ObjectKey) -> History | None:
        """The history of `key`, or None where nothing is known of it."""
        self.seen.add(key)
        return self._world.histories.get(key)

    def state(self, key: ObjectKey) -> UnifiedEvent | None:
        """The object's state at this moment; None when it is unknown or deleted."""
        history = self.history(key)
        event = history.state(self.at) if history else None
        return None if is_deleted(event) else event

    def all(self, kind: str, namespace: str) -> Iterator[UnifiedEvent]:
        """The states at this moment of every live object of a kind in a namespace, by name."""
        self.seen.add((kind, namespace))
        for key in self._world.group(kind, namespace):
            event = self._world.histories[key].state(self.at)
            if event is not None and not is_deleted(event):
                yield event
