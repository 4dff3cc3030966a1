"""What a rule yields, and how a rule is declared."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar, get_type_hints

import msgspec

from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One mechanism that explains the symptom of the entity under judgement.

    `blame` is what a person would change; `change` the change that set it, where there was one; `confidence` the chance
    that code and blame are both right. `through` names entities whose own symptoms lie deeper. `code` says which of
    the rule's codes it is.
    """

    code: str
    blame: ObjectKey
    summary: str
    confidence: float
    evidence: tuple[Evidence, ...]
    change: Change | None = None
    workload: ObjectKey | None = None
    attributes: dict[str, Any] = {}
    ruled_out: tuple[RuledOut, ...] = ()
    through: tuple[ObjectKey, ...] = ()
    next: tuple[str, ...] = ()


Judge = Callable[[Any], Iterable[Finding]]
JudgeT = TypeVar("JudgeT", bound=Judge)


class Rule(NamedTuple):
    """A declared rule: the codes it may give, what it judges (its parameter's type), and which sources decide it."""

    name: str
    codes: tuple[str, ...]
    version: int
    decided_by: tuple[str, ...]
    judges: type
    judge: Judge

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"


RULES: list[Rule] = []


def rule(*codes: str, version: int, decided_by: tuple[str, ...] = ("kubeapi",)) -> Callable[[JudgeT], JudgeT]:
    """Registers a pure function as a rule for the type of its one parameter; the first code names the rule."""

    def register(judge: JudgeT) -> JudgeT:
        hints = get_type_hints(judge)
        hints.pop("return", None)
        (judged,) = hints.values()
        RULES.append(Rule(codes[0], codes, version, decided_by, judged, judge))
        return judge

    return register


_RULES_FOR: dict[tuple[type, int], Sequence[Rule]] = {}  # found once for a type, as long as no rule is added


def rules_for(view: object) -> Sequence[Rule]:
    """The rules that judge this kind of view, in the order they are written."""
    wanted = type(view), len(RULES)
    if wanted not in _RULES_FOR:
        _RULES_FOR[wanted] = [one for one in RULES if isinstance(view, one.judges)]
    return _RULES_FOR[wanted]
