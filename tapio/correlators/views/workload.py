"""A Deployment, ReplicaSet, StatefulSet, DaemonSet or Job."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from tapio.correlators.hearsay import as_history, told
from tapio.correlators.history import History
from tapio.correlators.views.pod import PodView
from tapio.correlators.views.service import selects
from tapio.correlators.views.view import View
from tapio.correlators.world import Moment
from tapio.graph import Change
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_TO_ZERO = re.compile(r"Scaled down replica set \S+ (?:from \d+ )?to 0")

_ACCOUNT_COMES_WITHIN = timedelta(seconds=5)
_CONTROLLERS_PATIENCE = timedelta(seconds=60)


class WorkloadView(View):
    """A Deployment, ReplicaSet, StatefulSet, DaemonSet or Job."""

    def __init__(self, moment: Moment, event: UnifiedEvent, history: History) -> None:
        super().__init__(moment, event, history)
        self.object: Any = event.object

    @property
    def spec(self) -> k8s.WorkloadSpec:
        spec: k8s.WorkloadSpec = self.object.spec
        return spec

    @property
    def status(self) -> k8s.WorkloadStatus:
        status: k8s.WorkloadStatus = self.object.status
        return status

    @property
    def created_at(self) -> datetime:
        created: datetime | None = self.object.metadata.creation_timestamp
        return created or self.event.timestamp

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.status.conditions if one.type == type_), None)

    @property
    def desired(self) -> int:
        """How many pods it wants; the API leaves 1 out of no spec, so absent is 1 (a DaemonSet counts nodes)."""
        if isinstance(self.object, k8s.DaemonSet):
            return self.status.desired_number_scheduled
        return 1 if self.spec.replicas is None else self.spec.replicas

    @property
    def available(self) -> int:
        if isinstance(self.object, k8s.DaemonSet):
            return self.status.number_ready
        if isinstance(self.object, k8s.Deployment):
            return self.status.available_replicas
        return self.status.ready_replicas

    @cached_property
    def create_failures(self) -> list[UnifiedEvent]:
        """What its controller said of pods it could not create, since the last one that it could, oldest first."""
        created = self.said(EventName.CONTROLLER_CREATED)
        return self.said(EventName.CONTROLLER_CREATE_FAILED, since=created[-1].timestamp if created else None)

    @property
    def lacks_pods(self) -> bool:
        """Whether pods that it wants are not even there; a Deployment's ReplicaSets say so in a condition."""
        if self.by_hearsay:
            return True
        if isinstance(self.object, k8s.Job):
            over = self.condition("Complete") or self.condition("Failed") or self.spec.suspend
            return not over and not self.status.active
        if isinstance(self.object, k8s.DaemonSet):
            return self.status.number_ready < self.desired
        return self.status.replicas < self.desired

    @property
    def overdue_at(self) -> datetime | None:
        """When a controller that is at work would have taken note of its spec; None where it has.

        One that is busy takes a second or two: it writes status.observedGeneration before it does anything else.
        """
        if self.by_hearsay or self.object.metadata.generation <= self.status.observed_generation:
            return None
        return None if isinstance(self.object, k8s.Job) else self.event.timestamp + _CONTROLLERS_PATIENCE

    @property
    def refused_since(self) -> datetime:
        """Since when its pods are refused: by the condition, else by the first of the Events that say so."""
        condition = self.condition("ReplicaFailure")
        if condition and condition.status == "True" and condition.last_transition_time:
            return condition.last_transition_time
        return min((event.first_at for event in self.create_failures), default=self.event.timestamp)

    @property
    def account_due_at(self) -> datetime:
        """When a ServiceAccount that the cluster makes by itself in a new namespace would be there."""
        return self.refused_since + _ACCOUNT_COMES_WITHIN

    @cached_property
    def scaling(self) -> list[Change]:
        """Changes of how many pods it wants, newest first."""
        return [change for change in self.changes_of(self.key) if change.field == "spec.replicas"]

    @cached_property
    def scaled_down(self) -> UnifiedEvent | None:
        """The newest word of its controller that it was scaled to zero; one look has no change to show."""
        said = self.said(EventName.CONTROLLER_SCALED)
        newest = said[-1] if said else None
        return newest if newest and _TO_ZERO.match(newest.message) else None

    @cached_property
    def clients(self) -> list[UnifiedEvent]:
        """The Services that select its pods."""
        labels = self.spec.template.metadata.labels
        services = self.moment.all("Service", self.key.namespace)
        return [event for event in services if _selects(event, labels)]

    @property
    def emptied_at(self) -> datetime | None:
        """Since when it wants no pod, where somebody made that so or a Service misses them; None where it is so by
        design.
        """
        if self.scaling and self.scaling[0].after == 0:
            return self.scaling[0].at
        if self.scaled_down:
            return self.scaled_down.timestamp
        return self.event.timestamp if self.clients else None

    @cached_property
    def pods_made(self) -> list[ObjectKey]:
        """The pods that its controllers say they made."""
        return list(dict.fromkeys(_pods_made(self.moment, self.key)))

    @cached_property
    def pods_told_of(self) -> list[PodView]:
        """Those of them of which anything is known."""
        return [pod for key in self.pods_made if (pod := _pod_view(self.moment, key))]


def _selects(service: UnifiedEvent, labels: dict[str, str]) -> bool:
    return isinstance(service.object, k8s.Service) and selects(service.object.spec.selector, labels)


def _pods_made(moment: Moment, owner: ObjectKey) -> Iterator[ObjectKey]:
    history = moment.history(owner)
    for event in history.said if history else ():
        made = event.attributes.object if event.attributes and event.timestamp <= moment.at else ""
        if not made:
            continue
        key = ObjectKey.parse(made)
        if key.kind == "Pod":
            yield key
        elif key != owner:
            yield from _pods_made(moment, key)


def _pod_view(moment: Moment, key: ObjectKey) -> PodView | None:
    history = moment.history(key)
    state = history.state(moment.at) if history else None
    if history is None or (state and not isinstance(state.object, k8s.Pod)):
        return None
    if state:
        return PodView(moment, state, history)
    heard = told(history, moment.at)
    if heard is None:
        return None
    view = PodView(moment, heard, as_history(history, heard))
    view.by_hearsay = True
    return view
