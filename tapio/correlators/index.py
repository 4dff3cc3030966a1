"""Who is found under what: sets of names that are mostly very small."""

from collections.abc import Collection
from typing import Generic, TypeVar

from tapio.unified import ObjectKey

K = TypeVar("K")

_FEW = 8  # a tuple of so many is half the size of the smallest set, and as quickly looked through


class Index(Generic[K]):
    """Objects by what they are found under, each once."""

    def __init__(self) -> None:
        self._members: dict[K, tuple[ObjectKey, ...] | set[ObjectKey]] = {}

    def add(self, under: K, member: ObjectKey) -> None:
        known = self._members.get(under, ())
        if isinstance(known, set):
            known.add(member)
        elif member not in known:
            more = (*known, member)
            self._members[under] = more if len(more) <= _FEW else set(more)

    def of(self, under: K) -> Collection[ObjectKey]:
        """Everything that is found under it."""
        return self._members.get(under, ())
