"""Asks as a program on a node would: the cluster's DNS for a name, then whoever has the address.

Runs in a node's network (`Lab.reaches`): `python reach.py NAME PORT` prints `yes` where somebody accepts the
connection, or, for port 0, where the name has an address; `no` where not; and fails where DNS does not answer.
"""

import socket
import struct
import sys

_DNS = ("10.96.0.10", 53)  # DNS_SERVICE_IP of layout.py; this file runs alone
_TIMEOUT_S = 2.0
_IPV4, _INTERNET = 1, 1
_HEADER = struct.Struct(">6H")
_RECORD = struct.Struct(">HHIH")
_POINTER = 0xC0


def address_of(name: str) -> str:
    """The first IPv4 address of a name, or an empty string where DNS has none.

    Raises:
        OSError: DNS does not answer.
    """
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    wants_recursion = 0x0100
    question = labels + b"\0" + struct.pack(">HH", _IPV4, _INTERNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        asks.settimeout(_TIMEOUT_S)
        asks.connect(_DNS)
        asks.send(_HEADER.pack(1, wants_recursion, 1, 0, 0, 0) + question)
        answer = asks.recv(4096)
    return _first_address(answer, _HEADER.size + len(question))


def _first_address(answer: bytes, at: int) -> str:
    """Read the records that stand behind the question."""
    for _ in range(_HEADER.unpack_from(answer)[3]):
        at = _after_name(answer, at)
        kind, _, _, length = _RECORD.unpack_from(answer, at)
        at += _RECORD.size
        if kind == _IPV4:
            return socket.inet_ntoa(answer[at : at + length])
        at += length
    return ""


def _after_name(answer: bytes, at: int) -> int:
    while answer[at]:
        if answer[at] >= _POINTER:
            return at + 2
        at += answer[at] + 1
    return at + 1


def accepts(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((address, port), _TIMEOUT_S).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    name, port = sys.argv[1], int(sys.argv[2])
    found = address_of(name)
    print("yes" if found and (not port or accepts(found, port)) else "no")
