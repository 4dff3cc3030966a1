"""Who is hit: the pods that one cause troubles, the Services and ingresses before them, and who calls those."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from tapio.graph import EdgeType, GraphReader, Link
from tapio.unified import ObjectKey
from tapio.why.candidates import Case
from tapio.why.explanation import Impact, ServiceImpact
from tapio.why.ranking import Ranked, cause_key
from tapio.why.refs import Refs
from tapio.why.scope import links_of, members, newest

_LEANS_ON = frozenset({EdgeType.MOUNTS, EdgeType.USES, EdgeType.RUNS_ON, EdgeType.TALKS_TO})

NOBODY = Impact(pods=0, services=(), ingresses=(), callers=())


class Hit(msgspec.Struct, frozen=True):
    """The pods that are hit, who stands before them, and who calls those; each sorted."""

    pods: tuple[ObjectKey, ...]
    services: tuple[ObjectKey, ...]
    ingresses: tuple[ObjectKey, ...]
    callers: tuple[ObjectKey, ...]


def impact_of(graph: GraphReader, case: Case, cause: Ranked | None, at: datetime) -> Impact:
    """The blast radius: of the cause where one is known, else of the symptoms."""
    hit = hit_through(graph, hit_in(graph, case, cause, at), at)
    refs = Refs(graph, at)
    return Impact(
        pods=len(hit.pods),
        services=tuple(service_part(graph, service, at) for service in hit.services),
        ingresses=tuple(refs.of(key) for key in hit.ingresses),
        callers=tuple(refs.of(key) for key in hit.callers),
    )


def hit_in(graph: GraphReader, case: Case, cause: Ranked | None, at: datetime) -> frozenset[ObjectKey]:
    """What shows the case's symptoms, and what else has the same cause."""
    hit = _hit_by(graph, cause, at) if cause else frozenset[ObjectKey]()
    return hit | frozenset(symptom.subject for symptom in case.open)


def leaning_on(graph: GraphReader, key: ObjectKey, at: datetime) -> frozenset[ObjectKey]:
    """What would be hit if it failed: all that it owns, selects or routes to, and what mounts, uses, runs on or calls
    any of that.
    """
    if key.kind == "Namespace":
        pods = graph.entities(at, kind="Pod", namespace=key.name)
        return frozenset(pod.key for pod in pods if pod.lives_at(at))
    below = members(graph, key, at)
    leaning = {one for each in below for type_ in _LEANS_ON for one in _sources(graph, each, type_, at)}
    return frozenset({*below, *(member for one in leaning for member in members(graph, one, at))})


def hit_through(graph: GraphReader, keys: frozenset[ObjectKey], at: datetime) -> Hit:
    """The pods among `keys`, with the Services and ingresses before them and who calls those."""
    pods = sorted(key for key in keys if key.kind == "Pod")
    services = {key for key in keys if key.kind == "Service"}
    services |= {edge for pod in pods for edge in _sources(graph, pod, EdgeType.SELECTS, at)}
    ingresses = {key for key in keys if key.kind == "Ingress"}
    ingresses |= {key for service in services for key in _sources(graph, service, EdgeType.ROUTES_TO, at)}
    callers = {key for called in (*pods, *services) for key in _sources(graph, called, EdgeType.TALKS_TO, at)}
    return Hit(tuple(pods), tuple(sorted(services)), tuple(sorted(ingresses)), tuple(sorted(callers - keys)))


def _sources(graph: GraphReader, key: ObjectKey, type_: EdgeType, at: datetime) -> list[ObjectKey]:
    return [edge.source for edge in graph.edges(key, at) if edge.type == type_ and edge.target == key]


def service_part(graph: GraphReader, service: ObjectKey, at: datetime) -> ServiceImpact:
    """How many of its backends are ready: one that shows any symptom, a start included, takes no traffic."""
    edges = graph.edges(service, at)
    backends = {edge.target for edge in edges if edge.type == EdgeType.SELECTS and edge.source == service}
    ready = sum(not graph.symptoms(at, backend) for backend in backends)
    return ServiceImpact(namespace=service.namespace, name=service.name, ready=ready, total=len(backends))


def _hit_by(graph: GraphReader, cause: Ranked, at: datetime) -> frozenset[ObjectKey]:
    """Everything near the blamed entity and its workload whose trouble has this very cause."""
    wanted = cause_key(cause.link)
    known = cause.affected
    near = sorted(set(_near(graph, cause.link, at)) - known)
    return known | {key for key in near if any(cause_key(link) == wanted for link in _links(graph, key, at))}


def _links(graph: GraphReader, key: ObjectKey, at: datetime) -> list[Link]:
    return links_of(graph, newest(graph, key, at), at)


def _near(graph: GraphReader, link: Link, at: datetime) -> Iterable[ObjectKey]:
    if link.workload:
        yield from members(graph, link.workload, at)
    for edge in graph.edges(link.blame, at):
        if edge.type in _LEANS_ON and edge.target == link.blame:
            yield edge.source
