"""NATS' protocol as bytes: messages to send, and what comes.

nats-py does this too, at several times the cost of the rest of publishing and consuming.
Source: the client protocol and ADR-4 (headers) of NATS.
"""

import re
from typing import NamedTuple

import msgspec

_HEADERS_START = b"NATS/1.0\r\n"


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One message as it came. `headers` are not read: those of stored messages are ours, and parsing costs."""

    subject: str
    reply: str
    data: bytes
    headers: bytes = b""


def parcel(subject: str, data: bytes = b"", headers: bytes = b"", reply: str = "") -> bytes:
    """One message in NATS' protocol, as it is: `tapio.streams.checks` keeps blanks and line ends out of subjects and
    ids, and `headers` are whole lines.
    """
    if not headers:
        return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply.encode(), len(data), data)
    size = len(_HEADERS_START) + len(headers) + 2
    return b"HPUB %b %b %d %d\r\n%b%b\r\n%b\r\n" % (
        subject.encode(),
        reply.encode(),
        size,
        size + len(data),
        _HEADERS_START,
        headers,
        data,
    )


class Control(NamedTuple):
    """What a message without content says in its headers: a code like HTTP's (0 for none), in words, and how many
    messages of a request will not come.
    """

    code: int = 0
    reason: str = ""
    unserved: int = 0


_CONTROL = re.compile(rb"NATS/1\.0 (\d{3}) ?([^\r]*)\r\n")
_UNSERVED = re.compile(rb"\r\nNats-Pending-Messages: (\d+)\r\n")


def control_of(arrival: Arrival) -> Control:
    control = _CONTROL.match(arrival.headers)
    if control is None:
        return Control()
    unserved = _UNSERVED.search(arrival.headers)
    return Control(int(control[1]), control[2].decode(), int(unserved[1]) if unserved else 0)
