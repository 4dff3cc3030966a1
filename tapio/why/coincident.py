"""Changes near in time that no mechanism links to the symptom: shown, and never called a cause."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tapio.graph import Change, GraphReader, Link
from tapio.unified import ObjectKey
from tapio.why.explanation import Coincidence
from tapio.why.refs import Refs, utc

HORIZON = timedelta(minutes=30)  # how far before the onset a person asks "what else changed?"
_MOST = 10  # the nearest ones; more would bury the answer
_VALUE_WIDTH = 40  # characters of a changed value that are shown


class Coincidences(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when to look: from `since` on, in the namespaces of `near` and on `near` itself, what the links of
    `used` rest on left out.
    """

    onset: datetime
    since: datetime
    near: frozenset[ObjectKey]
    used: tuple[Link, ...]

    def read(self, graph: GraphReader, at: datetime) -> tuple[Coincidence, ...]:
        """The changes nearest to the onset, in the order of time; fields changed in one go are one entry."""
        linked = {link.change.event_id for link in self.used if link.change}
        linked |= {evidence.event_id for link in self.used for evidence in link.evidence}
        groups: dict[tuple[str, ObjectKey], list[Change]] = defaultdict(list)
        for change in self._changes(graph, at):
            if change.event_id not in linked:
                groups[change.event_id, change.entity].append(change)
        nearest = sorted(groups.values(), key=self._distance)[:_MOST]
        refs = Refs(graph, at)
        parts = [_part(group, refs) for group in nearest]
        return tuple(sorted(parts, key=lambda part: (part.at, part.entity.kind, part.entity.name, part.text)))

    def _distance(self, group: Sequence[Change]) -> tuple[timedelta, ObjectKey, str]:
        return abs(group[0].at - self.onset), group[0].entity, group[0].id

    def _changes(self, graph: GraphReader, at: datetime) -> list[Change]:
        namespaces = {key.namespace for key in self.near if key.namespace}
        found = {one.id: one for name in namespaces for one in graph.changes(self.since, at, namespace=name)}
        for key in self.near:
            if not key.namespace:
                found |= {one.id: one for one in graph.changes(self.since, at, entity=key)}
        return sorted(found.values(), key=lambda change: (change.at, change.entity, change.field, change.id))


def _part(group: Sequence[Change], refs: Refs) -> Coincidence:
    first = group[0]
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    by = f" by {first.actor}" if first.actor else ""
    text = f"{first.field} {described(first.before, first.after)}{more}{by}"
    return Coincidence(at=utc(first.at), entity=refs.of(first.entity, first.uid), text=text)


def described(before: Any, after: Any) -> str:  # noqa: ANN401  values are JSON
    """`"a" -> "b"`, `added 3`, `removed` or, where the values are not known, `changed`."""
    if after is msgspec.UNSET:
        return "changed"
    if before is msgspec.UNSET:
        return f"is {_shown(after)}"
    if before is None:
        return f"added {_shown(after)}"
    return f"removed (was {_shown(before)})" if after is None else f"{_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:  # noqa: ANN401  values are JSON
    if _is_redacted(value):
        return "(redacted)"
    text = msgspec.json.encode(value, order="deterministic").decode()
    return text if len(text) <= _VALUE_WIDTH else f"{text[: _VALUE_WIDTH - 3]}..."


def _is_redacted(value: Any) -> bool:  # noqa: ANN401  values are JSON
    return isinstance(value, dict) and set(value) == {"redacted"}
