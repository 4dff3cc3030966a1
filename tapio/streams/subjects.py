"""Subjects as NATS matches them: tokens between dots, `*` for one token, `>` for all that follow."""

import re
from collections.abc import Iterable
from functools import lru_cache

_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")


@lru_cache(4096)  # streams have few subjects, or the same ones again and again
def is_subject(text: str) -> bool:
    """Whether `text` is one to publish on: tokens that are not empty, without blanks and wildcards."""
    return _SUBJECT.fullmatch(text) is not None


def matches(pattern: str, subject: str) -> bool:
    """Whether a stream that takes `pattern` takes `subject`."""
    tokens = subject.split(".")
    wanted = pattern.split(".")
    if wanted[-1] == ">":
        wanted = wanted[:-1]
        if len(tokens) <= len(wanted):
            return False
    elif len(tokens) != len(wanted):
        return False
    return all(want in ("*", token) for want, token in zip(wanted, tokens, strict=False))


def foreign(patterns: Iterable[str], subjects: Iterable[str]) -> str | None:
    """The first subject that no pattern takes, or None."""
    known = tuple(patterns)
    return next((subject for subject in subjects if not any(matches(pattern, subject) for pattern in known)), None)
