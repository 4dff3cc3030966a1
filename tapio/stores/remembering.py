"""What a restore gives back of each entity: the newest, as many as an engine remembers."""

from collections import defaultdict
from collections.abc import Iterable

from tapio.graph import Change, HistoryEntry
from tapio.stores import ordering
from tapio.stores.port import RestoreLimits
from tapio.unified import ObjectKey


def newest_entries(entries: Iterable[HistoryEntry], limits: RestoreLimits) -> list[HistoryEntry]:
    """Of each entity the newest states and the newest happenings, all in the one order of events."""
    groups: defaultdict[tuple[ObjectKey, str, bool], list[HistoryEntry]] = defaultdict(list)
    for entry in sorted(entries, key=ordering.entry_order):
        groups[entry.key, entry.uid, entry.stateful].append(entry)
    newest = (
        entry
        for (_, _, stateful), group in groups.items()
        for entry in group[-(limits.states if stateful else limits.happenings) :]
    )
    return sorted(newest, key=ordering.entry_order)


def newest_changes(changes: Iterable[Change], limits: RestoreLimits) -> list[Change]:
    """Of each entity the newest changes, all oldest first."""
    groups: defaultdict[tuple[ObjectKey, str], list[Change]] = defaultdict(list)
    for change in ordering.oldest_change_first(changes):
        groups[change.entity, change.uid].append(change)
    return ordering.oldest_change_first(change for group in groups.values() for change in group[-limits.changes :])
