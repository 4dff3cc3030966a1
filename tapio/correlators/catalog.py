"""The causes that are known, and what the rules that find them say of themselves."""

from collections.abc import Iterator
from difflib import get_close_matches
from inspect import getdoc
from typing import Literal

import msgspec

from tapio.correlators.rules import RULES, Rule
from tapio.errors import UnknownTargetError

_NEAR = 5  # codes shown: as many as a person compares at a glance
_ALIKE = 0.5  # difflib's ratio
# What `rules.nothing` concludes of anything that no rule has a cause for, in its order.
_NOTHING_WRONG = {
    "none.starting": "It is starting, and its time to start is not over.",
    "none.retired": "It was removed on purpose: by a rollout, by scaling down, by somebody.",
    "none.completed": "It did what it was there for and ended well.",
    "none.recovered": "It had trouble within the last hour and is well again.",
    "none.healthy": "It is as it should be, and was.",
}


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: the codes it may give, what it judges, which sources decide it, what it says in a sentence (`says`),
    and where it draws the line (`more`).
    """

    rule: str
    version: int
    codes: tuple[str, ...]
    judges: str
    decided_by: tuple[str, ...]
    says: str
    more: str

    @property
    def family(self) -> str:
        return self.rule.partition(".")[0]


class RuleList(msgspec.Struct, frozen=True, kw_only=True):
    """Rules by family, in the order they are written."""

    api_version: Literal["tapio.dev/v1"] = msgspec.field(default="tapio.dev/v1", name="apiVersion")
    kind: Literal["RuleList"] = "RuleList"
    items: tuple[RuleEntry, ...]


def catalog(code: str = "") -> RuleList:
    """All rules; or those that may give `code`, which may also be a family (`runtime`) or carry a version (`@3`).

    Raises:
        UnknownTargetError: no rule gives it; the error carries codes like it.
    """
    entries = sorted((*map(_entry, RULES), *_calm()), key=lambda entry: entry.family)
    wanted = code.strip().lower().partition("@")[0]
    if not wanted:
        return RuleList(items=tuple(entries))
    found = tuple(entry for entry in entries if wanted in (entry.family, *entry.codes))
    if not found:
        raise UnknownTargetError(f"no cause is called {code!r}", near=_near(wanted))
    return RuleList(items=found)


def codes() -> tuple[str, ...]:
    """Every code that a rule may give, sorted."""
    return tuple(sorted({*_NOTHING_WRONG, *(code for rule in RULES for code in rule.codes)}))


def _near(wanted: str) -> tuple[str, ...]:
    """Codes with the same last word, then those spelt like it."""
    word = wanted.rpartition(".")[2]
    same = [code for code in codes() if word and word in code]
    return tuple(dict.fromkeys([*same, *get_close_matches(wanted, codes(), n=_NEAR, cutoff=_ALIKE)]))[:_NEAR]


def _entry(rule: Rule) -> RuleEntry:
    says, _, more = (getdoc(rule.judge) or "").partition("\n\n")
    return RuleEntry(
        rule=rule.name,
        version=rule.version,
        codes=tuple(dict.fromkeys(rule.codes)),
        judges=rule.judges.__name__.removesuffix("View").lower() or "anything",
        decided_by=rule.decided_by,
        says=_flowing(says),
        more="\n\n".join(_paragraphs(more)),
    )


def _calm() -> Iterator[RuleEntry]:
    for code, says in _NOTHING_WRONG.items():
        yield RuleEntry(
            rule=code, version=1, codes=(code,), judges="anything", decided_by=("kubeapi",), says=says, more=""
        )


def _paragraphs(text: str) -> Iterator[str]:
    return (_flowing(part) for part in text.split("\n\n") if part.strip())


def _flowing(text: str) -> str:
    """The paragraph on one line: its line ends are the source file's."""
    return " ".join(text.split())
