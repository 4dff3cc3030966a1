"""Every actor option, in one table.

Detached and named, so that they outlive whoever created them and are found again; restarted for ever by Ray; a
`health` concurrency group, which Ray gives a thread and an event loop of its own, so `observe` answers while the
stage works; no task events, which a cluster that runs for weeks would drown in; no CPU reserved, as two cores must do.
"""

from typing import Any

from actors.plan import NAMESPACE

HEALTH = "health"

# For `ray.remote`: what belongs to the class.
HOST: dict[str, Any] = {
    "max_restarts": -1,
    "num_cpus": 0,
    "enable_task_events": False,
    "concurrency_groups": {HEALTH: 1},
}


def actor_name(kind: str, shard: str) -> str:
    """`tapio/correlator/0`: the name Ray lists an actor under."""
    return f"tapio/{kind}/{shard}"


def named(kind: str, shard: str) -> dict[str, Any]:
    """For `.options`: get the one actor of this name, or create it."""
    return {
        "name": actor_name(kind, shard),
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "get_if_exists": True,
    }
