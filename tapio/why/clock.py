"""Moments in words, in the reader's zone."""

from datetime import UTC, datetime, tzinfo

import msgspec


class Clock(msgspec.Struct, frozen=True):
    """Writes moments in the reader's zone, with the date where it is not the reader's `today`.

    `day` is another one that needs no date either, as a line above names it.
    """

    zone: tzinfo
    today: datetime
    day: datetime | None = None

    def local(self, moment: datetime) -> str:
        there = moment.astimezone(self.zone)
        return f"{there:%H:%M:%S}" if self._is(self.day or self.today, there) else f"{there:%Y-%m-%d %H:%M:%S}"

    def both(self, moment: datetime) -> str:
        """`14:02:11 (12:02:11 UTC)`, or the one time where the reader's zone is UTC."""
        there, utc = moment.astimezone(self.zone), moment.astimezone(UTC)
        date = "" if self._is(self.today, there) else f"{there:%Y-%m-%d} "
        if not there.utcoffset():
            return f"{date}{there:%H:%M:%S} UTC"
        date_there = "" if utc.date() == there.date() else f"{utc:%m-%d} "
        return f"{date}{there:%H:%M:%S} ({date_there}{utc:%H:%M:%S} UTC)"

    def _is(self, day: datetime, there: datetime) -> bool:
        return there.date() == day.astimezone(self.zone).date()
