"""A change of desired state, as the collector saw it between two versions of one object."""

from datetime import datetime
from typing import Any

import msgspec


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field that differs: `before` or `after` left out means not known, null means absent.

    `field` is a full path (`spec.template.spec.containers[app].env[DB_HOST].value`), `manager` the field manager
    that wrote it (null where managedFields no longer say).
    """

    field: str
    before: Any = msgspec.UNSET
    after: Any = msgspec.UNSET
    manager: str | None = None
    at: datetime | None = None
