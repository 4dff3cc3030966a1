"""Autoscalers, disruption budgets and schedules: what acts on workloads from beside."""

from datetime import datetime
from functools import cached_property

from tapio.correlators.views.node import node_view
from tapio.correlators.views.service import facts_of
from tapio.correlators.views.view import View
from tapio.graph import Change
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s


class AutoscalerView(View):
    """A HorizontalPodAutoscaler."""

    @property
    def autoscaler(self) -> k8s.HorizontalPodAutoscaler:
        assert isinstance(self.event.object, k8s.HorizontalPodAutoscaler)  # noqa: S101  built for autoscalers alone
        return self.event.object

    @property
    def target(self) -> ObjectKey:
        """The workload that it scales."""
        ref = self.autoscaler.spec.scale_target_ref
        return ObjectKey(ref.kind, self.key.namespace, ref.name)

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.autoscaler.status.conditions if one.type == type_), None)


class BudgetView(View):
    """A PodDisruptionBudget."""

    @property
    def budget(self) -> k8s.PodDisruptionBudget:
        assert isinstance(self.event.object, k8s.PodDisruptionBudget)  # noqa: S101  built for budgets alone
        return self.event.object

    @cached_property
    def pods(self) -> list[UnifiedEvent]:
        """The facts of the pods that it protects."""
        labels = self.budget.spec.selector.match_labels
        return self.moment.labelled("PodFacts", self.key.namespace, labels)

    @cached_property
    def held(self) -> list[UnifiedEvent]:
        """The facts of those of them that are on a node somebody cordoned: what a drain waits for."""
        return [pod for pod in self.pods if self._is_cordoned(facts_of(pod).node_name) and not facts_of(pod).deleting]

    def _is_cordoned(self, name: str) -> bool:
        node = node_view(self.moment, name) if name else None
        return node is not None and node.node.spec.unschedulable

    @property
    def cordons(self) -> list[Change]:
        """The changes that cordoned the nodes where its pods are held, the newest first."""
        names = sorted({facts_of(pod).node_name for pod in self.held})
        found = [node.cordoned for name in names if (node := node_view(self.moment, name))]
        return sorted((one for one in found if one), key=lambda change: change.at, reverse=True)


class ScheduleView(View):
    """A CronJob."""

    @property
    def schedule(self) -> k8s.CronJob:
        assert isinstance(self.event.object, k8s.CronJob)  # noqa: S101  built for schedules alone
        return self.event.object

    @cached_property
    def missed(self) -> UnifiedEvent | None:
        """The newest word of its controller that it did not start a Job, since the last that it did."""
        started = self.schedule.status.last_schedule_time
        said = [one for one in self.said(EventName.SCHEDULE_MISSED) if started is None or one.timestamp > started]
        return said[-1] if said else None

    @property
    def suspended(self) -> Change | None:
        """The change that suspended it, while that holds."""
        changes = self.changes_of(self.key) if self.schedule.spec.suspend else []
        return next((one for one in changes if one.field == "spec.suspend" and one.after), None)

    @property
    def created_at(self) -> datetime:
        return self.schedule.metadata.creation_timestamp or self.event.timestamp
