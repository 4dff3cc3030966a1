"""Leases by example: who holds one and when renewing stopped is said, renewals are not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tapio.collectors.kubeapi.leases import Leases
from tapio.kube import Seen

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def renewal(after_s: float, *, holder: str = "node-1", term_s: int = 40, type_: Any = "MODIFIED") -> Seen:
    at = START + timedelta(seconds=after_s)
    spec = {"holderIdentity": holder, "leaseDurationSeconds": term_s, "renewTime": at.isoformat()}
    return Seen.of(type_, "uid-lease", str(int(after_s) + 1), {"kind": "Lease", "metadata": {}, "spec": spec})


def at(after_s: float) -> datetime:
    return START + timedelta(seconds=after_s)


def test_the_first_sight_is_news_and_renewals_are_not() -> None:
    leases = Leases()
    assert [leases.is_news(renewal(after_s)) for after_s in range(0, 600, 10)] == [True] + [False] * 59


def test_another_holder_is_news() -> None:
    leases = Leases()
    assert leases.is_news(renewal(0, holder="a"))
    assert leases.is_news(renewal(10, holder="b"))
    assert not leases.is_news(renewal(20, holder="b"))


def test_the_last_renewal_is_said_once_when_its_term_is_over_and_the_next_is_news() -> None:
    leases = Leases()
    for after_s in (0, 10, 20):
        leases.is_news(renewal(after_s))
    assert not list(leases.lapsed(at(60)))
    assert [seen.version for seen in leases.lapsed(at(61))] == ["21"]
    assert not list(leases.lapsed(at(120)))
    assert leases.is_news(renewal(130))


def test_a_deletion_is_news_and_nothing_lapses_after_it() -> None:
    leases = Leases()
    leases.is_news(renewal(0))
    assert leases.is_news(renewal(10, type_="DELETED"))
    assert not list(leases.lapsed(at(600)))


def test_a_lease_that_nobody_holds_or_whose_time_is_no_time_does_not_lapse() -> None:
    leases = Leases()
    leases.is_news(renewal(0, holder=""))
    assert not list(leases.lapsed(at(600)))
    spec = {"holderIdentity": "node-1", "renewTime": "yesterday"}
    leases.is_news(Seen.of("ADDED", "uid-lease", "9", {"kind": "Lease", "metadata": {}, "spec": spec}))
    assert not list(leases.lapsed(at(600)))


def test_a_lease_found_lapsed_is_told_at_first_sight() -> None:
    leases = Leases()
    found = renewal(0)
    assert leases.is_news(found)
    assert leases.is_over(found, at(41))
    assert not list(leases.lapsed(at(42)))
