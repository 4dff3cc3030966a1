"""The closed list of symptoms: how a thing looks when it has left its healthy path, in the words `kubectl get` uses."""

from enum import StrEnum


class SymptomCode(StrEnum):
    """What a person sees first; why it is so is a rule's business."""

    # Containers and pods.
    CRASH_LOOP = "CrashLoopBackOff"
    ERROR = "Error"
    OOM_KILLED = "OOMKilled"
    IMAGE_PULL = "ImagePullBackOff"
    INVALID_IMAGE_NAME = "InvalidImageName"
    CONFIG_ERROR = "CreateContainerConfigError"
    CREATE_ERROR = "CreateContainerError"
    RUN_ERROR = "RunContainerError"
    INIT_ERROR = "Init:Error"
    PENDING = "Pending"
    CONTAINER_CREATING = "ContainerCreating"
    STARTING = "Starting"
    NOT_READY = "NotReady"
    FAILED = "Failed"
    EVICTED = "Evicted"
    UNKNOWN = "Unknown"
    TERMINATING = "Terminating"

    # Workloads.
    UNAVAILABLE = "Unavailable"
    FAILED_CREATE = "FailedCreate"
    PROGRESS_DEADLINE = "ProgressDeadlineExceeded"
    SCALED_TO_ZERO = "ScaledToZero"
    JOB_FAILED = "JobFailed"

    # What acts on workloads from beside, and leads to them.
    NOT_SCALING = "NotScaling"
    MISSED_SCHEDULE = "MissedSchedule"
    EVICTION_REFUSED = "EvictionRefused"
    MISROUTED = "Misrouted"

    # Services, claims, nodes.
    NO_ENDPOINTS = "NoEndpoints"
    PORT_MISMATCH = "PortMismatch"
    FOREIGN_ENDPOINTS = "ForeignEndpoints"
    NO_LOAD_BALANCER = "NoLoadBalancer"
    DEPENDENCY_DOWN = "DependencyDown"  # of one who is well: what its settings name leads nowhere
    UNBOUND = "Unbound"
    NODE_NOT_READY = "NodeNotReady"
    NODE_PRESSURE = "NodePressure"
    NODE_PROBLEM = "NodeProblem"
