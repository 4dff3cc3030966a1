"""Kubernetes objects, pruned to the fields that rules read.

The shapes are those of the Kubernetes API (k8s.io/api at v0.34), so one decode of an object yields its state and
drops the rest. A field is added here when a rule needs it. Name, namespace, uid, labels and owners stand in the
event's `k8s_context` and are not repeated.
"""

from tapio.unified.objects.admission import (
    LimitRange,
    LimitRangeItem,
    LimitRangeSpec,
    MutatingWebhookConfiguration,
    QuotaSpec,
    QuotaStatus,
    ResourceQuota,
    ValidatingWebhookConfiguration,
    Webhook,
    WebhookClient,
    WebhookService,
)
from tapio.unified.objects.cluster import ConfigMap, Namespace, NamespaceStatus, Node, NodeSpec, NodeStatus, Taint
from tapio.unified.objects.facts import PodFacts, WorkloadFacts
from tapio.unified.objects.part import Condition, LabelSelector, LabelSelectorRequirement, ObjectMeta, Port, Quantity
from tapio.unified.objects.pods import (
    ClaimRef,
    Container,
    ContainerPort,
    ContainerState,
    ContainerStatus,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    EphemeralVolume,
    ExecAction,
    FieldSelector,
    GrpcAction,
    HostPath,
    HttpGet,
    KeySelector,
    NamedRef,
    Pod,
    PodSpec,
    PodStatus,
    Probe,
    ProjectedVolume,
    Resources,
    Running,
    SecretRef,
    SecurityContext,
    TcpSocket,
    Terminated,
    Toleration,
    Volume,
    VolumeMount,
    VolumeProjection,
    Waiting,
    volume_name,
)
from tapio.unified.objects.regulators import (
    AutoscalerSpec,
    AutoscalerStatus,
    BudgetSpec,
    BudgetStatus,
    CronJob,
    CronJobSpec,
    CronJobStatus,
    HorizontalPodAutoscaler,
    JobRef,
    PodDisruptionBudget,
    ScaleTarget,
)
from tapio.unified.objects.rights import ClusterRoleBinding, Grantee, RoleBinding, RoleRef
from tapio.unified.objects.services import (
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    Service,
    ServicePort,
    ServiceSpec,
)
from tapio.unified.objects.storage import (
    ClaimSpec,
    ClaimStatus,
    ObjectRef,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
    VolumeNodeAffinity,
    VolumeSpec,
    VolumeStatus,
)
from tapio.unified.objects.traffic import (
    BackendPort,
    EgressRule,
    HostRule,
    HTTPPath,
    HTTPPaths,
    Ingress,
    IngressBackend,
    IngressRule,
    IngressSpec,
    IngressTLS,
    IPBlock,
    NetworkPolicy,
    PolicyPeer,
    PolicyPort,
    PolicySpec,
    ServiceBackend,
)
from tapio.unified.objects.workloads import (
    DaemonSet,
    Deployment,
    Job,
    PodTemplate,
    ReplicaSet,
    StatefulSet,
    TemplateMeta,
    Workload,
    WorkloadSpec,
    WorkloadStatus,
)

__all__ = [
    "AutoscalerSpec",
    "AutoscalerStatus",
    "BackendPort",
    "BudgetSpec",
    "BudgetStatus",
    "ClaimRef",
    "ClaimSpec",
    "ClaimStatus",
    "ClusterRoleBinding",
    "Condition",
    "ConfigMap",
    "Container",
    "ContainerPort",
    "ContainerState",
    "ContainerStatus",
    "CronJob",
    "CronJobSpec",
    "CronJobStatus",
    "DaemonSet",
    "Deployment",
    "EgressRule",
    "Endpoint",
    "EndpointConditions",
    "EndpointPort",
    "EndpointSlice",
    "EnvFromSource",
    "EnvVar",
    "EnvVarSource",
    "EphemeralVolume",
    "ExecAction",
    "FieldSelector",
    "Grantee",
    "GrpcAction",
    "HTTPPath",
    "HTTPPaths",
    "HorizontalPodAutoscaler",
    "HostPath",
    "HostRule",
    "HttpGet",
    "IPBlock",
    "Ingress",
    "IngressBackend",
    "IngressRule",
    "IngressSpec",
    "IngressTLS",
    "Job",
    "JobRef",
    "KeySelector",
    "KubernetesObject",
    "LabelSelector",
    "LabelSelectorRequirement",
    "LimitRange",
    "LimitRangeItem",
    "LimitRangeSpec",
    "MutatingWebhookConfiguration",
    "NamedRef",
    "Namespace",
    "NamespaceStatus",
    "NetworkPolicy",
    "Node",
    "NodeSpec",
    "NodeStatus",
    "ObjectMeta",
    "ObjectRef",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "PodFacts",
    "PodSpec",
    "PodStatus",
    "PodTemplate",
    "PolicyPeer",
    "PolicyPort",
    "PolicySpec",
    "Port",
    "Probe",
    "ProjectedVolume",
    "Quantity",
    "QuotaSpec",
    "QuotaStatus",
    "ReplicaSet",
    "ResourceQuota",
    "Resources",
    "RoleBinding",
    "RoleRef",
    "Running",
    "ScaleTarget",
    "SecretRef",
    "SecurityContext",
    "Service",
    "ServiceBackend",
    "ServicePort",
    "ServiceSpec",
    "StatefulSet",
    "StorageClass",
    "Taint",
    "TcpSocket",
    "TemplateMeta",
    "Terminated",
    "Toleration",
    "ValidatingWebhookConfiguration",
    "Volume",
    "VolumeMount",
    "VolumeNodeAffinity",
    "VolumeProjection",
    "VolumeSpec",
    "VolumeStatus",
    "Waiting",
    "Webhook",
    "WebhookClient",
    "WebhookService",
    "Workload",
    "WorkloadFacts",
    "WorkloadSpec",
    "WorkloadStatus",
    "volume_name",
]

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
    | HorizontalPodAutoscaler
    | PodDisruptionBudget
    | CronJob
    | NetworkPolicy
    | Ingress
    | RoleBinding
    | ClusterRoleBinding
    | PodFacts
    | WorkloadFacts
)
