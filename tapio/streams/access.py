"""How NATS is reached: its addresses, and the files that an address names behind a question mark.

`tls://nats.example:4222?ca=ca.crt&cert=tapio.crt&key=tapio.key&creds=tapio.creds`: who signed the server's certificate,
our own certificate and its key, and the credentials (a JWT and its seed) of a user. One address says all there is to
say, so that it can be handed on whole to every process.
"""

import importlib.util
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tapio.errors import UsageError
from tapio.streams.addresses import parse_addresses

_FILES = ("ca", "cert", "key", "creds")


class Access(NamedTuple):
    """Where NATS is, the TLS to speak with it (None: its default), and the path of a credentials file."""

    addresses: list[str]
    tls: ssl.SSLContext | None
    creds: str


def access_of(url: str) -> Access:
    """What `url` says: one address or several, with commas between.

    Raises:
        UsageError: an address is none, or a file is unknown, missing or no such thing.
    """
    addresses = parse_addresses(url)
    files = _files(url)
    return Access(addresses, _tls(files, is_asked=url.startswith("tls://")), _creds(files))


def _files(url: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for address in url.split(","):
        files |= dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    if unknown := sorted(files.keys() - set(_FILES)):
        raise UsageError(f"a NATS address has no {', '.join(unknown)}", hint=f"it may have {', '.join(_FILES)}")
    for name, path in files.items():
        if not Path(path).is_file():
            raise UsageError(f"the address of NATS names {name}={path}: no such file")
    return files


def _tls(files: dict[str, str], *, is_asked: bool) -> ssl.SSLContext | None:
    if not is_asked and not {"ca", "cert", "key"} & files.keys():
        return None
    try:
        context = ssl.create_default_context(cafile=files.get("ca"))
        if cert := files.get("cert"):
            context.load_cert_chain(cert, files.get("key"))
    except ssl.SSLError as error:
        raise UsageError(f"the certificates that the address of NATS names cannot be used: {error.reason}") from error
    return context


def _creds(files: dict[str, str]) -> str:
    path = files.get("creds", "")
    if path and importlib.util.find_spec("nkeys") is None:
        raise UsageError("a credentials file of NATS needs the package nkeys", hint="pip install 'tapio[creds]'")
    return path
