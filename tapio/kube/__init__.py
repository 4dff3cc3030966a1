"""The Kubernetes API, spoken with aiohttp and msgspec.

In: a kubeconfig or the pod's own account. Out: what a LIST and a watch say, as plain dictionaries decoded once.
Promised: client-go's contract (`reflector`): pages, bookmarks, resume, relist, back-off, no object older than one
already said for its uid, and an interval in which changes may be missing is said as such.
Never: an opinion on what an object means, a write to the cluster.
"""

from tapio.kube.backoff import Pace
from tapio.kube.client import KubeClient
from tapio.kube.config import Cluster, load
from tapio.kube.kinds import KINDS, Kind, kinds_named
from tapio.kube.reflector import Reflector
from tapio.kube.said import Blind, Denied, Objects, Position, Said, Seen, Trouble, Vanished

__all__ = [
    "KINDS",
    "Blind",
    "Cluster",
    "Denied",
    "Kind",
    "KubeClient",
    "Objects",
    "Pace",
    "Position",
    "Reflector",
    "Said",
    "Seen",
    "Trouble",
    "Vanished",
    "kinds_named",
    "load",
]
