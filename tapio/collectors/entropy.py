"""Tells a random string (a key nobody announced) from names, paths, hashes and ids.

Random base62 changes between upper, lower and digit at two letters in three; words, CamelCase and dotted names at
one in six. Entropy alone does not tell them apart at the lengths that occur.
"""

import math
import re
from collections import Counter
from itertools import pairwise

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_SEPARATORS = re.compile(r"[/_=+-]+")
_LENGTH = 20
_GIT_SHA = 40  # a commit is what a deployment is labelled with, and is no secret
_HEX_KEY = 32  # 128 bits
_MIXED_CHANGES = 0.3
_LETTERS_CHANGES = 0.4
_LOWER_CHANGES = 0.22
_ENTROPY_BITS = 3.0


def looks_random(text: str, *, ids: bool = False) -> bool:
    """Whether a run of base64 letters is a key. With `ids`, hexadecimal is taken for an id."""
    bare = _UUID.sub("", text)
    if len(bare) < _LENGTH:
        return False
    parts = [part for part in _SEPARATORS.split(bare) if len(part) >= _LENGTH]
    return _is_mixed(bare) or any(_is_key(part, ids=ids) for part in parts)


def _is_mixed(text: str) -> bool:
    upper, lower, digit = _classes(text)
    if not (upper and lower):
        return False
    least = _MIXED_CHANGES if digit else _LETTERS_CHANGES
    return _changes(text) >= least and _bits(text) >= _ENTROPY_BITS


def _is_key(part: str, *, ids: bool) -> bool:
    """Without a break, and longer than any generated suffix of a Kubernetes name."""
    if _HEX.fullmatch(part):
        return not ids and _is_hex_key(part)
    upper, lower, digit = _classes(part)
    if upper and lower:
        return _is_mixed(part)
    return digit and _changes(part) >= _LOWER_CHANGES and _bits(part) >= _ENTROPY_BITS


def _is_hex_key(part: str) -> bool:
    return len(part) >= _HEX_KEY and len(part) != _GIT_SHA and _bits(part) >= _ENTROPY_BITS


def _classes(text: str) -> tuple[bool, bool, bool]:
    return any(map(str.isupper, text)), any(map(str.islower, text)), any(map(str.isdigit, text))


def _class_of(char: str) -> str:
    if char.isdigit():
        return "0"
    return "a" if char.islower() else "A" if char.isupper() else ""


def _changes(text: str) -> float:
    """How often neighbours differ in class, among neighbours that have one."""
    pairs = [(a, b) for a, b in pairwise(map(_class_of, text)) if a and b]
    return sum(a != b for a, b in pairs) / len(pairs) if pairs else 0.0


def _bits(text: str) -> float:
    """Shannon entropy in bits per character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values())
