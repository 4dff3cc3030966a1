"""The lists: incidents, timeline, changes, entities, sources."""

from fastapi import FastAPI, Response

from serve.graph import Graph
from serve.parameters import Cursor, Labels, Limit, Moment, Namespace, Span, TargetText, Uid, json, moment, question
from serve.schema import answers
from tapio.why.labels import parse_selector
from tapio.why.lists import (
    PAGE,
    ChangeList,
    EntityList,
    ImpactReport,
    IncidentList,
    Page,
    SourceList,
    Timeline,
    changes,
    entities,
    impact,
    incident_list,
    sources,
    timeline,
)
from tapio.why.lists.entities import Wanted
from tapio.why.words import understand

DOCUMENTS = (IncidentList, ImpactReport, Timeline, ChangeList, EntityList, SourceList)


def add_lists(app: FastAPI, graph: Graph) -> None:
    """Adds an endpoint per list. Plain functions: FastAPI runs them in threads, where reading the store may wait."""
    _add_incidents(app, graph)
    _add_history(app, graph)
    _add_inventory(app, graph)


def _add_incidents(app: FastAPI, graph: Graph) -> None:
    @app.get("/v1/incidents", responses=answers(IncidentList), response_class=Response)
    def list_incidents(  # noqa: PLR0913, PLR0917  FastAPI reads each query parameter here
        target: TargetText = "", namespace: Namespace = "", uid: Uid = "", at: Moment = "", selector: Labels = "",
        limit: Limit = PAGE, cursor: Cursor = "",
    ) -> Response:  # fmt: skip
        """What is wrong, by cause, the worst first."""
        reader = graph.reader()
        asked = understand(question(target, namespace, uid=uid, at=at, selector=selector), reader)
        return json(incident_list(asked, reader, Page(limit, cursor)))

    @app.get("/v1/impact", responses=answers(ImpactReport), response_class=Response)
    def show_impact(target: TargetText = "", namespace: Namespace = "", uid: Uid = "", at: Moment = "") -> Response:
        """Who is hit by what is wrong with the target, or would be if it failed; else by the worst incident."""
        reader = graph.reader()
        return json(impact(understand(question(target, namespace, uid=uid, at=at), reader), reader))


def _add_history(app: FastAPI, graph: Graph) -> None:
    @app.get("/v1/timeline", responses=answers(Timeline), response_class=Response)
    def list_happenings(  # noqa: PLR0913, PLR0917  as above
        target: TargetText = "", namespace: Namespace = "", uid: Uid = "", at: Moment = "", since: Span = "",
        selector: Labels = "", limit: Limit = PAGE, cursor: Cursor = "",
    ) -> Response:  # fmt: skip
        """What happened, the oldest first: from two hours before `at` on, or from `since` before it."""
        reader = graph.reader()
        asked = understand(question(target, namespace, uid=uid, at=at, since=since, selector=selector), reader)
        return json(timeline(asked, reader, Page(limit, cursor)))

    @app.get("/v1/changes", responses=answers(ChangeList), response_class=Response)
    def list_changes(  # noqa: PLR0913, PLR0917  as above
        target: TargetText = "", namespace: Namespace = "", uid: Uid = "", at: Moment = "", since: Span = "",
        selector: Labels = "", limit: Limit = PAGE, cursor: Cursor = "",
    ) -> Response:  # fmt: skip
        """What changed, the newest first, with the causes that rest on it."""
        reader = graph.reader()
        asked = understand(question(target, namespace, uid=uid, at=at, since=since, selector=selector), reader)
        return json(changes(asked, reader, Page(limit, cursor)))


def _add_inventory(app: FastAPI, graph: Graph) -> None:
    @app.get("/v1/entities", responses=answers(EntityList), response_class=Response)
    def list_entities(  # noqa: PLR0913, PLR0917  as above
        kind: str = "", namespace: Namespace = "", name: str = "", uid: Uid = "", at: Moment = "",
        selector: Labels = "", limit: Limit = PAGE, cursor: Cursor = "",
    ) -> Response:  # fmt: skip
        """The objects known as of `at`, those deleted by then included."""
        chosen = parse_selector(selector)
        wanted = Wanted(kind=kind, namespace=namespace, name=name, uid=uid, at=moment(at), selector=chosen)
        return json(entities(wanted, graph.reader(), Page(limit, cursor)))

    @app.get("/v1/sources", responses=answers(SourceList), response_class=Response)
    def list_sources(at: Moment = "") -> Response:
        """What each source saw until `at`, where it was blind, and what it may not read."""
        return json(sources(graph.reader(), moment(at)))
