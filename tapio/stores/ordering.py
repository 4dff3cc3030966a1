"""The order in which every store gives records back: total, so that two stores that hold the same give the same."""

from collections.abc import Iterable

from tapio.graph import Change, Edge, Entity, HistoryEntry, Link, SourceCoverage, Symptom
from tapio.stores.moments import end_micros


def newest_first(entities: Iterable[Entity]) -> list[Entity]:
    """The newest creation first; by name where two are as old."""
    found = list(entities)
    if len(found) < 2:  # noqa: PLR2004  as nearly always, where one is asked for by name
        return found
    by_name = sorted(found, key=lambda entity: (entity.key, entity.uid))
    return sorted(by_name, key=lambda entity: entity.valid_from, reverse=True)


def edges_in_order(edges: Iterable[Edge]) -> list[Edge]:
    """Each edge once, though two subjects may state it."""
    once = {(e.type, e.source, e.target, e.valid_from, end_micros(e.valid_to)): e for e in edges}
    return [once[key] for key in sorted(once)]


def oldest_onset_first(symptoms: Iterable[Symptom]) -> list[Symptom]:
    """The oldest onset first."""
    return sorted(symptoms, key=lambda s: (s.since, s.subject, s.uid, s.code, s.valid_from, end_micros(s.valid_to)))


def newest_onset_first(symptoms: Iterable[Symptom]) -> list[Symptom]:
    """The newest onset first."""
    return oldest_onset_first(symptoms)[::-1]


def links_in_order(links: Iterable[Link]) -> list[Link]:
    """The first concluded first."""
    return sorted(links, key=lambda link: (link.valid_from, link.uid, link.id, end_micros(link.valid_to)))


def oldest_change_first(changes: Iterable[Change]) -> list[Change]:
    """The oldest first; within one instant by event and field."""
    return sorted(changes, key=lambda change: (change.at, change.event_id, change.field))


def entry_order(entry: HistoryEntry) -> tuple[object, ...]:
    """The one order of events, as `UnifiedEvent.sort_key` has it."""
    return entry.at, entry.order, entry.event_id


def by_source(coverage: Iterable[SourceCoverage]) -> list[SourceCoverage]:
    """By source, then node."""
    return sorted(coverage, key=lambda seen: (seen.source, seen.node))
