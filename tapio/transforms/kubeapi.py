"""What the API server says: states of objects, Kubernetes Events, container logs."""

from typing import Any, Generic, TypeVar

import msgspec

from tapio.errors import BadEventError
from tapio.raw import Metadata, RawEvent
from tapio.raw.changes import FieldChange
from tapio.raw.identity import digest
from tapio.transforms import happenings, other
from tapio.transforms.context import entity_of, k8s_context, observed_at, root_of, trace_of
from tapio.transforms.facts import pod_facts, workload_facts
from tapio.transforms.pruning import pruned
from tapio.unified import (
    Attributes,
    EventName,
    EventType,
    K8sContext,
    OwnerReference,
    Severity,
    UnifiedEvent,
)
from tapio.unified import objects as k8s

T = TypeVar("T")


class _Watched(msgspec.Struct, Generic[T], gc=False):
    """A watch event: what happened to which object, and what the collector saw change or stand still."""

    object: T
    type: str = "ADDED"
    changes: tuple[FieldChange, ...] = ()
    unmoved: tuple[str, ...] = ()


class _Owner(msgspec.Struct, gc=False):
    kind: str = ""
    name: str = ""
    controller: bool = False


class _Named(msgspec.Struct, frozen=True, rename="camel", gc=False):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: tuple[_Owner, ...] | None = None


class _Any(msgspec.Struct, gc=False):
    kind: str = ""
    metadata: _Named = _Named()


class _Log(msgspec.Struct, gc=False):
    container: str = ""
    previous: bool = False
    lines: tuple[str, ...] = ()


_KINDS: dict[str, Any] = {
    "Pod": k8s.Pod,
    "Deployment": k8s.Deployment,
    "ReplicaSet": k8s.ReplicaSet,
    "StatefulSet": k8s.StatefulSet,
    "DaemonSet": k8s.DaemonSet,
    "Job": k8s.Job,
    "Node": k8s.Node,
    "Namespace": k8s.Namespace,
    "Service": k8s.Service,
    "EndpointSlice": k8s.EndpointSlice,
    "ConfigMap": k8s.ConfigMap,
    "PersistentVolumeClaim": k8s.PersistentVolumeClaim,
    "PersistentVolume": k8s.PersistentVolume,
    "StorageClass": k8s.StorageClass,
    "ResourceQuota": k8s.ResourceQuota,
    "LimitRange": k8s.LimitRange,
    "ValidatingWebhookConfiguration": k8s.ValidatingWebhookConfiguration,
    "MutatingWebhookConfiguration": k8s.MutatingWebhookConfiguration,
    "HorizontalPodAutoscaler": k8s.HorizontalPodAutoscaler,
    "PodDisruptionBudget": k8s.PodDisruptionBudget,
    "CronJob": k8s.CronJob,
    "NetworkPolicy": k8s.NetworkPolicy,
    "Ingress": k8s.Ingress,
    "RoleBinding": k8s.RoleBinding,
    "ClusterRoleBinding": k8s.ClusterRoleBinding,
}
_watched_of: Any = _Watched  # a type made at run time, one per kind
_typed: dict[str, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(_watched_of[state]) for kind, state in _KINDS.items()
}
_headers = msgspec.json.Decoder(_Watched[_Any])
_logs = msgspec.json.Decoder(_Log)

_NAMES = {"ADDED": EventName.OBJECT_CREATED, "DELETED": EventName.OBJECT_DELETED}


def transform(event: RawEvent, raw_id: str) -> tuple[UnifiedEvent, ...]:
    """The events that one record of the API server means."""
    if event.type == "container_log":
        return (_container_log(event, raw_id),)
    header = _header(event)
    if header is None:
        return other.transform(event, raw_id)
    if header.object.kind == "Event" or event.metadata.k8s_kind == "Event":
        return happenings.transform(event, raw_id, _order(header), deleted=header.type == "DELETED")
    return _object(event, raw_id, header)


def _header(event: RawEvent) -> _Watched[_Any] | None:
    try:
        return _headers.decode(event.record)
    except msgspec.DecodeError:
        return None


def _order(header: _Watched[_Any]) -> int:
    version = header.object.metadata.resource_version
    return int(version) if version.isdigit() else 0


def _object(event: RawEvent, raw_id: str, header: _Watched[_Any]) -> tuple[UnifiedEvent, ...]:
    context = _context(event.metadata, header.object)
    state = _state(event, context.kind)
    changes = header.changes
    main = UnifiedEvent(
        id=raw_id,
        raw_id=raw_id,
        timestamp=event.timestamp,
        observed_at=observed_at(event.metadata),
        type=EventType.CHANGE if changes else EventType.LIFECYCLE,
        source=event.metadata.collector,
        severity=Severity.INFO,
        trace_context=trace_of(event),
        k8s_context=context,
        entity=entity_of(context),
        event_name=_name(header.type, changed=bool(changes)),
        order=_order(header),
        root=root_of(event.metadata),
        object=state,
        changes=changes,
    )
    facts = _facts(main, state, header.unmoved)
    return (main,) if facts is None else (main, facts)


def _name(type_: str, *, changed: bool) -> EventName:
    return _NAMES.get(type_, EventName.OBJECT_CHANGED if changed else EventName.OBJECT_UPDATED)


def _context(meta: Metadata, header: _Any) -> K8sContext:
    """From the enrichment, or from the object itself where a hand-made record has none."""
    if meta.k8s_name and meta.k8s_kind:
        return k8s_context(meta)
    own = header.metadata
    owners = sorted(own.owner_references or (), key=lambda owner: not owner.controller)
    return K8sContext(
        name=own.name,
        namespace=own.namespace,
        kind=header.kind or meta.k8s_kind,
        uid=own.uid,
        labels=own.labels or {},
        owner_references=tuple(OwnerReference(owner.kind, owner.name) for owner in owners),
    )


def _state(event: RawEvent, kind: str) -> k8s.KubernetesObject | None:
    decoder = _typed.get(kind)
    if decoder is None:
        return None
    try:
        state: k8s.KubernetesObject = decoder.decode(event.record).object
    except msgspec.DecodeError:
        state = _state_without_nulls(event, kind)
    return pruned(state)


def _state_without_nulls(event: RawEvent, kind: str) -> Any:  # noqa: ANN401  the type depends on the kind
    """The API server writes null for an empty list in some places (Go's nil slices): absent means the same."""
    record = _without_nulls(msgspec.json.decode(event.record))
    try:
        return msgspec.convert(record["object"], _KINDS[kind])
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise BadEventError(f"not a {kind}: {error}") from error


def _without_nulls(value: Any) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _facts(main: UnifiedEvent, state: k8s.KubernetesObject | None, unmoved: tuple[str, ...]) -> UnifiedEvent | None:
    """What others lean on, unless it stands as the version before had it: then they have been told."""
    if isinstance(state, k8s.Pod):
        return None if "wish" in unmoved and "status" in unmoved else pod_facts(main, state)
    if isinstance(state, k8s.Deployment | k8s.StatefulSet | k8s.DaemonSet | k8s.ReplicaSet):
        return None if "wish" in unmoved else workload_facts(main, state)
    return None


def _container_log(event: RawEvent, raw_id: str) -> UnifiedEvent:
    try:
        log = _logs.decode(event.record)
    except msgspec.DecodeError as error:
        raise BadEventError(f"not a container_log record: {error}") from error
    context = k8s_context(event.metadata)
    return UnifiedEvent(
        id=raw_id,
        raw_id=raw_id,
        timestamp=event.timestamp,
        observed_at=observed_at(event.metadata),
        type=EventType.LOG,
        source=event.metadata.collector,
        severity=Severity.INFO,
        trace_context=trace_of(event),
        k8s_context=context,
        entity=entity_of(context),
        event_name=EventName.CONTAINER_LOG,
        root=root_of(event.metadata),
        attributes=Attributes(
            container=log.container,
            previous=log.previous,
            lines=log.lines,
            record=digest(context.uid or str(context.key), log.container, "previous" if log.previous else "current"),
        ),
    )
