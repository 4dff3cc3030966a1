"""The API as a Ray Serve application on loopback; HAProxy mode stays off, as it opens ports on every interface."""

import logging
from pathlib import Path

from fastapi import FastAPI
from ray import serve as ray_serve
from ray.serve.config import HTTPOptions
from ray.serve.schema import LoggingConfig

from serve.app import make_app

NAME = "tapio"
_HOST = "127.0.0.1"  # there is no authentication yet


def start(store: Path, port: int) -> str:
    """Starts the API in the Ray cluster this process is connected to; returns its address once it answers."""
    logging.getLogger("ray.serve").setLevel(logging.ERROR)  # what this process says; the replicas have their own log
    quiet = LoggingConfig(enable_access_log=False, log_level="WARNING")
    ray_serve.start(http_options=HTTPOptions(host=_HOST, port=port), logging_config=quiet)

    def build() -> FastAPI:
        return make_app(store)

    api = ray_serve.deployment(name="Api", ray_actor_options={"num_cpus": 0})(ray_serve.ingress(build)())
    ray_serve.run(api.bind(), name=NAME, route_prefix="/", logging_config=quiet)
    return f"http://{_HOST}:{port}"


def stop() -> None:
    """Takes the API down."""
    ray_serve.shutdown()  # type: ignore[no-untyped-call]  # Ray leaves it without annotations
