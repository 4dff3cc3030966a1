"""Whether the server still tells of the kinds that are followed. Pure: times come in, silences go out.

While a kind is not heard of, its last known state stands in the graph and may long be wrong. So a silence is declared
while it lasts, and withdrawn once the kind is heard of again: what came in between then comes after all, or the
reflector says that it lists anew, and from when to when it was blind.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tapio.kube import Answered, Denied, Position, Trouble

ALL = ""  # of every kind: the server itself is away
_SERVER = timedelta(seconds=10)  # another replica of an API server takes over sooner, and a restart is about that long
_KIND = timedelta(seconds=60)  # of one kind: reflectors try at least every 30 s, and a listing may take as long


class Silence(NamedTuple):
    """Nothing was heard of a kind (or of `ALL`) since then. `withdrawn`: it is heard of again, and missed nothing."""

    kind: str
    since: datetime
    withdrawn: bool = False


class Contact:
    """When each kind was last heard of, and which silences have been declared: those of an earlier run too."""

    def __init__(self, heard: Mapping[str, datetime], declared: Mapping[str, datetime]) -> None:
        self._heard = dict(heard)
        self._declared = dict(declared)
        self._troubled = set(self._heard) if ALL in self._declared else set(self._declared)
        self._back_at: datetime | None = None

    @property
    def declared(self) -> dict[str, datetime]:
        """The silences that last, by kind."""
        return dict(self._declared)

    def words(self) -> str:
        """What is silent and since when; empty where nothing is."""
        if ALL in self._declared:
            return f"the API server is not heard since {_clock(self._declared[ALL])}"
        return ", ".join(f"{kind} not heard since {_clock(since)}" for kind, since in sorted(self._declared.items()))

    def note(self, said: object) -> None:
        """What a reflector said; only how it fares is listened to."""
        match said:
            case Position(kind, _, at):
                self._heard[kind.name] = at
                self._troubled.discard(kind.name)
            case Answered(kind):  # it may have nothing to tell for minutes
                self._troubled.discard(kind.name)
            case Trouble(kind):
                self._troubled.add(kind.name)
            case Denied(kind):  # which is a gap of its own
                self._heard.pop(kind.name, None)
                self._troubled.discard(kind.name)

    def lost(self) -> None:
        """The server does not answer at all."""
        self._troubled |= self._heard.keys()

    def changes(self, now: datetime) -> Iterator[Silence]:
        """Silences that have become long enough to be declared, and declared ones that are over."""
        silent = self._troubled & self._heard.keys()
        is_away = bool(silent) and len(silent) == len(self._heard)
        if is_away:
            self._back_at = None
            yield from self._declare(ALL, max(self._heard.values()), now - _SERVER)
        elif ALL in self._declared:
            self._back_at = self._back_at or now
        yield from self._withdraw(silent, now)
        if ALL not in self._declared:
            for kind in sorted(silent):
                yield from self._declare(kind, self._heard[kind], now - _KIND)

    def _declare(self, kind: str, since: datetime, latest: datetime) -> Iterator[Silence]:
        if kind not in self._declared and since <= latest:
            self._declared[kind] = since
            yield Silence(kind, since)

    def _withdraw(self, silent: set[str], now: datetime) -> Iterator[Silence]:
        """Silences that are over. The server's is when every kind is heard of again, or one kind has been for `_KIND`.

        What is silent still is then declared kind by kind.
        """
        settled = self._back_at is not None and (not silent or now - self._back_at >= _KIND)
        for kind in sorted(self._declared):
            if settled if kind == ALL else kind not in silent:
                yield Silence(kind, self._declared.pop(kind), withdrawn=True)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
