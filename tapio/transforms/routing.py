"""Which stream a unified event belongs on."""

from tapio.unified import SHARED, SHARED_KINDS, UnifiedEvent, partition_of


def route(event: UnifiedEvent, partitions: int) -> str:
    """The partition of the event's root owner, or `shared`.

    A happening whose root nobody knows yet (an Event that came before its object) goes to `shared`: every shard reads
    it, and the one that has the object keeps it.
    """
    if event.k8s_context.kind in SHARED_KINDS:
        return SHARED
    if event.root:
        return str(partition_of(event.root, partitions))
    if event.object is None:
        return SHARED
    return str(partition_of(str(event.key), partitions))
