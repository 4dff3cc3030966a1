"""The graph as of T, from the tables. One query per question, each answered from an index."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tapio.graph import Change, Edge, Entity, Link, SourceCoverage, Symptom
from tapio.stores import ordering
from tapio.stores.coverage import Source, seen_until, together
from tapio.stores.sqlite.rows import (
    EDGE_COLUMNS,
    ENTITY_COLUMNS,
    Row,
    read_change,
    read_coverage,
    read_edge,
    read_entity,
    read_link,
    read_seen,
    read_symptom,
)
from tapio.times import from_micros, micros
from tapio.unified import ObjectKey, UnifiedEvent, decode

_HOLDS = "valid_from <= :at AND valid_to > :at"
_EDGES = f"""SELECT {EDGE_COLUMNS} FROM edges WHERE source = :key AND {_HOLDS}
    UNION SELECT {EDGE_COLUMNS} FROM edges WHERE target = :key AND {_HOLDS}"""  # noqa: S608  no value is in the text
_ENTITIES = f"SELECT {ENTITY_COLUMNS} FROM entities WHERE valid_from <= ?"  # noqa: S608  same


Parameters = Sequence[Any] | Mapping[str, Any]


class Query(Protocol):
    """Runs one query and gives all its rows."""

    def __call__(self, sql: str, parameters: Parameters = (), /) -> list[Row]: ...


class SqliteReader:
    """`GraphReader` over whatever runs its queries."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def newest(self) -> datetime | None:
        rows = self._query("SELECT at FROM newest")
        return from_micros(rows[0][0]) if rows else None

    def entities(
        self, at: datetime, *, kind: str = "", namespace: str = "", name: str = "", uid: str = ""
    ) -> Sequence[Entity]:
        wanted = {"kind": kind, "namespace": namespace, "name": name, "uid": uid}
        filters = {column: value for column, value in wanted.items() if value}
        sql = _ENTITIES + "".join(f" AND {column} = ?" for column in filters)
        return ordering.newest_first(map(read_entity, self._query(sql, (micros(at), *filters.values()))))

    def edges(self, key: ObjectKey, at: datetime) -> Sequence[Edge]:
        rows = self._query(_EDGES, {"key": str(key), "at": micros(at)})
        return ordering.edges_in_order(map(read_edge, rows))

    def symptoms(self, at: datetime, subject: ObjectKey | None = None) -> Sequence[Symptom]:
        where = _HOLDS if subject is None else f"subject = :subject AND {_HOLDS}"
        rows = self._query(f"SELECT record FROM symptoms WHERE {where}", _of(subject, at))  # noqa: S608  see _EDGES
        return ordering.oldest_onset_first(map(read_symptom, _only(rows)))

    def past_symptoms(self, subject: ObjectKey, at: datetime) -> Sequence[Symptom]:
        rows = self._query(
            "SELECT record FROM symptoms WHERE subject = :subject AND valid_to <= :at", _of(subject, at)
        )  # fmt: skip
        return ordering.newest_onset_first(map(read_symptom, _only(rows)))

    def links(self, subject: ObjectKey, at: datetime) -> Sequence[Link]:
        sql = f"SELECT record FROM links WHERE subject = :subject AND {_HOLDS}"  # noqa: S608  see _EDGES
        return ordering.links_in_order(map(read_link, _only(self._query(sql, _of(subject, at)))))

    def changes(
        self, since: datetime, until: datetime, *, entity: ObjectKey | None = None, namespace: str = ""
    ) -> Sequence[Change]:
        wanted = {"entity": str(entity) if entity else "", "namespace": namespace}
        filters = {column: value for column, value in wanted.items() if value}
        sql = "SELECT record FROM changes WHERE at BETWEEN ? AND ?" + "".join(f" AND {each} = ?" for each in filters)  # noqa: S608  columns are named above
        rows = self._query(sql, (micros(since), micros(until), *filters.values()))
        return ordering.oldest_change_first(map(read_change, _only(rows)))

    def events(self, key: ObjectKey, since: datetime, until: datetime) -> Sequence[UnifiedEvent]:
        rows = self._query(
            """SELECT event_id, document FROM history WHERE key = ? AND at BETWEEN ? AND ?
                ORDER BY at, "order", event_id""",
            (str(key), micros(since), micros(until)),
        )
        once: dict[str, bytes] = dict(rows)  # two partitions may have it
        return [decode(document) for document in once.values()]

    def event(self, event_id: str) -> UnifiedEvent | None:
        rows = self._query("SELECT document FROM history WHERE event_id = ? LIMIT 1", (event_id,))
        return decode(rows[0][0]) if rows else self._event_of_raw(event_id)

    def _event_of_raw(self, raw_id: str) -> UnifiedEvent | None:
        rows = self._query(
            """SELECT document FROM history WHERE raw_id = ? AND raw_id <> '' AND raw_id <> event_id
                ORDER BY at, "order", event_id LIMIT 1""",
            (raw_id,),
        )
        return decode(rows[0][0]) if rows else None

    def coverage(self, at: datetime) -> Sequence[SourceCoverage]:
        rows: defaultdict[Source, list[SourceCoverage]] = defaultdict(list)
        counted = map(read_seen, self._query("SELECT source, node, first, last, events FROM seen"))
        declared = map(read_coverage, _only(self._query("SELECT record FROM coverage")))
        for row in (*counted, *declared):
            rows[row.source, row.node].append(row)
        return ordering.by_source(seen_until((together(*parts) for parts in rows.values()), at))


def _of(subject: ObjectKey | None, at: datetime) -> dict[str, object]:
    return {"subject": str(subject), "at": micros(at)}


def _only(rows: Iterable[Row]) -> Iterable[bytes]:
    return (row[0] for row in rows)
