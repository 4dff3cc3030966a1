"""Structured log lines: logfmt, one happening a line, on the standard library's logging."""

import json
import logging
import time
from typing import Any

import msgspec

from tapio.telemetry.happenings import Happening

LOGGER = "tapio"
_OURS = (LOGGER, "actors", "serve")


def _value(value: Any) -> str:  # noqa: ANN401  a happening's field may be a word or a number
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    plain = text and all(char.isprintable() and char not in ' "=' for char in text)
    return text if plain else json.dumps(text)


def logfmt(happening: Happening) -> str:
    """`BatchStored stage=correlator/0 events=12 write_s=0.004`: what happened first, then its fields."""
    fields = msgspec.structs.asdict(happening)
    return " ".join((type(happening).__name__, *(f"{key}={_value(value)}" for key, value in fields.items())))


def configure_logging(level: str = "INFO") -> None:
    """Sends Tapio's lines to standard error, times in UTC. Called once, by a process's outermost layer."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
