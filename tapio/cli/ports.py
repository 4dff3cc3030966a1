"""TCP ports on loopback: whether one is free, and one that is."""

import socket

from tapio.errors import UsageError

_LOOPBACK = "127.0.0.1"


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
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
