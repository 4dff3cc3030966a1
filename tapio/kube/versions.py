"""The newest resourceVersion said of each object, so that nothing older is ever said after it."""

from collections import OrderedDict
from collections.abc import Iterable

_TOMBSTONES = 10_000  # deletions remembered per kind; a line that comes late comes within one watch


def is_newer(version: str, than: str) -> bool:
    """Whether a resourceVersion is newer: numbers compare as numbers (KEP-5504), anything else only differs."""
    if version.isdecimal() and than.isdecimal():
        return (len(version), version) > (len(than), than)
    return version != than


class Versions:
    """uid -> newest version said, of living objects and of the last deleted ones."""

    def __init__(self, known: dict[str, str]) -> None:
        self._living = dict(known)
        self._deleted: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, uid: str) -> bool:
        return uid in self._living

    def admits(self, uid: str, version: str) -> bool:
        """Whether this version is news."""
        last = self._living.get(uid) or self._deleted.get(uid)
        return last is None or is_newer(version, last)

    def living(self, uid: str, version: str) -> None:
        self._living[uid] = version

    def deleted(self, uid: str, version: str) -> None:
        self._living.pop(uid, None)
        self._deleted[uid] = version
        if len(self._deleted) > _TOMBSTONES:
            self._deleted.popitem(last=False)

    def drop_all_but(self, listed: Iterable[str]) -> list[str]:
        """Forgets the living that are not in a listing, and returns them."""
        gone = list(self._living.keys() - set(listed))
        for uid in gone:
            self.deleted(uid, self._living[uid])
        return gone
