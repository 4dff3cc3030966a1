"""Ingresses that lead to nobody."""

from collections.abc import Iterator

from tapio.correlators.rules.clues.absent import as_change, deletion_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import RouteView, with_change
from tapio.graph import Change, RuledOut
from tapio.unified import ObjectKey


@rule("network.ingress_misroute", "service.missing", version=1)
def misrouted(route: RouteView) -> Iterator[Finding]:
    """A backend of the Ingress is not there: its Service, or that port of it.

    A Service that was deleted, or whose ports were changed, is to blame itself; a name that never was, the Ingress.
    """
    for astray in route.astray:
        deletion = None if astray.exists else deletion_of(route, astray.service)
        taken = as_change(deletion) if deletion else _moved(route, astray.service) if astray.exists else None
        own = next((one for one in route.changes_of(route.key) if one.field.startswith("spec")), None)
        change = taken if taken and (own is None or own.at < taken.at) else own
        lacks = f"has no port {astray.port}" if astray.exists else "does not exist"
        yield Finding(
            code="service.missing" if deletion and change is taken else "network.ingress_misroute",
            blame=change.entity if change else route.key,
            change=change,
            summary=f"Ingress {route.key.name} leads {astray.where} to Service {astray.service.name}, which {lacks}",
            confidence=0.92,
            evidence=with_change(
                change,
                route.fact(f"{astray.where} -> {astray.service.name}:{astray.port}"),
            ),
            attributes={"where": astray.where, "service": astray.service.name, "port": astray.port},
            ruled_out=(RuledOut(code="service.no_ready_endpoints", because="the request gets to no Service"),),
            next=(_next(route, astray.service.name, change),),
        )


def _moved(route: RouteView, service: ObjectKey) -> Change | None:
    return next((one for one in route.changes_of(service) if one.field.startswith("spec.ports")), None)


def _next(route: RouteView, service: str, change: Change | None) -> str:
    namespace = route.key.namespace
    if change and change.entity != route.key:
        return f"restore Service {service}: {change.field}"
    return f"kubectl -n {namespace} edit ingress {route.key.name}   # backends against: kubectl -n {namespace} get svc"
