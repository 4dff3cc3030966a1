"""What a person may do next. Commands are printed, never run."""

from collections.abc import Iterable

from tapio.graph import Link
from tapio.unified import ObjectKey
from tapio.why.kinds import kind_named

_MOST = 4
_WITH_LOGS = frozenset({"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})


def advised(links: Iterable[Link]) -> tuple[str, ...]:
    """The steps that the rules advise, the deepest cause's first."""
    return tuple(dict.fromkeys(step for link in links for step in link.next))[:_MOST]


def look_closer(key: ObjectKey) -> tuple[str, ...]:
    """Where to look by hand when no cause is known."""
    if not kind_named(key.kind).api_version:
        return ()
    scope = f"kubectl -n {key.namespace}" if key.namespace else "kubectl"
    name = f"{kind_named(key.kind).short}/{key.name}"
    describe = f"{scope} describe {name}"
    return (describe, f"{scope} logs {name} --all-containers --previous") if key.kind in _WITH_LOGS else (describe,)
