"""The little of pods and workloads that every shard reads."""

from datetime import datetime

from tapio.unified.objects.part import Part, Port
from tapio.unified.objects.pods import ContainerPort


class PodFacts(Part, frozen=True, kw_only=True, tag_field="kind", tag="PodFacts"):
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


class WorkloadFacts(Part, frozen=True, kw_only=True, tag_field="kind", tag="WorkloadFacts"):
    """What other partitions need of a workload: how many pods it wants, and what they are labelled."""

    workload: str = ""
    replicas: int | None = None
    template_labels: dict[str, str] = {}
