"""The API for tests: a graph written as the pipeline would, the app under a real server, and a client for it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from tapio.correlators import Arrival, Engine
from tapio.pipeline.local import unify_events
from tapio.raw import decode
from tapio.stores.sqlite import SqliteStore
from tapio.transforms import route
from tapio.unified import PARTITIONS, encode
from tests.waiting import DEADLINE_S


def write_graph(path: Path, events: list[dict[str, Any]]) -> None:
    """The graph that these raw events come to, at `path`."""
    unified = sorted(unify_events(decode(json.dumps(event)) for event in events), key=lambda event: event.sort_key)
    arrivals = [Arrival(route(one, PARTITIONS), place, one, encode(one)) for place, one in enumerate(unified, 1)]
    store = SqliteStore(path)
    store.write(Engine(frozenset(range(PARTITIONS)), PARTITIONS).apply(arrivals))
    store.close()


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """The app under uvicorn on a port of its own, and a client for it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # from here on connections wait until the server takes them
        server = uvicorn.Server(_config(app))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            with httpx.Client(base_url=address, trust_env=False, timeout=DEADLINE_S) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def _config(app: FastAPI) -> uvicorn.Config:
    """Only the client closes a connection: one that the server closes may meet a request on its way."""
    return uvicorn.Config(app, log_level="warning", timeout_keep_alive=3600, timeout_graceful_shutdown=1)


def is_problem(response: Any, status: int) -> dict[str, Any]:
    """The problem document that this response is."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    return problem
