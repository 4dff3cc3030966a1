"""Transforms: raw events become what they mean. One module per source.

In: a raw event. Out: the unified events it means, each with the stream it belongs on.
Promised: pure and stateless; the same raw event gives the same events, ids included; a record nobody knows is kept.
Never: I/O, a clock, a look at another event.
"""

from collections.abc import Callable

from tapio.raw import Collector, RawEvent
from tapio.transforms import kubeapi, losses, other
from tapio.transforms.routing import route
from tapio.unified import UnifiedEvent

__all__ = ["route", "transform"]

Transform = Callable[[RawEvent, str], tuple[UnifiedEvent, ...]]

_BY_COLLECTOR: dict[str, Transform] = {
    Collector.KUBEAPI: kubeapi.transform,
}


def transform(event: RawEvent, raw_id: str) -> tuple[UnifiedEvent, ...]:
    """What a raw event means: usually one unified event, none where it says nothing about the cluster.

    Raises:
        BadEventError: the record cannot be what its type says; the same bytes fail again.
    """
    if event.type == "loss":
        return losses.transform(event, raw_id)
    return _BY_COLLECTOR.get(event.metadata.collector, other.transform)(event, raw_id)
