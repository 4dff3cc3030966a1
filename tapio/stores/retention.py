"""What a store may let go of: decided here, the same for every store.

Only what is older than a given moment may go. Of an object that is gone that is everything. Of one that lives it is the
states, happenings and changes beyond those that an engine remembers, and the verdicts that ended before its timeline
does. Whatever a verdict of that moment or later rests on stays, however old.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from tapio.graph import Change, HistoryEntry, Link, Symptom
from tapio.stores import ordering
from tapio.stores.port import RestoreLimits
from tapio.unified import ObjectKey

Thing = tuple[ObjectKey, str]


class Needed(NamedTuple):
    """What verdicts rest on: the events they read, and the things they are about, by name and uid (empty: whoever has
    had the name).
    """

    events: set[str]
    things: set[Thing]
    names: set[ObjectKey]

    def add(self, symptoms: Iterable[Symptom], links: Iterable[Link]) -> None:
        """Adds what these rest on."""
        for symptom in symptoms:
            self._add(symptom, (symptom.subject, symptom.uid))
        for link in links:
            self._add(
                link, (link.subject, link.uid), (link.blame, link.blame_uid), *((key, "") for key in link.through)
            )
            if link.change is not None:
                self.events.add(link.change.event_id)
                self._add(link, (link.change.entity, link.change.uid))

    def needs(self, key: ObjectKey, uid: str) -> bool:
        """Whether a verdict is about it."""
        return (key, uid) in self.things or (key, "") in self.things or (not uid and key in self.names)

    def _add(self, verdict: Symptom | Link, *things: Thing) -> None:
        self.events.update(evidence.event_id for evidence in verdict.evidence)
        self.things.update(things)
        self.names.update(key for key, _ in things)


def nothing() -> Needed:
    return Needed(set(), set(), set())


def beyond_changes(changes: Iterable[Change], before: datetime, limits: RestoreLimits) -> list[Change]:
    """Of one thing's changes those before the moment that are beyond what an engine remembers."""
    old = [change for change in ordering.oldest_change_first(changes) if change.at < before]
    return old[: max(0, len(old) - limits.changes)]


def beyond_entries(entries: Iterable[HistoryEntry], before: datetime, limits: RestoreLimits) -> list[HistoryEntry]:
    """The same of its history; each partition that has read it remembers by itself."""
    groups: defaultdict[tuple[str, bool], list[HistoryEntry]] = defaultdict(list)
    for entry in sorted(entries, key=ordering.entry_order):
        if entry.at < before:
            groups[entry.partition, entry.stateful].append(entry)
    most = {True: limits.states, False: limits.happenings}
    return [one for (_, stateful), group in groups.items() for one in group[: max(0, len(group) - most[stateful])]]
