"""All the histories a shard keeps, and a look at them as of one moment."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from tapio.correlators.history import History, is_deleted
from tapio.unified import ObjectKey, UnifiedEvent


class Group(NamedTuple):
    """All objects of one kind in one namespace."""

    kind: str
    namespace: str


class Labelled(NamedTuple):
    """All objects of one kind in one namespace that bear, or ever bore, a label."""

    kind: str
    namespace: str
    label: str
    value: str


Watched = ObjectKey | Group | Labelled

# The kinds that others find by label: a Service its pods and its slices.
_FOUND_BY_LABEL = frozenset({"PodFacts", "EndpointSlice"})


class World:
    """Histories by name, by kind and namespace and, for the kinds that are found so, by label."""

    def __init__(self) -> None:
        self.histories: dict[ObjectKey, History] = {}
        self._groups: dict[Group | Labelled, set[ObjectKey]] = {}
        self._labels: dict[ObjectKey, set[Labelled]] = {}

    def add(self, event: UnifiedEvent) -> bool:
        """Files an event; False when it is known already, or older than memory reaches."""
        key = event.key
        if key.kind in _FOUND_BY_LABEL:
            self._index(key, event.k8s_context.labels)
        return self.history(key).add(event)

    def history(self, key: ObjectKey) -> History:
        """The history of `key`, begun when there is none."""
        known = self.histories.get(key)
        if known is not None:
            return known
        self._groups.setdefault(Group(key.kind, key.namespace), set()).add(key)
        return self.histories.setdefault(key, History(key))

    def members(self, group: Group | Labelled) -> Iterable[ObjectKey]:
        """Every object of the group that was ever seen."""
        return self._groups.get(group, ())

    def groups_of(self, key: ObjectKey) -> Iterable[Group | Labelled]:
        """Every group the object is in."""
        yield Group(key.kind, key.namespace)
        yield from self._labels.get(key, ())

    def _index(self, key: ObjectKey, labels: dict[str, str]) -> None:
        known = self._labels.setdefault(key, set())
        for label, value in labels.items():
            group = Labelled(key.kind, key.namespace, label, value)
            if group not in known:
                known.add(group)
                self._groups.setdefault(group, set()).add(key)


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
        return self._live(Group(kind, namespace))

    def labelled(self, kind: str, namespace: str, labels: dict[str, str]) -> list[UnifiedEvent]:
        """The states at this moment of the live objects that bear all of `labels`, by name; none for no labels.

        Only the rarest of the labels is looked through.
        """
        groups = [Labelled(kind, namespace, label, value) for label, value in sorted(labels.items())]
        if not groups:
            return []
        rarest = min(groups, key=lambda group: len(tuple(self._world.members(group))))
        return [event for event in self._live(rarest) if labels.items() <= event.k8s_context.labels.items()]

    def _live(self, group: Group | Labelled) -> Iterator[UnifiedEvent]:
        self.seen.add(group)
        for key in sorted(self._world.members(group)):
            event = self._world.histories[key].state(self.at)
            if event is not None and not is_deleted(event):
                yield event

    def ever(self, kind: str, namespace: str) -> Iterator[History]:
        """The histories of every object of a kind that was ever in a namespace, by name."""
        group = Group(kind, namespace)
        self.seen.add(group)
        return (self._world.histories[key] for key in sorted(self._world.members(group)))
