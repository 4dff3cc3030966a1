"""TCP ports on loopback: whether one is free, and one that is."""

import secrets
import socket
from contextlib import suppress

from tapio.errors import UsageError

_LOOPBACK = "127.0.0.1"
# Linux gives connections ports from 32768 on (net.ipv4.ip_local_port_range): one of those that is free now may be a
# client's in a moment. Ray's workers have those up to 20000.
_OURS = range(20_000, 32_768)


def check_free(setting: str, port: int) -> None:
    """Raises a UsageError that names the port, where something listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError as error:
            flag = "--" + setting.replace("_", "-")
            hint = f"choose another with {flag}, TAPIO_{setting.upper()} or {setting} in tapio.toml"
            raise UsageError(f"port {port} on {_LOOPBACK} is taken ({setting})", hint=hint) from error


def free_port() -> int:
    """A port that nobody listens on now, and that no connection takes by itself."""
    while True:
        port = secrets.choice(_OURS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((_LOOPBACK, port))
            return port
