"""Which objects are meant by their labels, in kubectl's words: `app=web,tier!=db`, `env in (a, b)`, `!canary`.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from tapio.errors import UsageError

_REQUIREMENT = re.compile(
    r"\s*(?P<without>!)?\s*(?P<key>[A-Za-z0-9][\w./-]*)\s*"
    r"(?:(?P<sign>==|=|!=)\s*(?P<value>[\w.-]*)|(?<=\s)(?P<word>in|notin)\s*\((?P<values>[^()]*)\))?\s*(?:,|$)"
)
_FORM = "write it as kubectl does: app=web,tier!=db, 'env in (a, b)', 'env notin (a)', canary or '!canary'"


class Requirement(msgspec.Struct, frozen=True):
    """One condition: the label has one of the values, or where there are none, is there at all; `negated`: not so.

    A label that is not there has no value, so a negated condition holds.
    """

    key: str
    values: tuple[str, ...] = ()
    negated: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        found = labels.get(self.key) in self.values if self.values else self.key in labels
        return found != self.negated


class Selector(msgspec.Struct, frozen=True):
    """All of its conditions, and the text that they were read from; without any, everything is meant."""

    requirements: tuple[Requirement, ...] = ()
    text: str = ""

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(one.holds(labels) for one in self.requirements)


def parse_selector(text: str, target: str = "") -> Selector:
    """Reads a selector; empty text means everything. Beside a `target` it means nothing.

    Raises:
        UsageError: it is none, or a target is named too.
    """
    if text and target:
        raise UsageError("TYPE/NAME and a label selector exclude one another", hint="-n narrows either")
    return Selector(tuple(_requirements(text)), text) if text.strip() else Selector()


def _requirements(text: str) -> Iterator[Requirement]:
    place = 0
    while place < len(text):
        found = _REQUIREMENT.match(text, place)
        if found is None or (found["without"] and (found["sign"] or found["word"])):
            raise UsageError(f"{text!r} is no label selector", hint=_FORM)
        yield _requirement(found)
        place = found.end()


def _requirement(found: re.Match[str]) -> Requirement:
    if found["sign"]:
        return Requirement(found["key"], (found["value"],), negated=found["sign"] == "!=")
    if found["word"]:
        values = tuple(value.strip() for value in found["values"].split(","))
        return Requirement(found["key"], values, negated=found["word"] == "notin")
    return Requirement(found["key"], negated=bool(found["without"]))
