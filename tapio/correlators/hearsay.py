"""An object that only Kubernetes Events speak of: the little they tell, as a state, so that the same rules judge it.

Such an object is gone, or its kind is not collected. What its Events do not say stays unsaid: no spec, no exit code.
A trouble of which nothing is heard any more has ended with its object: the kubelet, the scheduler and the controllers
repeat themselves at least every five minutes (client-go's EventSourceObjectSpamFilter lets one through in that time).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from tapio.correlators.history import History
from tapio.unified import EventName, K8sContext, ObjectKey, OwnerReference, UnifiedEvent
from tapio.unified import objects as k8s

SILENCE = timedelta(minutes=10)
WORKLOADS: dict[str, type[k8s.Workload]] = {
    "Deployment": k8s.Deployment,
    "ReplicaSet": k8s.ReplicaSet,
    "StatefulSet": k8s.StatefulSet,
    "DaemonSet": k8s.DaemonSet,
    "Job": k8s.Job,
}
KINDS = frozenset({"Pod", *WORKLOADS})

N = EventName
_LEFT = re.compile(r"Stopping container |skip schedule deleting pod|Marking for deletion Pod ")
_CONTAINER = re.compile(r"(?:Started|Created|Stopping) container:? (\S+)")
_IMAGE = re.compile(r'image "([^"]+)"')
_CONFIG = re.compile(r"(configmap|secret) .*not found|couldn't find key|runAsNonRoot|non-root", re.IGNORECASE)


def told(history: History, at: datetime) -> UnifiedEvent | None:
    """The object's state at `at` by what its Events say; None where there are none.

    It stands in the place of the newest one.
    """
    said = list(_heard(history, at)) if history.key.kind in KINDS else []
    if not said:
        return None
    uid = next((event.k8s_context.uid for event in reversed(said) if event.k8s_context.uid), "")
    newest = said[-1]
    told_of = [event for event in history.happenings(at, uid) if _by_kubernetes(event)]
    state = _pod(told_of, at) if history.key.kind == "Pod" else _workload(history.key.kind, told_of)
    return msgspec.structs.replace(
        newest,
        k8s_context=_context(history.key, uid, said),
        event_name=N.OBJECT_UPDATED,
        root=root_told(said),
        object=state,
    )


def born(history: History, uid: str) -> datetime | None:
    """When an Event of this life was first seen; None where there is none."""
    firsts = (first_told(event) for event in history.said if _by_kubernetes(event) and event.k8s_context.uid == uid)
    return min(firsts, default=None)


def falls_silent_at(told_of: UnifiedEvent) -> datetime:
    """When a trouble that is not heard of again is over."""
    return told_of.timestamp + SILENCE


def as_history(history: History, state: UnifiedEvent) -> History:
    """The history with what is told as its one state."""
    seen = History(history.key)
    seen.states, seen.said, seen.changes = [state], history.said, history.changes
    return seen


def root_told(said: Sequence[UnifiedEvent]) -> str:
    """The topmost owner that any of the Events knew, the newest first; empty where none knew one."""
    own = str(said[-1].key)
    return next((event.root for event in reversed(said) if event.root not in ("", own)), said[-1].root)


def _heard(history: History, at: datetime) -> Iterator[UnifiedEvent]:
    return (event for event in history.said if event.timestamp <= at and _by_kubernetes(event))


def _by_kubernetes(event: UnifiedEvent) -> bool:
    return event.event_name is not N.CONTAINER_LOG and bool(event.attributes and event.attributes.record)


def first_told(event: UnifiedEvent) -> datetime:
    """When a counted Event was first seen; of one that was made from another's only its own time is known."""
    return min(event.first_at, event.timestamp) if event.k8s_context.uid else event.timestamp


def _context(key: ObjectKey, uid: str, said: Sequence[UnifiedEvent]) -> K8sContext:
    owners = next((one.k8s_context.owner_references for one in reversed(said) if one.k8s_context.owner_references), ())
    root = root_told(said)
    if not owners and root and root != str(key):
        top = ObjectKey.parse(root)
        owners = (OwnerReference(top.kind, top.name),)
    return K8sContext(
        name=key.name, namespace=key.namespace, kind=key.kind, uid=uid, labels={}, owner_references=owners
    )


def _newest(said: Sequence[UnifiedEvent], *names: EventName) -> UnifiedEvent | None:
    return next((event for event in reversed(said) if event.event_name in names), None)


# --- Pods ------------------------------------------------------------------------------------------------------------


def _pod(said: Sequence[UnifiedEvent], at: datetime) -> k8s.Pod:
    names = list(dict.fromkeys(name for event in said if (name := _container_of(event)))) or ["container"]
    statuses = tuple(_status(name, _about(said, name)) for name in names)
    created = min((first_told(event) for event in said if event.k8s_context.uid), default=said[0].timestamp)
    ready = _ready(said, statuses)
    evicted = _newest(said, N.POD_EVICTED)
    return k8s.Pod(
        metadata=k8s.ObjectMeta(creation_timestamp=created, deletion_timestamp=_left_at(said, at, ready)),
        spec=k8s.PodSpec(
            containers=tuple(k8s.Container(name=name, image=_image(_about(said, name))) for name in names),
            node_name=_node(said),
        ),
        status=k8s.PodStatus(
            phase="Failed" if evicted else "Running" if any(one.state.running for one in statuses) else "Pending",
            reason="Evicted" if evicted else "",
            message=evicted.message if evicted else "",
            conditions=(_scheduled(said), ready),
            container_statuses=statuses,
        ),
    )


def _container_of(event: UnifiedEvent) -> str:
    named = event.attributes.container if event.attributes else ""
    match = _CONTAINER.match(event.message)
    return named or (match[1] if match else "")


def _about(said: Sequence[UnifiedEvent], container: str) -> list[UnifiedEvent]:
    return [event for event in said if _container_of(event) in ("", container)]


def _left_at(said: Sequence[UnifiedEvent], at: datetime, ready: k8s.Condition) -> datetime | None:
    """When it left: it was being deleted, or was in trouble and nothing is heard of it any more."""
    left = _left(said)
    if left:
        return left.timestamp
    silent_at = falls_silent_at(said[-1])
    return silent_at if ready.status != "True" and at >= silent_at else None


def _left(said: Sequence[UnifiedEvent]) -> UnifiedEvent | None:
    """The Event that shows that the pod was being deleted, while nothing of it started afterwards."""
    gone = next((event for event in reversed(said) if _LEFT.match(event.message) or _removed(event)), None)
    started = _newest(said, N.CONTAINER_STARTED)
    return gone if gone and (started is None or started.timestamp <= gone.timestamp) else None


def _removed(event: UnifiedEvent) -> bool:
    return event.event_name is N.CONTROLLER_DELETED


def _image(said: Sequence[UnifiedEvent]) -> str:
    return next((match[1] for event in reversed(said) if (match := _IMAGE.search(event.message))), "")


def _node(said: Sequence[UnifiedEvent]) -> str:
    bound = _newest(said, N.POD_SCHEDULED)
    if bound and " to " in bound.message:
        return bound.message.rpartition(" to ")[2].strip()
    return next((event.node for event in reversed(said) if event.node), "")


def _scheduled(said: Sequence[UnifiedEvent]) -> k8s.Condition:
    newest = _newest(said, N.POD_SCHEDULING_FAILED, N.POD_SCHEDULED)
    if newest is None or newest.event_name is N.POD_SCHEDULED or _LEFT.match(newest.message):
        return k8s.Condition(type="PodScheduled", status="True")
    first = next(event for event in said if event.event_name is N.POD_SCHEDULING_FAILED)
    return k8s.Condition(
        type="PodScheduled",
        status="False",
        reason="Unschedulable",
        message=newest.message,
        last_transition_time=first_told(first),
    )


def _ready(said: Sequence[UnifiedEvent], statuses: Sequence[k8s.ContainerStatus]) -> k8s.Condition:
    """Ready as far as Events tell: everything they speak of was started, and no probe failed since."""
    started = _newest(said, N.CONTAINER_STARTED)
    unwell = _newest(said, N.CONTAINER_UNHEALTHY)
    is_up = started is not None and all(one.state.running for one in statuses)
    if is_up and (unwell is None or started is None or unwell.timestamp < started.timestamp):
        return k8s.Condition(type="Ready", status="True")
    return k8s.Condition(
        type="Ready",
        status="False",
        message=unwell.message if unwell else "",
        last_transition_time=unwell.timestamp if unwell else None,
    )


def _status(name: str, said: Sequence[UnifiedEvent]) -> k8s.ContainerStatus:
    newest = _newest(
        said, N.CONTAINER_STARTED, N.CONTAINER_BACK_OFF, N.IMAGE_PULL_FAILED, N.CONTAINER_START_FAILED, N.IMAGE_PULLED
    )
    restarts = max((event.attributes.count for event in said if _counts_starts(event) and event.attributes), default=1)
    return k8s.ContainerStatus(
        name=name,
        image=_image(said),
        restart_count=restarts - 1,
        ready=bool(newest and newest.event_name is N.CONTAINER_STARTED),
        state=_container_state(newest, said),
    )


def _counts_starts(event: UnifiedEvent) -> bool:
    return event.event_name in (N.CONTAINER_STARTED, N.CONTAINER_CREATED)


def _container_state(newest: UnifiedEvent | None, said: Sequence[UnifiedEvent]) -> k8s.ContainerState:
    if newest is None or newest.event_name is N.IMAGE_PULLED:
        return k8s.ContainerState(waiting=k8s.Waiting(reason="ContainerCreating"))
    if newest.event_name is N.CONTAINER_STARTED:
        return k8s.ContainerState(running=k8s.Running(started_at=newest.timestamp))
    if newest.event_name is N.IMAGE_PULL_FAILED:
        return _waiting("ErrImageNeverPull" if newest.reason == "ErrImageNeverPull" else "ImagePullBackOff", newest)
    failed = _newest(said, N.CONTAINER_START_FAILED)
    if failed is None:
        return _waiting("CrashLoopBackOff", newest)
    return _waiting(_start_failure(failed.message), failed)


def _start_failure(message: str) -> str:
    if _CONFIG.search(message):
        return "CreateContainerConfigError"
    return "RunContainerError" if "failed to start container" in message else "CreateContainerError"


def _waiting(reason: str, event: UnifiedEvent) -> k8s.ContainerState:
    return k8s.ContainerState(waiting=k8s.Waiting(reason=reason, message=event.message))


# --- Workloads -------------------------------------------------------------------------------------------------------


def _workload(kind: str, said: Sequence[UnifiedEvent]) -> k8s.Workload:
    """A workload of which only its conditions and its birth are told."""
    status = k8s.WorkloadStatus(conditions=tuple(_conditions(said)))
    return WORKLOADS[kind](
        metadata=k8s.ObjectMeta(creation_timestamp=min(first_told(event) for event in said)), status=status
    )


def _conditions(said: Sequence[UnifiedEvent]) -> Iterator[k8s.Condition]:
    failed, completed = _newest(said, N.JOB_FAILED), _newest(said, N.JOB_COMPLETED)
    for type_, event in (("Failed", failed), ("Complete", completed)):
        if event:
            yield k8s.Condition(
                type=type_,
                status="True",
                reason=event.reason,
                message=event.message,
                last_transition_time=event.timestamp,
            )
