"""Settings that were deleted and made anew under the same name: what differs is a change that no version tells of."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import msgspec

from tapio.correlators.history import History, is_deleted
from tapio.graph import Change
from tapio.unified import UnifiedEvent
from tapio.unified import objects as k8s

SETTINGS = frozenset({"ConfigMap", "Secret"})


def remade(history: History, at: datetime) -> list[Change]:
    """The changes by which a ConfigMap or Secret differs from the one before it, newest first.

    Of a Secret, whose data is never seen, it is one change of all the data, with nothing known of its values.
    """
    states = [one for one in history.states if one.timestamp <= at]
    made = ((old, new) for old, new in pairwise(states) if _is_another(old, new))
    return [change for old, new in reversed(list(made)) for change in _differences(old, new)]


def _is_another(old: UnifiedEvent, new: UnifiedEvent) -> bool:
    return old.k8s_context.uid != new.k8s_context.uid and not is_deleted(new)


def _differences(old: UnifiedEvent, new: UnifiedEvent) -> Iterator[Change]:
    if not isinstance(old.object, k8s.ConfigMap) or not isinstance(new.object, k8s.ConfigMap):
        yield _change(new, "data")
        return
    before, after = old.object.data, new.object.data
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            field = f"data[{name}]" if "." in name else f"data.{name}"
            yield msgspec.structs.replace(_change(new, field), before=before.get(name), after=after.get(name))


def _change(new: UnifiedEvent, field: str) -> Change:
    return Change(entity=new.key, uid=new.k8s_context.uid, field=field, at=new.timestamp, event_id=new.id)
