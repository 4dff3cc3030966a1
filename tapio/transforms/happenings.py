"""Kubernetes Events: a component's word about an object, named by what happened to that object.

Reasons are those that the kubelet, the scheduler and the controllers of Kubernetes 1.34 write
(pkg/kubelet/events/event.go, pkg/controller/*, pkg/scheduler).
"""

from datetime import datetime

import msgspec

from tapio.errors import BadEventError
from tapio.raw import ObjectKey, RawEvent
from tapio.raw.controllers import made_by
from tapio.raw.identity import digest
from tapio.transforms.context import observed_at, root_of, trace_of
from tapio.unified import (
    Attributes,
    EntityName,
    EventName,
    EventType,
    K8sContext,
    OwnerReference,
    Severity,
    UnifiedEvent,
)


class _Involved(msgspec.Struct, frozen=True, rename="camel", gc=False):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    field_path: str = ""


class _Source(msgspec.Struct, gc=False):
    component: str = ""
    host: str = ""


class _Series(msgspec.Struct, gc=False):
    count: int = 1


class _EventMeta(msgspec.Struct, frozen=True, gc=False):
    uid: str = ""
    name: str = ""


class _Event(msgspec.Struct, rename="camel", gc=False):
    metadata: _EventMeta = _EventMeta()
    involved_object: _Involved = _Involved()
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    count: int | None = None
    series: _Series | None = None
    first_timestamp: datetime | None = None
    source: _Source | None = None
    reporting_component: str | None = None
    # The same in the words of events.k8s.io/v1.
    regarding: _Involved | None = None
    note: str | None = None
    deprecated_count: int | None = None
    deprecated_first_timestamp: datetime | None = None
    deprecated_source: _Source | None = None
    reporting_controller: str | None = None


def _in_core_words(said: _Event) -> _Event:
    """An Event of events.k8s.io/v1 as one of core/v1: the same record under other names."""
    if said.regarding is None:
        return said
    return _Event(
        metadata=said.metadata,
        involved_object=said.regarding,
        reason=said.reason,
        message=said.note,
        type=said.type,
        count=said.deprecated_count,
        series=said.series,
        first_timestamp=said.deprecated_first_timestamp,
        source=said.deprecated_source,
        reporting_component=said.reporting_controller,
    )


class _Watched(msgspec.Struct, gc=False):
    object: _Event


_events = msgspec.json.Decoder(_Watched)

N = EventName
_REASONS: dict[str, EventName] = {
    "Scheduled": N.POD_SCHEDULED,
    "FailedScheduling": N.POD_SCHEDULING_FAILED,
    "Evicted": N.POD_EVICTED,
    "Preempted": N.POD_PREEMPTED,
    "Preempting": N.POD_PREEMPTED,
    "FailedCreatePodSandBox": N.POD_SANDBOX_FAILED,
    "NetworkNotReady": N.POD_SANDBOX_FAILED,
    "SandboxChanged": N.KUBERNETES_EVENT,
    "Created": N.CONTAINER_CREATED,
    "Started": N.CONTAINER_STARTED,
    "Killing": N.CONTAINER_KILLED,
    "BackOff": N.CONTAINER_BACK_OFF,
    "Unhealthy": N.CONTAINER_UNHEALTHY,
    "ProbeWarning": N.CONTAINER_UNHEALTHY,
    "FailedPostStartHook": N.CONTAINER_HOOK_FAILED,
    "FailedPreStopHook": N.CONTAINER_HOOK_FAILED,
    "Pulling": N.IMAGE_PULLING,
    "Pulled": N.IMAGE_PULLED,
    "ErrImageNeverPull": N.IMAGE_PULL_FAILED,
    "InspectFailed": N.IMAGE_PULL_FAILED,
    "FailedToRetrieveImagePullSecret": N.IMAGE_PULL_FAILED,
    "FailedMount": N.VOLUME_MOUNT_FAILED,
    "FailedAttachVolume": N.VOLUME_ATTACH_FAILED,
    "FailedBinding": N.VOLUME_BINDING_WAITS,
    "WaitForFirstConsumer": N.VOLUME_BINDING_WAITS,
    "ProvisioningFailed": N.VOLUME_PROVISIONING_FAILED,
    "FailedCreate": N.CONTROLLER_CREATE_FAILED,
    "SuccessfulCreate": N.CONTROLLER_CREATED,
    "SuccessfulDelete": N.CONTROLLER_DELETED,
    "ScalingReplicaSet": N.CONTROLLER_SCALED,
    "SuccessfulRescale": N.CONTROLLER_SCALED,
    "SyncLoadBalancerFailed": N.BALANCER_FAILED,
    "CreatingLoadBalancerFailed": N.BALANCER_FAILED,
    "EnsuredLoadBalancer": N.BALANCER_READY,
    "MissSchedule": N.SCHEDULE_MISSED,
    "FailedNeedsStart": N.SCHEDULE_MISSED,
    "TooManyMissedTimes": N.SCHEDULE_MISSED,
    "JobAlreadyActive": N.SCHEDULE_MISSED,
    "UnparseableSchedule": N.SCHEDULE_MISSED,
    "UnparseableCronJobSchedule": N.SCHEDULE_MISSED,
    "InvalidSchedule": N.SCHEDULE_MISSED,
    "UnknownTimeZone": N.SCHEDULE_MISSED,
    "BackoffLimitExceeded": N.JOB_FAILED,
    "DeadlineExceeded": N.JOB_FAILED,
    "Completed": N.JOB_COMPLETED,
    "NodeReady": N.NODE_READY,
    "NodeNotReady": N.NODE_NOT_READY,
    "Rebooted": N.NODE_REBOOTED,
    "SystemOOM": N.NODE_OOM,
}
_IMAGE_BACK_OFF = ("pulling image", "ImagePullBackOff")
_NODE_REASONS = ("NodeHas", "Starting", "InvalidDiskCapacity")


def transform(event: RawEvent, raw_id: str, order: int, *, deleted: bool) -> tuple[UnifiedEvent, ...]:
    """One happening of the involved object, and one of what its controller made or removed.

    An Event that is deleted has only expired: it says nothing.
    """
    if deleted:
        return ()
    try:
        said = _in_core_words(_events.decode(event.record).object)
    except msgspec.DecodeError as error:
        raise BadEventError(f"not a Kubernetes Event: {error}") from error
    main = _happening(event, said, raw_id, order)
    made = made_by(main.key, main.message)
    return (main, _of_the_made(main, made)) if made else (main,)


def _happening(event: RawEvent, said: _Event, raw_id: str, order: int) -> UnifiedEvent:
    about = said.involved_object
    context = K8sContext(
        name=about.name, namespace=about.namespace, kind=about.kind, uid=about.uid, labels={}, owner_references=()
    )
    made = made_by(context.key, said.message or "")
    warning = said.type == "Warning"
    return UnifiedEvent(
        id=raw_id,
        raw_id=raw_id,
        timestamp=event.timestamp,
        observed_at=observed_at(event.metadata),
        type=EventType.LIFECYCLE,
        source=event.metadata.collector,
        severity=Severity.WARNING if warning else Severity.INFO,
        trace_context=trace_of(event),
        k8s_context=context,
        entity=EntityName(type=about.kind.lower(), name=about.name, namespace=about.namespace),
        event_name=_name(said),
        reason=said.reason or "",
        message=said.message or "",
        order=order,
        root=root_of(event.metadata),
        node=said.source.host if said.source else "",
        attributes=Attributes(
            count=_count(said),
            first_at=said.first_timestamp,
            record=said.metadata.uid or said.metadata.name,
            component=said.reporting_component or (said.source.component if said.source else ""),
            object=str(made) if made else "",
            container=_container(about.field_path),
        ),
    )


def _of_the_made(main: UnifiedEvent, made: ObjectKey) -> UnifiedEvent:
    """The same Event as a happening of what it speaks of, whose owner it names; that one's uid it does not say."""
    owner = OwnerReference(main.key.kind, main.key.name)
    context = K8sContext(
        name=made.name, namespace=made.namespace, kind=made.kind, uid="", labels={}, owner_references=(owner,)
    )
    return msgspec.structs.replace(
        main,
        id="evt-" + digest(str(made), main.id),
        k8s_context=context,
        entity=EntityName(type=made.kind.lower(), name=made.name, namespace=made.namespace),
    )


def _name(said: _Event) -> EventName:
    reason, message = said.reason or "", said.message or ""
    if reason == "Failed":
        return N.IMAGE_PULL_FAILED if "image" in message.lower() else N.CONTAINER_START_FAILED
    if reason == "BackOff" and any(words in message for words in _IMAGE_BACK_OFF):
        return N.IMAGE_PULL_FAILED
    if said.involved_object.kind == "Node" and reason.startswith(_NODE_REASONS):
        return N.NODE_CONDITION
    return _REASONS.get(reason, N.KUBERNETES_EVENT)


def _count(said: _Event) -> int:
    return max(said.count or 1, said.series.count if said.series else 1)


def _container(field_path: str) -> str:
    """`app` out of `spec.containers{app}`."""
    return field_path.partition("{")[2].rstrip("}")
