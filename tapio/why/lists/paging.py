"""Long lists page by page. A cursor holds the moment the first page was about and the last place given, so that what
comes meanwhile neither shifts nor doubles anything.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from tapio.errors import UsageError

PAGE = 100  # items on a page when nobody says; some hundred lines are what a person scrolls through
LONGEST = 1000  # items on a page at most: a few hundred kilobytes

T = TypeVar("T")
Place = tuple[str | int, ...]  # where an item stands in its list's order


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted: so many items after the cursor, from the beginning where that is empty."""

    limit: int = PAGE
    cursor: str = ""


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """As of when the list is, and the place of the last item given."""

    at: datetime
    after: Place


def cursor_of(page: Page) -> Cursor | None:
    """The cursor of a page, or None for the first.

    Raises:
        UsageError: it is none that a list gave, or the limit is out of range.
    """
    if not 1 <= page.limit <= LONGEST:
        raise UsageError(f"limit {page.limit} is out of range", hint=f"a page has 1 to {LONGEST} items")
    if not page.cursor:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(page.cursor + "=="), type=Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise UsageError(
            f"{page.cursor!r} is no cursor of this list", hint="send back what `next` of the page before held"
        ) from error


def paged(
    items: Iterable[T], place: Callable[[T], Place], at: datetime, page: Page
) -> tuple[tuple[T, ...], str | None]:
    """The page's items in the order of their places, and the cursor of the next page (None: this is the last)."""
    cursor = cursor_of(page)
    ordered = sorted(((place(item), item) for item in items), key=lambda pair: pair[0])
    wanted = [pair for pair in ordered if cursor is None or pair[0] > cursor.after]
    given = wanted[: page.limit]
    going_on = _encoded(Cursor(at, given[-1][0])) if len(wanted) > len(given) else None
    return tuple(item for _, item in given), going_on


def _encoded(cursor: Cursor) -> str:
    return urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")
