"""All the histories a shard keeps, and a look at them as of one moment."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from tapio.correlators.history import Filed, History, is_deleted
from tapio.correlators.index import Index
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified.objects import PodFacts, WorkloadFacts


class Group(NamedTuple):
    """All objects of one kind in one namespace."""

    kind: str
    namespace: str


class Bearing(NamedTuple):
    """All objects of one kind in one namespace that bear, or ever bore, a word: a label's value, their root's name."""

    kind: str
    namespace: str
    word: str
    by: str = "word"  # tells it from an object of that name


Watched = ObjectKey | Group | Bearing

# The kinds that others find by what they bear: a Service its pods, their workloads and its slices.
_FOUND_BY_WORD = frozenset({"PodFacts", "WorkloadFacts", "EndpointSlice"})


class World:
    """Histories by name, by kind and namespace and, for the kinds that are found so, by the words they bear."""

    def __init__(self) -> None:
        self.histories: dict[ObjectKey, History] = {}
        self._groups: Index[Group | Bearing] = Index()
        self._words: dict[ObjectKey, tuple[str, ...]] = {}

    def add(self, event: UnifiedEvent, key: ObjectKey) -> Filed:
        """Files an event under its key."""
        filed = self.history(key).add(event)
        if filed is not Filed.REPEATED and key.kind in _FOUND_BY_WORD:
            self._index(key, _words(event))
        return filed

    def history(self, key: ObjectKey) -> History:
        """The history of `key`, begun when there is none."""
        known = self.histories.get(key)
        if known is not None:
            return known
        self._groups.add(Group(key.kind, key.namespace), key)
        return self.histories.setdefault(key, History(key))

    def name_of(self, key: ObjectKey) -> ObjectKey:
        """The key as its history has it, so that what names an object that is known takes no room of its own."""
        known = self.histories.get(key)
        return known.key if known else key

    def members(self, group: Group | Bearing) -> Collection[ObjectKey]:
        """Every object of the group that was ever seen."""
        return self._groups.of(group)

    def groups_of(self, key: ObjectKey) -> Iterable[Group | Bearing]:
        """Every group the object is in."""
        kind, namespace, _ = key
        yield Group(kind, namespace)
        for word in self._words.get(key, ()):
            yield Bearing(kind, namespace, word)

    def _index(self, key: ObjectKey, words: Iterable[str]) -> None:
        known = self._words.get(key, ())
        new = tuple(dict.fromkeys(word for word in words if word not in known))
        if not new:
            return
        self._words[key] = known + new
        for word in new:
            self._groups.add(Bearing(key.kind, key.namespace, word), key)


def _words(event: UnifiedEvent) -> Iterator[str]:
    """What an object may be found by: the values of its labels and its root's name; for the facts of a workload, the
    labels of its pods, those included that a change took away.
    """
    yield from event.k8s_context.labels.values()
    if isinstance(event.object, PodFacts) and event.root:
        yield event.root.rpartition("/")[2]
    if isinstance(event.object, WorkloadFacts):
        yield from event.object.template_labels.values()
        befores = (one.before for one in event.changes if one.field.startswith("spec.template.metadata.labels"))
        yield from (before for before in befores if isinstance(before, str))


def _labels(event: UnifiedEvent) -> dict[str, str]:
    """The labels that a selector is held against: a workload is selected by those of its pods."""
    return event.object.template_labels if isinstance(event.object, WorkloadFacts) else event.k8s_context.labels


class Moment:
    """The world as of `at`. It remembers what was looked at: when that moves, a conclusion is drawn anew."""

    def __init__(self, world: World, at: datetime) -> None:
        self._world = world
        self.at = at
        self.seen: dict[Watched, None] = {}  # a set in the order of looking

    def history(self, key: ObjectKey) -> History | None:
        """The history of `key`, or None where nothing is known of it."""
        history = self._world.histories.get(key)
        self.seen[history.key if history else key] = None  # the one name that the world has of it
        return history

    def name_of(self, key: ObjectKey) -> ObjectKey:
        """The key as the world has it. To name an object is not to look at it."""
        return self._world.name_of(key)

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

        Only those that bear the rarest of the values are looked through.
        """
        groups = [Bearing(kind, namespace, value) for value in sorted(labels.values())]
        if not groups:
            return []
        rarest = min(groups, key=lambda group: len(self._world.members(group)))
        return [event for event in self._live(rarest) if labels.items() <= _labels(event).items()]

    def bearing(self, kind: str, namespace: str, words: Iterable[str]) -> list[UnifiedEvent]:
        """The states at this moment of the live objects that bear, or ever bore, any of the words, by name."""
        groups = [Bearing(kind, namespace, word) for word in dict.fromkeys(words)]
        found = {event.key: event for group in groups for event in self._live(group)}
        return [found[key] for key in sorted(found)]

    def _live(self, group: Group | Bearing) -> Iterator[UnifiedEvent]:
        self.seen[group] = None
        for key in sorted(self._world.members(group)):
            event = self._world.histories[key].state(self.at)
            if event is not None and not is_deleted(event):
                yield event

    def ever(self, kind: str, namespace: str) -> Iterator[History]:
        """The histories of every object of a kind that was ever in a namespace, by name."""
        group = Group(kind, namespace)
        self.seen[group] = None
        return (self._world.histories[key] for key in sorted(self._world.members(group)))

    def ever_bearing(self, kind: str, namespace: str, words: Iterable[str]) -> Iterator[History]:
        """The histories of every object of a kind that ever bore any of the words in a namespace, by name."""
        groups = [Bearing(kind, namespace, word) for word in dict.fromkeys(words)]
        self.seen.update(dict.fromkeys(groups))
        keys = {key for group in groups for key in self._world.members(group)}
        return (self._world.histories[key] for key in sorted(keys))
