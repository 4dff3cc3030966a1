"""Backends that answer and turn their clients away: no connection left, or nothing may be written there."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.clues.asked import in_trouble, service_at
from tapio.correlators.rules.clues.dependency_text import addresses
from tapio.correlators.rules.clues.told import told_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import target
from tapio.correlators.views import ContainerView, ServiceView
from tapio.graph import RuledOut
from tapio.unified import ObjectKey

_CONNECTIONS, _READONLY = "runtime.dependency_connections", "runtime.dependency_readonly"
# PostgreSQL, pgbouncer, MySQL, Redis, MongoDB, RabbitMQ; then PostgreSQL, MySQL, Redis, MongoDB, etcd.
_WORDS = (
    (
        _CONNECTIONS,
        re.compile(
            r"too many clients already|remaining connection slots are reserved|too many connections"
            r"|max number of clients reached|max_client_conn|max_user_connections|no more connections allowed",
            re.IGNORECASE,
        ),
    ),
    (
        _READONLY,
        re.compile(
            r"read[- ]only (transaction|replica|mode)|READONLY You can't write|--(super-)?read-only option"
            r"|NotWritablePrimary|not (master|primary)\b|database is read[- ]only|hot standby",
            re.IGNORECASE,
        ),
    ),
)
_SAYS = {_CONNECTIONS: "has no connection left for", _READONLY: "does not let anything be written by"}


@rule(_CONNECTIONS, _READONLY, version=1, decided_by=("kubeapi", "systemd"))
def turned_away(container: ContainerView) -> Iterator[Finding]:
    """What the container depends on answers, and turns it away: it is full, or a replica that only reads.

    Which backend that is, is read from the line itself, else from the one Service that the container is told of.
    """
    told = _told(container) if in_trouble(container) else None
    if told is None:
        return
    code, line = told
    service = _named_in(container, line) or _only_one(container)
    backend = _behind(service) if service else None
    what = f"Service {service.key.name}" if service else "what it depends on"
    blame = backend or (service.key if service else container.pod.workload)
    yield Finding(
        code=code,
        blame=blame,
        workload=container.pod.workload,
        summary=f'{what} {_SAYS[code]} container {container.name}: "{line[:120]}"',
        confidence=0.88 if backend else 0.7,
        evidence=(container.spoken(f'{container.name} says: "{line[:160]}"'),),
        attributes={"container": container.name, "service": str(service.key) if service else "", "last_line": line},
        ruled_out=(RuledOut(code="runtime.dependency_down", because="it answers"),),
        next=(f"kubectl -n {blame.namespace} logs {target(blame)}",),
    )


def _told(container: ContainerView) -> tuple[str, str] | None:
    for line in reversed(container.last_words.splitlines()):
        code = next((code for code, words in _WORDS if words.search(line)), None)
        if code:
            return code, line.strip()
    return None


def _named_in(container: ContainerView, line: str) -> ServiceView | None:
    found = (service_at(container, address) for address in addresses(line))
    return next((service for service in found if service), None)


def _only_one(container: ContainerView) -> ServiceView | None:
    """The one Service of its namespace that its environment, arguments or configuration name."""
    told = [one for one in told_of(container) if one.key.namespace == container.pod.key.namespace]
    return told[0] if len(told) == 1 else None


def _behind(service: ServiceView) -> ObjectKey | None:
    return next((one.owner for one in service.backends if one.owner), None)
