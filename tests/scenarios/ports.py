"""Ports for what tests start."""

import random
import socket

_BELOW_THE_KERNELS = range(20_000, 32_000)
"""What connects takes its ports from 32768 on, one of which would be taken again before the server has it; Ray's
workers have those up to 20000."""


def free_port() -> int:
    """A loopback port that nobody listens on now, and that only a server will take."""
    for port in random.sample(_BELOW_THE_KERNELS, k=100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
