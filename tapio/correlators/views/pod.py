"""A pod with its containers, its node and what it reads."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

from tapio.correlators.history import History
from tapio.correlators.seconds import came_before
from tapio.correlators.views.container import ContainerView
from tapio.correlators.views.node import NodeView, node_view
from tapio.correlators.views.view import View
from tapio.correlators.world import Moment
from tapio.graph import Change
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s
from tapio.unified.references import Reference, references

_SCHEDULERS_PATIENCE = timedelta(seconds=60)
_LONG_UNWELL = timedelta(seconds=60)  # longer than an ordinary start: its trouble is older than what came next
_INSTANT = timedelta(microseconds=1)


class PodView(View):
    """A pod."""

    def __init__(self, moment: Moment, event: UnifiedEvent, history: History) -> None:
        super().__init__(moment, event, history)
        assert isinstance(event.object, k8s.Pod)  # noqa: S101  the engine builds this view for pods alone
        self.pod: k8s.Pod = event.object
        self.onset: datetime | None = None  # of its symptom, carried on while that lasts; set when it is judged

    @property
    def spec(self) -> k8s.PodSpec:
        return self.pod.spec

    @property
    def status(self) -> k8s.PodStatus:
        return self.pod.status

    @property
    def unmoved(self) -> bool:
        """Whether its spec and owners are those of the state before this one, in the same life."""
        lived = self.history.lived(self.at, self.uid)
        if len(lived) <= 1 or not isinstance(lived[-2].object, k8s.Pod):
            return False
        owners = lived[-2].k8s_context.owner_references
        return lived[-2].object.spec == self.spec and owners == self.event.k8s_context.owner_references

    @property
    def created_at(self) -> datetime:
        return self.pod.metadata.creation_timestamp or self.event.timestamp

    @cached_property
    def leaving(self) -> bool:
        """Whether it is being deleted: by its own state, or by an Event that is newer than that state."""
        if self.pod.metadata.deletion_timestamp:
            return True
        if self.by_hearsay or self.status.phase in ("Succeeded", "Failed"):
            return False
        told = self.said(EventName.CONTAINER_KILLED, EventName.CONTROLLER_DELETED, since=self.event.timestamp)
        return any(_says_goodbye(event) for event in told)

    @cached_property
    def eviction(self) -> str | None:
        """Why the kubelet evicted it, None where it did not: by its status, else by the Event.

        A program that ends well when it is asked to leaves a pod that succeeded, whose status says nothing of that.
        """
        if self.status.phase == "Failed" and self.status.reason == "Evicted":
            return self.status.message
        said = self.said(EventName.POD_EVICTED) if self.status.phase in ("Succeeded", "Failed") else []
        return said[-1].message if said else None

    @property
    def readiness_gates(self) -> tuple[str, ...]:
        """The conditions, beside its containers' readiness, that somebody is to set to True before it is ready."""
        return tuple(gate.condition_type for gate in self.spec.readiness_gates)

    @property
    def is_gated(self) -> bool:
        """Whether somebody keeps the scheduler from looking at it yet (spec.schedulingGates)."""
        scheduled = self.condition("PodScheduled")
        return scheduled is not None and scheduled.reason == "SchedulingGated"

    @property
    def is_unseen(self) -> bool:
        """Whether nobody has said or done anything about it since it was made: no scheduler, no kubelet."""
        waits = self.status.phase == "Pending" and not self.spec.node_name
        spoken_of = any(event.event_name is not EventName.CONTROLLER_CREATED for event in self.happenings)
        return waits and self.condition("PodScheduled") is None and not spoken_of

    @property
    def overdue_at(self) -> datetime:
        """When a scheduler that is at work would have spoken; an idle one takes milliseconds."""
        return self.created_at + _SCHEDULERS_PATIENCE

    @property
    def workload(self) -> ObjectKey:
        """What a person would change to change this pod."""
        return self.root

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.status.conditions if one.type == type_), None)

    @cached_property
    def ready(self) -> bool:
        condition = self.condition("Ready")
        return condition is not None and condition.status == "True"

    @cached_property
    def was_ready(self) -> bool:
        """Whether this pod was ready at any time that memory reaches."""
        return self.ready or any(_is_ready(event) for event in self.history.lived(self.at, self.uid))

    @cached_property
    def containers(self) -> list[ContainerView]:
        """Init containers first, in the order they run."""
        init = _paired(self.spec.init_containers, self.status.init_container_statuses)
        main = _paired(self.spec.containers, self.status.container_statuses)
        return [
            *(ContainerView(self, spec, status, init=True) for spec, status in init),
            *(ContainerView(self, spec, status, init=False) for spec, status in main),
        ]

    @property
    def node(self) -> NodeView | None:
        """The node it runs on, where that is known."""
        return node_view(self.moment, self.spec.node_name) if self.spec.node_name else None

    @cached_property
    def references(self) -> list[Reference]:
        """The ConfigMaps and Secrets it reads, each as often as it reads them."""
        return list(references(self.spec, self.key.namespace))

    @cached_property
    def workload_changes(self) -> list[Change]:
        """Changes of the pod template it came from, newest first, none younger than the pod."""
        changes = [change for change in self.changes_of(self.workload) if change.field.startswith("spec.template.")]
        return [change for change in changes if came_before(change.at, self.created_at)]

    def was_unwell_before(self, at: datetime) -> bool:
        """Whether its Deployment had said for a while that it is not available, just before `at`."""
        history = self.moment.history(self.workload)
        state = history.state(at - _INSTANT) if history else None
        if state is None or not isinstance(state.object, k8s.Deployment) or state.object.status.available_replicas:
            return False
        found = (one for one in state.object.status.conditions if (one.type, one.status) == ("Available", "False"))
        turned = next((one.last_transition_time for one in found), None)
        return turned is not None and at - turned >= _LONG_UNWELL


def _paired(
    specs: tuple[k8s.Container, ...], statuses: tuple[k8s.ContainerStatus, ...]
) -> Iterator[tuple[k8s.Container, k8s.ContainerStatus | None]]:
    by_name = {status.name: status for status in statuses}
    for spec in specs:
        yield spec, by_name.pop(spec.name, None)
    for status in by_name.values():  # a status whose spec is not there (a pruned object)
        yield k8s.Container(name=status.name, image=status.image), status


def _says_goodbye(event: UnifiedEvent) -> bool:
    """A container that is to be started again is killed with other words (pkg/kubelet/kuberuntime)."""
    return event.event_name is EventName.CONTROLLER_DELETED or event.message.startswith("Stopping container ")


def _is_ready(event: UnifiedEvent) -> bool:
    if not isinstance(event.object, k8s.Pod):
        return False
    return any(one.type == "Ready" and one.status == "True" for one in event.object.status.conditions)
