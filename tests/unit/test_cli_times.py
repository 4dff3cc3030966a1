"""Moments and spans as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tapio.errors import UsageError
from tapio.times import parse_moment, parse_span


def test_a_moment_with_an_offset_is_that_moment() -> None:
    expected = datetime(2026, 11, 3, 14, 2, 11, tzinfo=UTC)
    assert parse_moment("2026-11-03T14:02:11Z") == expected
    assert parse_moment("2026-11-03T16:02:11+02:00") == expected


def test_a_moment_without_one_is_in_the_given_zone() -> None:
    east = timezone(timedelta(hours=2))
    assert parse_moment("2026-11-03T16:02:11", east) == datetime(2026, 11, 3, 14, 2, 11, tzinfo=UTC)
    assert parse_moment("2026-11-03T16:02:11").tzinfo is not None


@pytest.mark.parametrize("text", ["", "yesterday", "14:02", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="no time"):
        parse_moment(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("3d", 259200), ("0.5h", 1800)]
)
def test_spans(text: str, seconds: int) -> None:
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "2", "2 h", "h2", "-1h", "2w", "99999999999d"])
def test_what_is_no_span_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_span(text)
