"""The API as a Ray Serve application on loopback; HAProxy mode stays off, as it opens ports on every interface."""

import logging
from pathlib import Path
from typing import Any

import msgspec
import ray
from fastapi import FastAPI
from ray import serve as ray_serve
from ray.exceptions import RayError
from ray.serve.config import HTTPOptions
from ray.serve.schema import LoggingConfig

from serve.app import make_app
from tapio.errors import UnreachableError

NAME = "tapio"
_HOST = "127.0.0.1"  # there is no authentication yet
_ANSWER_S = 5.0  # the supervisor answers in milliseconds


class Supervisor(msgspec.Struct, frozen=True):
    """The name of the actor that sees all others."""

    name: str
    namespace: str

    def overview(self) -> Any:  # noqa: ANN401  plain values, read by `serve.status`
        """What it sees of each actor now.

        Raises:
            UnreachableError: it is not there, or does not answer.
        """
        try:
            handle: Any = ray.get_actor(self.name, namespace=self.namespace)
            seen: Any = ray.get(handle.observe.remote(), timeout=_ANSWER_S)
        except (ValueError, RayError) as error:
            raise UnreachableError(f"the supervisor {self.name} does not answer: {error}") from error
        return msgspec.to_builtins(seen.actors)


def start(store: Path, port: int, *, nats: str = "", supervisor: Supervisor | None = None) -> str:
    """Starts the API in the Ray cluster this process is connected to; returns its address once it answers."""
    logging.getLogger("ray.serve").setLevel(logging.ERROR)  # what this process says; the replicas have their own log
    quiet = LoggingConfig(enable_access_log=False, log_level="WARNING")
    ray_serve.start(http_options=HTTPOptions(host=_HOST, port=port), logging_config=quiet)

    def build() -> FastAPI:
        return make_app(store, nats=nats, overview=supervisor.overview if supervisor else None)

    api = ray_serve.deployment(name="Api", ray_actor_options={"num_cpus": 0})(ray_serve.ingress(build)())
    ray_serve.run(api.bind(), name=NAME, route_prefix="/", logging_config=quiet)
    return f"http://{_HOST}:{port}"


def stop() -> None:
    """Takes the API down."""
    ray_serve.shutdown()  # type: ignore[no-untyped-call]  # Ray leaves it without annotations
