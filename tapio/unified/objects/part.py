"""Parts that every kind shares."""

from datetime import datetime

import msgspec

Quantity = str | int | float
Port = int | str


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """The base of every part of an object: camelCase on the wire, absent where default."""


class ObjectMeta(Part, frozen=True, kw_only=True):
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    generation: int = 0
    finalizers: tuple[str, ...] = ()


class LabelSelectorRequirement(Part, frozen=True, kw_only=True):
    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(Part, frozen=True, kw_only=True):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class Condition(Part, frozen=True, kw_only=True):
    """One entry of `status.conditions`, for every kind that has them."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
