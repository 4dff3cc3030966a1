"""Gaps as they turned out: ended, withdrawn, joined; and none forgotten that was declared once."""

from datetime import UTC, datetime, timedelta

import pytest

from tapio.graph import Gap, SourceCoverage
from tapio.stores.coverage import declared, settled

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def gap(start: float, end: float | None, cause: str = "expired: Pod", lost: int = 0) -> Gap:
    to = None if end is None else START + timedelta(seconds=end)
    return Gap(start=START + timedelta(seconds=start), end=to, cause=cause, lost=lost)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([gap(1, 5), gap(7, 9)], [gap(1, 5), gap(7, 9)]),
        ([gap(1, 5), gap(3, 9)], [gap(1, 9)]),
        ([gap(3, None)], [gap(3, None)]),
        ([gap(3, None), gap(3, 8)], [gap(3, 8)]),
        ([gap(3, 8), gap(3, None)], [gap(3, 8)]),
        ([gap(3, None), gap(2, 8)], [gap(2, 8)]),
        ([gap(3, None), gap(3, 3)], []),
        ([gap(3, None), gap(3, 3), gap(7, None)], [gap(7, None)]),
        ([gap(1, 2), gap(3, None)], [gap(1, 2), gap(3, None)]),
        ([gap(3, None), gap(4, 8, "expired: Node")], [gap(3, None), gap(4, 8, "expired: Node")]),
        ([gap(3, 3, lost=1), gap(3, 3, "oversized", 1)], [gap(3, 3, lost=1), gap(3, 3, "oversized", 1)]),
    ],
)
def test_gaps_as_they_turned_out(said: list[Gap], found: list[Gap]) -> None:
    assert settled(said) == found


def test_what_a_correlator_no_longer_remembers_stays_declared() -> None:
    old = SourceCoverage(source="kubeapi", gaps=(gap(1, 2, "oversized", 1),), lost=1)
    new = SourceCoverage(source="kubeapi", gaps=(gap(5, None),))
    both = declared(old, new)
    assert (both.gaps, both.lost) == ((*old.gaps, *new.gaps), 1)
    assert declared(both, new) == both
    assert declared(None, new) == new
