"""The bytes of a capture: from a path or standard input, gzip told by its first two bytes."""

import sys
import zlib
from pathlib import Path

from tapio.errors import UsageError

_GZIP = b"\x1f\x8b"  # RFC 1952
_ANY_GZIP_MEMBER = 16 + zlib.MAX_WBITS
_PIECE = 64 * 1024
STANDARD_INPUT = "-"


def read(source: Path | str) -> tuple[bytes, str]:
    """The unpacked bytes, and what was wrong with the packing (empty: nothing).

    Raises:
        UsageError: it cannot be read.
    """
    packed = _packed(source)
    return unpack(packed) if packed.startswith(_GZIP) else (packed, "")


def unpack(packed: bytes) -> tuple[bytes, str]:
    """All that can be unpacked of one or several gzip members, and why that is not all."""
    parts = []
    while packed.startswith(_GZIP):
        member = zlib.decompressobj(_ANY_GZIP_MEMBER)
        try:
            parts.append(member.decompress(packed))
        except zlib.error as error:
            parts.append(_before_damage(packed))
            return b"".join(parts), f"the gzip data is damaged ({error}): what stands before it was read"
        if not member.eof:
            return b"".join(parts), "the gzip data is cut short: what stands before the cut was read"
        packed = member.unused_data
    return b"".join(parts), ""


def _before_damage(packed: bytes) -> bytes:
    """Unpacks piece by piece until it fails, the last piece byte by byte: zlib gives nothing of a call that fails."""
    member = zlib.decompressobj(_ANY_GZIP_MEMBER)
    unpacked = bytearray()
    for start in range(0, len(packed), _PIECE):
        piece = packed[start : start + _PIECE]
        before = member.copy()
        try:
            unpacked += member.decompress(piece)
        except zlib.error:
            return bytes(unpacked + _bytewise(before, piece))
    return bytes(unpacked)


def _bytewise(member: "zlib._Decompress", piece: bytes) -> bytearray:
    unpacked = bytearray()
    try:
        for at in range(len(piece)):
            unpacked += member.decompress(piece[at : at + 1])
    except zlib.error:
        return unpacked
    return unpacked


def _packed(source: Path | str) -> bytes:
    if str(source) == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {source}") from error
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from error
