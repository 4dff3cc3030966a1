"""Recorded events played through a private pipeline, the real one, in a temporary place."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tapio.cli import feeding, ports, system
from tapio.raw import RawEvent
from tapio.settings import Settings


@contextmanager
def played(events: Sequence[RawEvent]) -> Iterator[str]:
    """The address of an API whose graph holds what follows from all these events, until the block is left.

    Raises:
        TapioError: they did not come through.
    """
    # What Ray has just ended may still write a last line of a log.
    with tempfile.TemporaryDirectory(prefix="tapio-play-", ignore_cleanup_errors=True) as directory:
        chosen = Settings(data_dir=directory, nats_port=0, http_port=ports.free_port())
        with system.running(chosen, collectors=(), dashboard=False) as pipeline:
            asyncio.run(feeding.feed(pipeline.api, pipeline.nats, events))
            yield pipeline.api
