"""What an answer tells a person to run next asks the place that the answer came from; what an empty one says."""

from datetime import UTC, datetime

import pytest

from tapio.cli import screens
from tapio.cli.places import Where
from tapio.why.clock import Clock
from tapio.why.lists import ChangeList, IncidentList, Timeline


@pytest.mark.parametrize(
    ("where", "flags"),
    [
        (Where(), ""),
        (Where(file="my file.jsonl"), " -f 'my file.jsonl'"),
        (Where(server="http://127.0.0.1:8001"), " --server http://127.0.0.1:8001"),
        (Where(live=True, context="lab"), " --live --context lab"),
        (Where(file="a.gz", context="lab"), " -f a.gz"),
    ],
)
def test_flags_name_the_place_again(where: Where, flags: str) -> None:
    assert where.flags == flags


def test_a_list_before_the_first_event_says_that_none_has_come() -> None:
    clock = Clock(UTC, datetime(2026, 1, 1, tzinfo=UTC))
    lists = (
        screens.incidents(IncidentList(at=None, items=()), clock, 80),
        screens.timeline(Timeline(since=None, at=None, items=()), clock, 80),
        screens.changes(ChangeList(since=None, at=None, items=()), clock, 80),
    )
    assert {tuple(lines) for lines in lists} == {("nothing is known yet: no event has come",)}
