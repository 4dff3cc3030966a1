"""Recorded events played through a private pipeline, the real one, in a temporary place."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tapio.cli import feeding, ports, system, terminal
from tapio.cli.system import Running
from tapio.errors import BadEventError, TapioError
from tapio.pipeline.local import correlate_events, unify_events
from tapio.raw import RawEvent
from tapio.settings import Settings
from tapio.stores.sqlite import SqliteStore

_WITHIN_S = 60.0  # what the smallest capture may take on a busy machine
_EVENTS_PER_S = 500.0  # a tenth of what two cores do


@contextmanager
def played(events: Sequence[RawEvent]) -> Iterator[str]:
    """The address of an API whose graph holds what follows from all these events, until the block is left.

    Raises:
        TapioError: they did not come through in time.
    """
    with tempfile.TemporaryDirectory(prefix="tapio-play-") as directory:
        chosen = Settings(data_dir=directory, nats_port=0, http_port=ports.free_port())
        with system.running(chosen, collectors=(), dashboard=False) as pipeline:
            with terminal.step("events through NATS, transforms and correlators"):
                feed(pipeline, events)
            yield pipeline.api


def feed(pipeline: Running, events: Sequence[RawEvent]) -> None:
    """Publishes the events and waits until every shard has stored what follows from all of them.

    It looks at what is stored, not at what a process counted: any actor may be killed on the way.
    """
    within_s = max(_WITHIN_S, len(events) / _EVENTS_PER_S)
    asyncio.run(feeding.publish(pipeline.plan, events))
    wanted = _to_be_stored(events)
    graph = Path(pipeline.plan.graph)
    done = pipeline.wait(lambda seen: feeding.transformed(seen) and _stored(graph, wanted), within_s)
    there = asyncio.run(feeding.lengths(pipeline.plan))
    if not done or not pipeline.wait(lambda seen: feeding.correlated(seen, there), within_s):
        raise TapioError(f"the pipeline did not come through within {within_s:.0f} s", hint="is the machine busy?")


def _to_be_stored(events: Sequence[RawEvent]) -> set[str]:
    """The ids of what the graph will hold, by the same transforms and correlators in this process."""
    expected = correlate_events(events)
    return {event.id for event in unify_events(events, _unreadable) if expected.event(event.id) is not None}


def _stored(graph: Path, wanted: set[str]) -> bool:
    """Whether the graph has every event; those found are not looked for again."""
    if not graph.exists():
        return False
    with closing(SqliteStore(graph, read_only=True)) as store:
        wanted -= {event_id for event_id in list(wanted) if store.event(event_id) is not None}
    return not wanted


def _unreadable(_: RawEvent, __: BadEventError) -> None:
    """The pipeline puts it among the dead letters; nothing follows from it."""
