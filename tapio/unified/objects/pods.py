"""Pods and their containers."""

from datetime import datetime
from typing import Any

import msgspec

from tapio.unified.objects.part import Condition, ObjectMeta, Part, Port, Quantity


class KeySelector(Part, frozen=True, kw_only=True):
    name: str = ""
    key: str = ""
    optional: bool = False


class FieldSelector(Part, frozen=True, kw_only=True):
    field_path: str = ""


class EnvVarSource(Part, frozen=True, kw_only=True):
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: FieldSelector | None = None


class EnvVar(Part, frozen=True, kw_only=True):
    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class EnvFromSource(Part, frozen=True, kw_only=True):
    config_map_ref: KeySelector | None = None
    secret_ref: KeySelector | None = None
    prefix: str = ""


class ContainerPort(Part, frozen=True, kw_only=True):
    container_port: int
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0


class HttpGet(Part, frozen=True, kw_only=True):
    port: Port = 0
    path: str = ""
    scheme: str = "HTTP"


class TcpSocket(Part, frozen=True, kw_only=True):
    port: Port = 0


class GrpcAction(Part, frozen=True, kw_only=True):
    port: int = 0


class ExecAction(Part, frozen=True, kw_only=True):
    command: tuple[str, ...] = ()


class Probe(Part, frozen=True, kw_only=True):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: GrpcAction | None = None
    exec: ExecAction | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    failure_threshold: int = 3


class Resources(Part, frozen=True, kw_only=True):
    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class VolumeMount(Part, frozen=True, kw_only=True):
    name: str
    mount_path: str = ""
    sub_path: str = ""


class SecurityContext(Part, frozen=True, kw_only=True):
    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    privileged: bool | None = None


class Container(Part, frozen=True, kw_only=True):
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
    security_context: SecurityContext | None = None


class NamedRef(Part, frozen=True, kw_only=True):
    name: str = ""
    optional: bool = False


class SecretRef(Part, frozen=True, kw_only=True):
    secret_name: str = ""
    optional: bool = False


class ClaimRef(Part, frozen=True, kw_only=True):
    claim_name: str = ""


class HostPath(Part, frozen=True, kw_only=True):
    path: str = ""
    type: str = ""


class VolumeProjection(Part, frozen=True, kw_only=True):
    config_map: NamedRef | None = None
    secret: NamedRef | None = None


class ProjectedVolume(Part, frozen=True, kw_only=True):
    sources: tuple[VolumeProjection, ...] = ()


class EphemeralVolume(Part, frozen=True, kw_only=True):
    """A claim made for the pod alone; its name is `<pod>-<volume>`."""


# Admission gives every pod a volume with its account's token, and mounts it; the five letters at its end are random
# (plugin/pkg/admission/serviceaccount). Without them replicas have equal containers.
_OF_THE_ACCOUNT = "kube-api-access"


def volume_name(name: str) -> str:
    """A volume's name as its replicas have it, too."""
    return _OF_THE_ACCOUNT if name.startswith(f"{_OF_THE_ACCOUNT}-") else name


class Volume(Part, frozen=True, kw_only=True):
    name: str
    config_map: NamedRef | None = None
    secret: SecretRef | None = None
    persistent_volume_claim: ClaimRef | None = None
    ephemeral: EphemeralVolume | None = None
    host_path: HostPath | None = None
    projected: ProjectedVolume | None = None


class Toleration(Part, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""


class ReadinessGate(Part, frozen=True, kw_only=True):
    condition_type: str = ""


class PodSpec(Part, frozen=True, kw_only=True):
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
    readiness_gates: tuple[ReadinessGate, ...] = ()
    security_context: SecurityContext | None = None


class Running(Part, frozen=True, kw_only=True):
    started_at: datetime | None = None


class Waiting(Part, frozen=True, kw_only=True):
    reason: str = ""
    message: str = ""


class Terminated(Part, frozen=True, kw_only=True):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Part, frozen=True, kw_only=True):
    running: Running | None = None
    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(Part, frozen=True, kw_only=True):
    name: str
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(Part, frozen=True, kw_only=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    start_time: datetime | None = None
    pod_ip: str = msgspec.field(default="", name="podIP")


class Pod(Part, frozen=True, kw_only=True, tag_field="kind", tag="Pod"):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
