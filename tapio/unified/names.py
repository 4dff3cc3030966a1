"""The closed vocabulary of what can happen: `<thing>.<what happened>`, whatever source saw it."""

from enum import StrEnum


class EventName(StrEnum):
    """What a unified event is about. A record nobody knows is `other`."""

    # States of objects, from the API server.
    OBJECT_CREATED = "object.created"
    OBJECT_CHANGED = "object.changed"
    OBJECT_UPDATED = "object.updated"  # its status moved, its desired state did not
    OBJECT_DELETED = "object.deleted"
    POD_FACTS = "pod.facts"  # the little that other partitions need to know of a pod
    WORKLOAD_FACTS = "workload.facts"

    # Happenings, from Kubernetes Events.
    POD_SCHEDULED = "pod.scheduled"
    POD_SCHEDULING_FAILED = "pod.scheduling_failed"
    POD_EVICTED = "pod.evicted"
    POD_PREEMPTED = "pod.preempted"
    POD_SANDBOX_FAILED = "pod.sandbox_failed"
    CONTAINER_CREATED = "container.created"
    CONTAINER_STARTED = "container.started"
    CONTAINER_START_FAILED = "container.start_failed"
    CONTAINER_BACK_OFF = "container.back_off"
    CONTAINER_KILLED = "container.killed"
    CONTAINER_OOM_KILLED = "container.oom_killed"
    CONTAINER_UNHEALTHY = "container.unhealthy"
    CONTAINER_HOOK_FAILED = "container.hook_failed"
    CONTAINER_LOG = "container.log"
    IMAGE_PULLING = "image.pulling"
    IMAGE_PULLED = "image.pulled"
    IMAGE_PULL_FAILED = "image.pull_failed"
    VOLUME_MOUNT_FAILED = "volume.mount_failed"
    VOLUME_ATTACH_FAILED = "volume.attach_failed"
    VOLUME_BINDING_WAITS = "volume.binding_waits"
    VOLUME_PROVISIONING_FAILED = "volume.provisioning_failed"
    CONTROLLER_CREATE_FAILED = "controller.create_failed"
    CONTROLLER_CREATED = "controller.created"
    CONTROLLER_DELETED = "controller.deleted"
    CONTROLLER_SCALED = "controller.scaled"
    SCHEDULE_MISSED = "schedule.missed"
    BALANCER_FAILED = "balancer.failed"
    BALANCER_READY = "balancer.ready"
    JOB_FAILED = "job.failed"
    JOB_COMPLETED = "job.completed"
    NODE_READY = "node.ready"
    NODE_NOT_READY = "node.not_ready"
    NODE_CONDITION = "node.condition"
    NODE_REBOOTED = "node.rebooted"
    NODE_OOM = "node.oom"
    KUBERNETES_EVENT = "kubernetes.event"  # a reason without a name of its own

    # The kernel, the journal, etcd, the CNI.
    NETWORK_CONNECTED = "network.connected"
    NETWORK_CONNECTION_REFUSED = "network.connection_refused"
    NETWORK_CONNECTION_TIMED_OUT = "network.connection_timed_out"
    NETWORK_CONNECTION_FAILED = "network.connection_failed"
    NETWORK_RESET = "network.reset"
    DNS_FAILED = "dns.failed"
    PROCESS_EXITED = "process.exited"
    KERNEL_OOM = "kernel.oom"

    # About collecting itself.
    LOSS_DECLARED = "loss.declared"
    OTHER = "other"


# The names of what carries a version of an object; all others are something said about one.
STATES = frozenset(
    {
        EventName.OBJECT_CREATED,
        EventName.OBJECT_CHANGED,
        EventName.OBJECT_UPDATED,
        EventName.OBJECT_DELETED,
        EventName.POD_FACTS,
        EventName.WORKLOAD_FACTS,
    }
)
