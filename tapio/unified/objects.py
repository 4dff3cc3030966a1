"""Kubernetes objects, pruned to the fields that rules read.

The shapes are those of the Kubernetes API (k8s.io/api at v0.34), so one decode of an object yields its state and
drops the rest. A field is added here when a rule needs it. Name, namespace, uid, labels and owners stand in the
event's `k8s_context` and are not repeated.
"""

from datetime import datetime
from typing import Any

import msgspec

Quantity = str | int | float
Port = int | str


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """The base of every part of an object: camelCase on the wire, absent where default."""


class ObjectMeta(_Part, frozen=True, kw_only=True):
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    generation: int = 0
    finalizers: tuple[str, ...] = ()


class LabelSelectorRequirement(_Part, frozen=True, kw_only=True):
    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(_Part, frozen=True, kw_only=True):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class Condition(_Part, frozen=True, kw_only=True):
    """One entry of `status.conditions`, for every kind that has them."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_heartbeat_time: datetime | None = None


# --- Pod -------------------------------------------------------------------------------------------------------------


class KeySelector(_Part, frozen=True, kw_only=True):
    name: str = ""
    key: str = ""
    optional: bool = False


class FieldSelector(_Part, frozen=True, kw_only=True):
    field_path: str = ""


class EnvVarSource(_Part, frozen=True, kw_only=True):
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: FieldSelector | None = None


class EnvVar(_Part, frozen=True, kw_only=True):
    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class EnvFromSource(_Part, frozen=True, kw_only=True):
    config_map_ref: KeySelector | None = None
    secret_ref: KeySelector | None = None
    prefix: str = ""


class ContainerPort(_Part, frozen=True, kw_only=True):
    container_port: int
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0


class HttpGet(_Part, frozen=True, kw_only=True):
    port: Port = 0
    path: str = ""
    scheme: str = "HTTP"


class TcpSocket(_Part, frozen=True, kw_only=True):
    port: Port = 0


class GrpcAction(_Part, frozen=True, kw_only=True):
    port: int = 0


class ExecAction(_Part, frozen=True, kw_only=True):
    command: tuple[str, ...] = ()


class Probe(_Part, frozen=True, kw_only=True):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: GrpcAction | None = None
    exec: ExecAction | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    failure_threshold: int = 3


class Resources(_Part, frozen=True, kw_only=True):
    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class VolumeMount(_Part, frozen=True, kw_only=True):
    name: str
    mount_path: str = ""
    sub_path: str = ""


class SecurityContext(_Part, frozen=True, kw_only=True):
    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    privileged: bool | None = None


class Container(_Part, frozen=True, kw_only=True):
    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    resources: Resources | None = None
    volume_mounts: tuple[VolumeMount, ...] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    restart_policy: str = ""
    image_pull_policy: str = ""
    security_context: SecurityContext | None = None


class NamedRef(_Part, frozen=True, kw_only=True):
    name: str = ""
    optional: bool = False


class SecretRef(_Part, frozen=True, kw_only=True):
    secret_name: str = ""
    optional: bool = False


class ClaimRef(_Part, frozen=True, kw_only=True):
    claim_name: str = ""


class HostPath(_Part, frozen=True, kw_only=True):
    path: str = ""
    type: str = ""


class VolumeProjection(_Part, frozen=True, kw_only=True):
    config_map: NamedRef | None = None
    secret: NamedRef | None = None


class ProjectedVolume(_Part, frozen=True, kw_only=True):
    sources: tuple[VolumeProjection, ...] = ()


class EphemeralVolume(_Part, frozen=True, kw_only=True):
    """A claim made for the pod alone; its name is `<pod>-<volume>`."""

    volume_claim_template: dict[str, Any] = {}


class Volume(_Part, frozen=True, kw_only=True):
    name: str
    config_map: NamedRef | None = None
    secret: SecretRef | None = None
    persistent_volume_claim: ClaimRef | None = None
    ephemeral: EphemeralVolume | None = None
    host_path: HostPath | None = None
    projected: ProjectedVolume | None = None


class Toleration(_Part, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""


class PodSpec(_Part, frozen=True, kw_only=True):
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    node_name: str = ""
    node_selector: dict[str, str] = {}
    affinity: dict[str, Any] = {}
    tolerations: tuple[Toleration, ...] = ()
    restart_policy: str = "Always"
    service_account_name: str = ""
    priority_class_name: str = ""
    scheduler_name: str = ""
    overhead: dict[str, Quantity] = {}
    host_network: bool = False
    dns_policy: str = ""
    active_deadline_seconds: int | None = None
    termination_grace_period_seconds: int | None = None
    image_pull_secrets: tuple[NamedRef, ...] = ()
    topology_spread_constraints: tuple[Any, ...] = ()
    security_context: SecurityContext | None = None


class Running(_Part, frozen=True, kw_only=True):
    started_at: datetime | None = None


class Waiting(_Part, frozen=True, kw_only=True):
    reason: str = ""
    message: str = ""


class Terminated(_Part, frozen=True, kw_only=True):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(_Part, frozen=True, kw_only=True):
    running: Running | None = None
    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Part, frozen=True, kw_only=True):
    name: str
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    container_id: str = msgspec.field(default="", name="containerID")
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(_Part, frozen=True, kw_only=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    start_time: datetime | None = None
    pod_ip: str = msgspec.field(default="", name="podIP")
    nominated_node_name: str = ""


class Pod(_Part, frozen=True, kw_only=True, tag_field="kind", tag="Pod"):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


# --- Workloads -------------------------------------------------------------------------------------------------------


class TemplateMeta(_Part, frozen=True, kw_only=True):
    labels: dict[str, str] = {}


class PodTemplate(_Part, frozen=True, kw_only=True):
    metadata: TemplateMeta = TemplateMeta()
    spec: PodSpec = PodSpec()


class WorkloadSpec(_Part, frozen=True, kw_only=True):
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


class WorkloadStatus(_Part, frozen=True, kw_only=True):
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


class _Workload(_Part, frozen=True, kw_only=True):
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


# --- What pods lean on -----------------------------------------------------------------------------------------------


class Taint(_Part, frozen=True, kw_only=True):
    key: str
    value: str = ""
    effect: str = ""
    time_added: datetime | None = None


class NodeSpec(_Part, frozen=True, kw_only=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    pod_cidr: str = msgspec.field(default="", name="podCIDR")


class NodeStatus(_Part, frozen=True, kw_only=True):
    conditions: tuple[Condition, ...] = ()
    allocatable: dict[str, Quantity] = {}
    capacity: dict[str, Quantity] = {}


class Node(_Part, frozen=True, kw_only=True, tag_field="kind", tag="Node"):
    metadata: ObjectMeta = ObjectMeta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class NamespaceStatus(_Part, frozen=True, kw_only=True):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()


class Namespace(_Part, frozen=True, kw_only=True, tag_field="kind", tag="Namespace"):
    metadata: ObjectMeta = ObjectMeta()
    status: NamespaceStatus = NamespaceStatus()


class ObjectRef(_Part, frozen=True, kw_only=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class ClaimSpec(_Part, frozen=True, kw_only=True):
    """`storage_class_name` None asks for the default class, empty for none at all."""

    storage_class_name: str | None = None
    access_modes: tuple[str, ...] = ()
    resources: Resources = Resources()
    selector: LabelSelector | None = None
    volume_name: str = ""
    volume_mode: str = "Filesystem"


class ClaimStatus(_Part, frozen=True, kw_only=True):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()


class PersistentVolumeClaim(_Part, frozen=True, kw_only=True, tag_field="kind", tag="PersistentVolumeClaim"):
    metadata: ObjectMeta = ObjectMeta()
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class VolumeNodeAffinity(_Part, frozen=True, kw_only=True):
    required: dict[str, Any] = {}


class VolumeSpec(_Part, frozen=True, kw_only=True):
    storage_class_name: str = ""
    access_modes: tuple[str, ...] = ()
    capacity: dict[str, Quantity] = {}
    claim_ref: ObjectRef | None = None
    node_affinity: VolumeNodeAffinity | None = None
    volume_mode: str = "Filesystem"


class VolumeStatus(_Part, frozen=True, kw_only=True):
    phase: str = ""
    reason: str = ""
    message: str = ""


class PersistentVolume(_Part, frozen=True, kw_only=True, tag_field="kind", tag="PersistentVolume"):
    metadata: ObjectMeta = ObjectMeta()
    spec: VolumeSpec = VolumeSpec()
    status: VolumeStatus = VolumeStatus()


class StorageClass(_Part, frozen=True, kw_only=True, tag_field="kind", tag="StorageClass"):
    metadata: ObjectMeta = ObjectMeta()
    provisioner: str = ""
    volume_binding_mode: str = "Immediate"


# --- What admission leans on -----------------------------------------------------------------------------------------


class QuotaSpec(_Part, frozen=True, kw_only=True):
    hard: dict[str, Quantity] = {}


class QuotaStatus(_Part, frozen=True, kw_only=True):
    hard: dict[str, Quantity] = {}
    used: dict[str, Quantity] = {}


class ResourceQuota(_Part, frozen=True, kw_only=True, tag_field="kind", tag="ResourceQuota"):
    metadata: ObjectMeta = ObjectMeta()
    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()


class LimitRangeItem(_Part, frozen=True, kw_only=True):
    type: str = ""
    max: dict[str, Quantity] = {}
    min: dict[str, Quantity] = {}
    default: dict[str, Quantity] = {}
    max_limit_request_ratio: dict[str, Quantity] = {}


class LimitRangeSpec(_Part, frozen=True, kw_only=True):
    limits: tuple[LimitRangeItem, ...] = ()


class LimitRange(_Part, frozen=True, kw_only=True, tag_field="kind", tag="LimitRange"):
    metadata: ObjectMeta = ObjectMeta()
    spec: LimitRangeSpec = LimitRangeSpec()


class WebhookService(_Part, frozen=True, kw_only=True):
    namespace: str = ""
    name: str = ""
    path: str = ""
    port: int = 443


class WebhookClient(_Part, frozen=True, kw_only=True):
    service: WebhookService | None = None
    url: str = ""


class Webhook(_Part, frozen=True, kw_only=True):
    name: str
    client_config: WebhookClient = WebhookClient()
    failure_policy: str = "Fail"
    timeout_seconds: int = 10


class _WebhookConfiguration(_Part, frozen=True, kw_only=True):
    metadata: ObjectMeta = ObjectMeta()
    webhooks: tuple[Webhook, ...] = ()


class ValidatingWebhookConfiguration(
    _WebhookConfiguration, frozen=True, kw_only=True, tag_field="kind", tag="ValidatingWebhookConfiguration"
):
    pass


class MutatingWebhookConfiguration(
    _WebhookConfiguration, frozen=True, kw_only=True, tag_field="kind", tag="MutatingWebhookConfiguration"
):
    pass


# --- What is reached -------------------------------------------------------------------------------------------------


class ServicePort(_Part, frozen=True, kw_only=True):
    port: int
    name: str = ""
    protocol: str = "TCP"
    target_port: Port = 0
    node_port: int = 0


class ServiceSpec(_Part, frozen=True, kw_only=True):
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    type: str = "ClusterIP"
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    external_name: str = ""
    publish_not_ready_addresses: bool = False


class Service(_Part, frozen=True, kw_only=True, tag_field="kind", tag="Service"):
    metadata: ObjectMeta = ObjectMeta()
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(_Part, frozen=True, kw_only=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(_Part, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""
    uid: str = ""


class Endpoint(_Part, frozen=True, kw_only=True):
    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetRef | None = None
    node_name: str = ""


class EndpointPort(_Part, frozen=True, kw_only=True):
    name: str = ""
    port: int | None = None
    protocol: str = "TCP"


class EndpointSlice(_Part, frozen=True, kw_only=True, tag_field="kind", tag="EndpointSlice"):
    """The Service it belongs to is its label `kubernetes.io/service-name`."""

    metadata: ObjectMeta = ObjectMeta()
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class ConfigMap(_Part, frozen=True, kw_only=True, tag_field="kind", tag="ConfigMap"):
    """Keys with their values, long values cut (the transform says where)."""

    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] = {}


class PodFacts(_Part, frozen=True, kw_only=True, tag_field="kind", tag="PodFacts"):
    """What other partitions need of a pod: who it is stands in the event's context, this is how it is reached.

    `ports` are those that containers declare, `probed` those that probes ask; `undeclared`: some container has none.
    """

    turned_at: datetime | None = None  # since when it is ready, or is not
    ready: bool = False
    phase: str = ""
    node_name: str = ""
    pod_ip: str = ""
    ports: tuple[ContainerPort, ...] = ()
    probed: tuple[Port, ...] = ()
    undeclared: bool = False
    deleting: bool = False


class WorkloadFacts(_Part, frozen=True, kw_only=True, tag_field="kind", tag="WorkloadFacts"):
    """What other partitions need of a workload: how many pods it wants, and what they are labelled."""

    workload: str = ""
    replicas: int | None = None
    template_labels: dict[str, str] = {}


KubernetesObject = (
    Pod
    | Deployment
    | ReplicaSet
    | StatefulSet
    | DaemonSet
    | Job
    | Node
    | Namespace
    | Service
    | EndpointSlice
    | ConfigMap
    | PersistentVolumeClaim
    | PersistentVolume
    | StorageClass
    | ResourceQuota
    | LimitRange
    | ValidatingWebhookConfiguration
    | MutatingWebhookConfiguration
    | PodFacts
    | WorkloadFacts
)
