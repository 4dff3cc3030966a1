"""What was not seen, said as events: a `loss` names its cause and its interval."""

from datetime import datetime

from tapio.collectors.kubeapi.contact import Silence
from tapio.kube import Blind, Denied
from tapio.raw import Metadata, RawEvent
from tapio.raw.event import raw_json
from tapio.times import rfc3339


def blind(said: Blind) -> RawEvent:
    """Between two listings of a kind: what came and went in between left no trace."""
    return _loss(said.cause, said.kind.name, since=said.since, until=said.until)


def denied(said: Denied) -> RawEvent:
    """A kind that cannot be read, from now on (`to` is null)."""
    return _loss(said.cause, said.kind.name, since=said.at, until=None, message=said.message)


def silent(said: Silence, now: datetime) -> RawEvent:
    """A silence of the server, or of one kind, that lasts; withdrawn, it ends where it began."""
    until = said.since if said.withdrawn else None
    return _loss("unreachable", said.kind, since=said.since, until=until, at=now)


def _loss(  # noqa: PLR0913  one argument per field
    cause: str, kind: str, *, since: datetime, until: datetime | None, message: str = "", at: datetime | None = None
) -> RawEvent:
    at = at or until or since
    record = {
        "cause": cause,
        "count": 0,
        "from": rfc3339(since),
        "to": rfc3339(until) if until else None,
        "kind": kind,
        **({"message": message} if message else {}),
    }
    return RawEvent(
        timestamp=at,
        type="loss",
        data=raw_json(record),
        metadata=Metadata(collector="kubeapi", observed_at=rfc3339(at)),
    )
