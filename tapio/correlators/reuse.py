"""One object for all that is equal, where values come back from the store each with strings and keys of its own."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import force_setattr

from tapio.correlators.world import Bearing, Group
from tapio.unified import ObjectKey, UnifiedEvent

_NOTHING: Final[dict[str, Any]] = {}
_PLAIN = frozenset({str, datetime, Group, Bearing})  # and no enumeration, whose members equal their names


class Reuse:
    """Remembers, for as long as a partition is restored, what was there first. `name_of` gives a key as it is known."""

    def __init__(self, name_of: Callable[[ObjectKey], ObjectKey]) -> None:
        self._name_of = name_of
        self._first: dict[Any, Any] = {}

    def know(self, event: UnifiedEvent) -> None:
        """Verdicts name the events that show them and the lives that they are of."""
        for word in (event.id, event.k8s_context.uid, event.k8s_context.namespace, event.source):
            self._first.setdefault(word, word)

    def of(self, value: Any) -> Any:  # noqa: ANN401  whatever a verdict is made of
        """What was there first and is equal, or the value itself with its parts replaced by such."""
        if isinstance(value, msgspec.Struct):
            return self._filled(value)
        if isinstance(value, ObjectKey):
            key = self._name_of(value)
            return self._first.setdefault(key, key)
        if type(value) in _PLAIN:
            return self._first.setdefault(value, value)
        if isinstance(value, tuple):
            return self._tuple(tuple(map(self.of, value)))
        return value or _NOTHING if isinstance(value, dict) else value

    def _filled(self, value: msgspec.Struct) -> msgspec.Struct:
        """A value that was read a moment ago, so that nobody else has seen it yet."""
        for name in value.__struct_fields__:
            force_setattr(value, name, self.of(getattr(value, name)))
        return value

    def _tuple(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        try:
            first: tuple[Any, ...] = self._first.setdefault(value, value)
        except TypeError:  # a link with attributes has no hash
            return value
        return first
