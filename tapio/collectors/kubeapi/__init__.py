"""The Kubernetes API as a source: objects and Events, followed or looked at once.

In: what reflectors say. Out: `RawEvent`s with the change between two versions, redacted, under their root owner.
Promised: what was emitted is remembered only after it is durable, so that a restart misses nothing and says nothing
older again; Secret data, managedFields and last-applied-configuration never leave this package.
Never: a write to the cluster.
"""

from tapio.collectors.kubeapi.collector import KubeApiCollector
from tapio.collectors.kubeapi.snapshot import Lacking, Snapshot, snapshot

__all__ = ["KubeApiCollector", "Lacking", "Snapshot", "snapshot"]
