"""Workloads: what makes pods."""

from datetime import datetime

from tapio.unified.objects.part import Condition, LabelSelector, ObjectMeta, Part
from tapio.unified.objects.pods import PodSpec


class TemplateMeta(Part, frozen=True, kw_only=True):
    labels: dict[str, str] = {}


class PodTemplate(Part, frozen=True, kw_only=True):
    metadata: TemplateMeta = TemplateMeta()
    spec: PodSpec = PodSpec()


class WorkloadSpec(Part, frozen=True, kw_only=True):
    """The spec of Deployment, ReplicaSet, StatefulSet, DaemonSet and Job: the fields they share and a few of each."""

    replicas: int | None = None
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    paused: bool = False
    suspend: bool = False
    progress_deadline_seconds: int | None = None
    backoff_limit: int | None = None
    active_deadline_seconds: int | None = None
    completions: int | None = None
    service_name: str = ""


class WorkloadStatus(Part, frozen=True, kw_only=True):
    """The status of the same five kinds; absent numbers are zero, as the API leaves them out."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: datetime | None = None
    completion_time: datetime | None = None
    conditions: tuple[Condition, ...] = ()


class _Workload(Part, frozen=True, kw_only=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class Deployment(_Workload, frozen=True, kw_only=True, tag_field="kind", tag="Deployment"):
    pass


class ReplicaSet(_Workload, frozen=True, kw_only=True, tag_field="kind", tag="ReplicaSet"):
    pass


class StatefulSet(_Workload, frozen=True, kw_only=True, tag_field="kind", tag="StatefulSet"):
    pass


class DaemonSet(_Workload, frozen=True, kw_only=True, tag_field="kind", tag="DaemonSet"):
    pass


class Job(_Workload, frozen=True, kw_only=True, tag_field="kind", tag="Job"):
    pass


Workload = Deployment | ReplicaSet | StatefulSet | DaemonSet | Job
