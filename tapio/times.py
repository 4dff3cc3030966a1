"""Moments and spans: as people write them in flags and parameters, and as numbers. Pure: nothing reads a clock."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from tapio.errors import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=4)
def rfc3339(moment: datetime) -> str:
    """The one spelling of a moment where documents and commands hold it: in UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970: a moment as stores compare it, and as a place in a list."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The inverse of `micros`."""
    return _EPOCH + value * _MICROSECOND


def parse_moment(text: str, zone: tzinfo | None = None) -> datetime:
    """Reads RFC 3339 (`2026-11-03T14:02:11Z`); a time without an offset is in `zone` (None: this machine's).

    Raises:
        UsageError: it is no such time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is no time", hint="write it as 2026-11-03T14:02:11Z") from error
    if moment.tzinfo:
        return moment
    return moment.replace(tzinfo=zone) if zone else moment.astimezone()


def parse_span(text: str) -> timedelta:
    """Reads `90s`, `15m`, `2h`, `3d`, `1h30m`.

    Raises:
        UsageError: it is no such span, or longer than a calendar reaches.
    """
    if not _SPAN.fullmatch(text.strip()):
        raise UsageError(f"{text!r} is no span of time", hint="write it as 90s, 15m, 2h, 3d or 1h30m")
    try:
        return sum((timedelta(**{_UNITS[unit]: float(n)}) for n, unit in _PART.findall(text)), timedelta())
    except OverflowError as error:
        raise UsageError(f"{text!r} is too long a span of time") from error
