"""What is there: the objects known, page by page."""

from datetime import datetime
from typing import Literal

import msgspec

from tapio.graph import Entity, GraphReader
from tapio.times import micros
from tapio.why.explain import moment_of
from tapio.why.explanation import Ref
from tapio.why.kinds import find_kind
from tapio.why.labels import Selector
from tapio.why.lists.asking import nothing_came
from tapio.why.lists.paging import Page, cursor_of, paged
from tapio.why.question import Question
from tapio.why.refs import plain_ref, utc


class EntityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One object from its creation to its deletion (`to` is null while it exists)."""

    entity: Ref
    root: Ref
    labels: dict[str, str]
    since: datetime = msgspec.field(name="from")
    to: datetime | None


class EntityList(msgspec.Struct, frozen=True, kw_only=True):
    """The objects as of `at` (null while no event has come), those deleted by then included."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["EntityList"] = "EntityList"
    at: datetime | None
    items: tuple[EntityRow, ...]
    next: str | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which objects: each filter left empty matches everything. `kind` takes kubectl's words too."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    at: datetime | None = None
    selector: Selector = Selector()


def entities(wanted: Wanted, graph: GraphReader, page: Page = Page()) -> EntityList:  # noqa: B008  a frozen value
    """The objects wanted, by kind, namespace, name and age.

    Raises:
        UnknownTargetError: nothing is known of that time.
        UsageError: the page is none.
    """
    cursor = cursor_of(page)
    if nothing_came(Question(), graph):
        return EntityList(at=None, items=())
    at = cursor.at if cursor else moment_of(Question(at=wanted.at), graph)
    known = find_kind(wanted.kind) if wanted.kind else None
    kind = known.name if known else wanted.kind
    found = graph.entities(at, kind=kind, namespace=wanted.namespace, name=wanted.name, uid=wanted.uid)
    found = [entity for entity in found if wanted.selector.matches(entity.labels)]
    items, going_on = paged(found, lambda entity: (*entity.key, micros(entity.valid_from), entity.uid), at, page)
    return EntityList(at=at, items=tuple(_row(entity, at) for entity in items), next=going_on)


def _row(entity: Entity, at: datetime) -> EntityRow:
    ended = entity.valid_to if entity.valid_to is not None and entity.valid_to <= at else None
    return EntityRow(
        entity=plain_ref(entity.key, entity.uid),
        root=plain_ref(entity.root),
        labels=entity.labels,
        since=utc(entity.valid_from),
        to=utc(ended) if ended else None,
    )
