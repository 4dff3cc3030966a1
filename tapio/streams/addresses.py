"""The addresses of NATS servers, and how they are shown: without what they keep secret."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from tapio.errors import UsageError

_SCHEMES = ("nats", "tls")
_PORT = 4222  # NATS' own


def parse_addresses(url: str) -> list[str]:
    """The addresses in `url`, commas between them, each with its scheme and port.

    Raises:
        UsageError: one of them is no address of a NATS server.
    """
    return [_parse(part.strip()) for part in url.split(",")]


def _parse(address: str) -> str:
    parts = urlsplit(address if "://" in address else f"nats://{address}")
    try:
        port = parts.port
    except ValueError as error:
        raise _unusable(address) from error
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise _unusable(address)
    return f"{parts.scheme}://{parts.netloc}" if port else f"{parts.scheme}://{parts.netloc}:{_PORT}"


def _unusable(address: str) -> UsageError:
    return UsageError(f"not the address of a NATS server: '{_public(address)}'", hint="nats://host:4222")


def public(url: str) -> str:
    """The address, or several with commas between, for messages and documents: user and password left out."""
    return without_secrets(parse_addresses(url))


def without_secrets(addresses: Sequence[str]) -> str:
    """The addresses for messages and logs, user and password left out."""
    return ",".join(_public(address) for address in addresses)


def _public(address: str) -> str:
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
