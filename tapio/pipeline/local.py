"""Everything in one process, without streams: a file of raw events becomes a graph in memory."""

from collections.abc import Callable, Iterable
from operator import attrgetter

from tapio.correlators import Arrival
from tapio.correlators.engine import Engine, Failure
from tapio.errors import BadEventError
from tapio.pipeline.reuniting import reunited
from tapio.raw import RawEvent, event_id
from tapio.stores.memory import MemoryStore
from tapio.transforms import route, transform
from tapio.unified import PARTITIONS, UnifiedEvent, encode

Problem = Callable[[RawEvent, BadEventError], None]


def _raise(failure: Failure) -> None:
    raise RuntimeError(f"no verdict on {failure.subject}: {failure.error}")


def correlate_events(
    events: Iterable[RawEvent], on_problem: Problem | None = None, on_failure: Callable[[Failure], None] = _raise
) -> MemoryStore:
    """The graph that `events` come to, whatever order and however often they come in.

    An event that no transform can read is left out and told to `on_problem`; a rule that fails is told to `on_failure`.

    Raises:
        RuntimeError: a rule failed, and nobody was there to be told.
    """
    unified = sorted(reunited(unify_events(events, on_problem)), key=attrgetter("sort_key"))
    engine = Engine(frozenset(range(PARTITIONS)), PARTITIONS)
    store = MemoryStore()
    store.write(engine.apply([_arrival(place, event) for place, event in enumerate(unified, start=1)]))
    for failure in engine.failures:
        on_failure(failure)
    return store


def unify_events(events: Iterable[RawEvent], on_problem: Problem | None = None) -> Iterable[UnifiedEvent]:
    """What the raw events mean, one after another."""
    for event in events:
        try:
            yield from transform(event, event_id(event))
        except BadEventError as error:
            if on_problem is not None:
                on_problem(event, error)


def _arrival(place: int, event: UnifiedEvent) -> Arrival:
    return Arrival(route(event, PARTITIONS), place, event, encode(event))
