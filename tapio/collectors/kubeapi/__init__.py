"""The Kubernetes API as a source: objects and Events, followed or looked at once.

In: what reflectors say. Out: `RawEvent`s with the change between two versions, redacted, under their root owner.
Promised: what was emitted is remembered only after it is durable, so that a restart misses nothing and says nothing
older again; Secret data, managedFields and last-applied-configuration never leave this package.
Never: a write to the cluster.
"""

# Names are imported when they are first asked for: whoever reads files needs the diff and no HTTP client.
from typing import TYPE_CHECKING

from tapio.lazily import lazily

if TYPE_CHECKING:
    from tapio.collectors.kubeapi.collector import KubeApiCollector
    from tapio.collectors.kubeapi.look import Lacking, Snapshot, snapshot

__all__ = ["KubeApiCollector", "Lacking", "Snapshot", "snapshot"]

__getattr__ = lazily(
    __name__,
    {
        "tapio.collectors.kubeapi.collector": ("KubeApiCollector",),
        "tapio.collectors.kubeapi.look": ("Lacking", "Snapshot", "snapshot"),
    },
)
