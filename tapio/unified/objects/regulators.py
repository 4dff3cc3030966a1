"""What acts on workloads from beside: autoscalers, disruption budgets, schedules."""

from datetime import datetime

from tapio.unified.objects.part import Condition, LabelSelector, ObjectMeta, Part, Port


class ScaleTarget(Part, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""


class AutoscalerSpec(Part, frozen=True, kw_only=True):
    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int = 1
    max_replicas: int = 0


class AutoscalerStatus(Part, frozen=True, kw_only=True):
    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


class HorizontalPodAutoscaler(Part, frozen=True, kw_only=True, tag_field="kind", tag="HorizontalPodAutoscaler"):
    metadata: ObjectMeta = ObjectMeta()
    spec: AutoscalerSpec = AutoscalerSpec()
    status: AutoscalerStatus = AutoscalerStatus()


class BudgetSpec(Part, frozen=True, kw_only=True):
    selector: LabelSelector = LabelSelector()
    min_available: Port | None = None
    max_unavailable: Port | None = None


class BudgetStatus(Part, frozen=True, kw_only=True):
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    conditions: tuple[Condition, ...] = ()


class PodDisruptionBudget(Part, frozen=True, kw_only=True, tag_field="kind", tag="PodDisruptionBudget"):
    metadata: ObjectMeta = ObjectMeta()
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


class JobRef(Part, frozen=True, kw_only=True):
    name: str = ""


class CronJobSpec(Part, frozen=True, kw_only=True):
    schedule: str = ""
    suspend: bool = False
    concurrency_policy: str = "Allow"
    starting_deadline_seconds: int | None = None


class CronJobStatus(Part, frozen=True, kw_only=True):
    active: tuple[JobRef, ...] = ()
    last_schedule_time: datetime | None = None
    last_successful_time: datetime | None = None


class CronJob(Part, frozen=True, kw_only=True, tag_field="kind", tag="CronJob"):
    metadata: ObjectMeta = ObjectMeta()
    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()
