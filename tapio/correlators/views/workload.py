"""A Deployment, ReplicaSet, StatefulSet, DaemonSet or Job."""

from datetime import datetime
from typing import Any

from tapio.correlators.history import History
from tapio.correlators.views.view import View
from tapio.correlators.world import Moment
from tapio.unified import UnifiedEvent
from tapio.unified import objects as k8s


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
