"""The Kubernetes API, spoken with aiohttp and msgspec.

In: a kubeconfig or the pod's own account. Out: what a LIST and a watch say, objects in their parts.
Promised: client-go's contract (`reflector`): pages, bookmarks, resume, relist, back-off, no object older than one
already said for its uid, and an interval in which changes may be missing is said as such.
Never: an opinion on what an object means, a write to the cluster.
"""

# Names are imported when they are first asked for: whoever reads files needs the kinds and no HTTP client.
from typing import TYPE_CHECKING

from tapio.lazily import lazily

if TYPE_CHECKING:
    from tapio.kube.backoff import Pace
    from tapio.kube.client import KubeClient
    from tapio.kube.config import Cluster, load
    from tapio.kube.kinds import KINDS, Kind, kinds_named
    from tapio.kube.reflector import Reflector
    from tapio.kube.said import Answered, Blind, Denied, Objects, Parts, Position, Said, Seen, Trouble, Vanished

__all__ = [
    "KINDS",
    "Answered",
    "Blind",
    "Cluster",
    "Denied",
    "Kind",
    "KubeClient",
    "Objects",
    "Pace",
    "Parts",
    "Position",
    "Reflector",
    "Said",
    "Seen",
    "Trouble",
    "Vanished",
    "kinds_named",
    "load",
]

__getattr__ = lazily(
    __name__,
    {
        "tapio.kube.backoff": ("Pace",),
        "tapio.kube.client": ("KubeClient",),
        "tapio.kube.config": ("Cluster", "load"),
        "tapio.kube.kinds": ("KINDS", "Kind", "kinds_named"),
        "tapio.kube.reflector": ("Reflector",),
        "tapio.kube.said": (
            "Answered",
            "Blind",
            "Denied",
            "Objects",
            "Parts",
            "Position",
            "Said",
            "Seen",
            "Trouble",
            "Vanished",
        ),
    },
)
