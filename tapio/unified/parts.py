"""Parts of documents that many have in common: read once by their bytes, and one object in memory from then on."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec.structs import force_setattr

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reader(Protocol[T_co]):
    """Whatever makes a part of its JSON."""

    def decode(self, raw: Any, /) -> T_co: ...  # noqa: ANN401  bytes that are not copied


class Parts(Generic[T]):
    """Parts by the hash of their bytes; of more than `kept` the older half is forgotten.

    Python's hash of bytes is SipHash with a key of this process: 64 bits, and nobody outside can look for two parts
    that share one. Of 10^9 parts read, with 50,000 remembered, one is taken for another with a chance of 3e-6.
    """

    def __init__(self, reader: Reader[T], kept: int) -> None:
        self._reader = reader
        self._kept = kept
        self._newer: dict[int, T] = {}
        self._older: dict[int, T] = {}

    def of(self, raw: Any) -> T:  # noqa: ANN401  bytes that are not copied
        name = hash(bytes(raw))
        known = self._newer.get(name)
        if known is not None:
            return known
        part: T = self._older.get(name) or self._reader.decode(raw)
        self._newer[name] = part
        if 2 * len(self._newer) > self._kept:
            self._newer, self._older = {}, self._newer
        return part

    def each(self, raws: tuple[Any, ...]) -> tuple[T, ...]:
        """The parts of a list, each shared by itself."""
        return tuple(map(self.of, raws))


def shared(type_: Any, kept: int) -> Parts[Any]:  # noqa: ANN401  any type that msgspec reads
    """Parts of a type that has none of its own."""
    return Parts(msgspec.json.Decoder(type_), kept)


class Layered(Generic[T]):
    """Reads a T whose fields in `ones` and `lists` are parts of their own: in `lists` each entry, in `ones` the whole.

    The document is read into `sealed`, a T with these fields unread, which `opened` makes a T.
    """

    def __init__(
        self,
        type_: type[T],
        ones: Mapping[str, Callable[[Any], Any]] | None = None,
        lists: Mapping[str, Parts[Any]] | None = None,
    ) -> None:
        self.type = type_
        self._ones = tuple((ones or {}).items())
        self._lists = tuple((lists or {}).items())
        unread = {**dict.fromkeys(ones or (), msgspec.Raw), **dict.fromkeys(lists or (), tuple[msgspec.Raw, ...])}
        self.sealed: type = _sealed(type_, unread)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self.sealed)

    def decode(self, raw: Any, /) -> T:  # noqa: ANN401  bytes that are not copied
        return self.opened(self._decoder.decode(raw))

    def opened(self, sealed: Any) -> T:  # noqa: ANN401  a type made at run time
        """Puts the shared parts in their places; then it is a T in all but its class, which has the same layout."""
        for name, opener in self._ones:
            value = getattr(sealed, name)
            if type(value) is msgspec.Raw:
                force_setattr(sealed, name, opener(value))
        for name, parts in self._lists:
            value = getattr(sealed, name)
            if value:
                force_setattr(sealed, name, parts.each(value))
        force_setattr(sealed, "__class__", self.type)
        opened: T = sealed
        return opened


def _sealed(type_: Any, unread: Mapping[str, Any]) -> type:  # noqa: ANN401  any struct type
    """A subtype with some fields of other types, and with the defaults that they had."""
    fields = [_field(field, unread[field.name]) for field in msgspec.structs.fields(type_) if field.name in unread]
    return msgspec.defstruct(f"_{type_.__name__}", fields, bases=(type_,), frozen=True, kw_only=True, gc=False)


def _field(field: msgspec.structs.FieldInfo, type_: Any) -> Any:  # noqa: ANN401  what defstruct takes
    if field.required:
        return field.name, type_
    is_made = field.default is msgspec.NODEFAULT
    made = field.default_factory() if is_made else field.default  # one for all: nobody changes what is frozen
    return field.name, type_, msgspec.field(default_factory=lambda: made) if is_made else made
