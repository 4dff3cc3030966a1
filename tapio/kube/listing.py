"""One listing as it comes, in pages or by a watch: which objects it has, and which of their versions are news.

A watch lists where it is asked to send what there is first (KEP-3157): the server sends the objects one by one, keeps
no pages in memory, and ends the listing with a bookmark that says so. No version before that is one to resume at.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from tapio.kube.kinds import Kind
from tapio.kube.pages import Line, MalformedError, Page, identity_of, named, read_line
from tapio.kube.said import Parts, Seen, WatchType
from tapio.kube.status import ApiError, Status
from tapio.kube.versions import Versions

BY_WATCH = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
_END = b"k8s.io/initial-events-end"  # the annotation's name; it is there only to say so


class Part(NamedTuple):
    """A part of a listing by a watch: what is news in it; at its end the version, and the lines after it; the error
    that broke it off.
    """

    news: list[Seen]
    version: str = ""
    rest: Sequence[bytes] = ()
    error: Exception | None = None


class Listing:
    """A listing of one kind. `versions` is what was known of each object before, and learns."""

    def __init__(self, kind: Kind, versions: Versions) -> None:
        self._kind = kind
        self._versions = versions
        self.uids: set[str] = set()

    def page(self, page: Page) -> list[Seen]:
        """What is news in a page."""
        return list(self._news(page.items or ()))

    def part(self, lines: Sequence[bytes]) -> Part:
        """What is news in the next lines of a watch."""
        news: list[Seen] = []
        try:
            for place, text in enumerate(lines):
                if text and (version := self._line(read_line(text), news)):
                    return Part(news, version, lines[place + 1 :])
        except (ApiError, MalformedError) as error:
            return Part(news, error=error)
        return Part(news)

    def _line(self, line: Line, news: list[Seen]) -> str:
        """Notes one object; at the end of the listing gives its version."""
        if line.type == "ERROR":
            raise ApiError(status_of(line))
        if line.type == "BOOKMARK":
            if _END not in bytes(line.object.get("metadata", msgspec.Raw())):
                raise ApiError(_UNKNOWN)
            return identity_of(line.object).version
        if line.type == "DELETED":  # while it was being listed: that it is gone follows from the end
            self.uids.discard(identity_of(line.object).uid)
        else:
            news += self._news((line.object,))
        return ""

    def _news(self, items: Iterable[Parts]) -> Iterable[Seen]:
        for item in items:
            uid, version, meta = identity_of(item)
            self.uids.add(uid)
            if self._versions.admits(uid, version):
                kind: WatchType = "MODIFIED" if uid in self._versions else "ADDED"
                self._versions.living(uid, version)
                yield Seen(kind, uid, version, named(self._kind, item), meta)


# A server before Kubernetes 1.27 does not know what it is asked, and only watches.
_UNKNOWN = Status(code=400, reason="BadRequest", message="the server does not list by a watch")


def status_of(line: Line) -> Status:
    """What an ERROR line says."""
    fields = {name: msgspec.json.decode(part) for name, part in line.object.items()}
    return msgspec.convert(fields, Status, strict=False)
