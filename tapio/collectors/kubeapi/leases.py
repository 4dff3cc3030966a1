"""Leases: who holds one, and since when it is no longer renewed. A renewal that follows the last in time is no news.

A thousand kubelets renew a thousand Leases every ten seconds. What matters of them is who holds one (a leader moves)
and that renewing stopped (a kubelet is cut off). So a renewal is held back, and said when it turns out to have been
the last: once it is older than its own term. The renewal that ends such a lapse is said at once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tapio.collectors.kubeapi.timestamps import parse_time
from tapio.kube import Seen

Json = dict[str, Any]

SWEEP_S = 5.0  # how late a lapse may be noticed, beyond the term itself
_TERM_S = 40.0  # of a Lease that names none: what the kubelet takes (nodeLeaseDurationSeconds)
_UNCOUNTED = frozenset({"renewTime"})


class Leases:
    """What is known of every Lease: its terms as last said, and the newest renewal that was not."""

    def __init__(self) -> None:
        self._terms: dict[str, Json] = {}
        self._held: dict[str, Seen] = {}

    def is_news(self, seen: Seen) -> bool:
        """Whether a version is to be said now; a mere renewal is held back."""
        spec = seen.object.get("spec") or {}
        terms = {name: value for name, value in spec.items() if name not in _UNCOUNTED}
        if seen.type != "DELETED" and self._terms.get(seen.uid) == terms:
            self._held[seen.uid] = seen
            return False
        self.forget(seen.uid)
        if seen.type != "DELETED":
            self._terms[seen.uid] = terms
            self._held[seen.uid] = seen
        return True

    def forget(self, uid: str) -> None:
        self._terms.pop(uid, None)
        self._held.pop(uid, None)

    def lapsed(self, now: datetime) -> Iterator[Seen]:
        """The last renewals of Leases whose term is over; each is given once, and the next renewal is news."""
        for seen in list(self._held.values()):
            if self.is_over(seen, now):
                yield seen

    def is_over(self, seen: Seen, now: datetime) -> bool:
        """Whether the Lease was not renewed within its term; if so, its next renewal is news."""
        ends = _ends(seen.object.get("spec") or {})
        if ends is None or ends >= now:
            return False
        self.forget(seen.uid)
        return True


def _ends(spec: Json) -> datetime | None:
    renewed = spec.get("renewTime") or spec.get("acquireTime")
    if not renewed or not spec.get("holderIdentity"):
        return None  # nobody holds it: there is nothing to renew
    try:
        return parse_time(renewed) + timedelta(seconds=spec.get("leaseDurationSeconds") or _TERM_S)
    except ValueError:
        return None
