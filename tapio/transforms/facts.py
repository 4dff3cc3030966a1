"""Facts: the little of a pod or workload that other partitions lean on, small enough to send to every shard.

A fact is of one version of its object, and so is its id: a fact that comes back (a label changed and changed back) is
another fact, and which of two equal ones arrives first makes no difference.
"""

from collections.abc import Iterator

import msgspec

from tapio.raw.identity import digest
from tapio.unified import EntityName, EventName, K8sContext, UnifiedEvent
from tapio.unified import objects as k8s


def pod_facts(main: UnifiedEvent, pod: k8s.Pod) -> UnifiedEvent:
    """Who the pod is (labels, root) and how it is reached (ready, ports, address, node)."""
    ready = next((one for one in pod.status.conditions if one.type == "Ready"), None)
    serving = [*pod.spec.containers, *(one for one in pod.spec.init_containers if one.restart_policy == "Always")]
    facts = k8s.PodFacts(
        turned_at=(ready.last_transition_time if ready else None) or pod.metadata.creation_timestamp,
        ready=ready is not None and ready.status == "True",
        phase=pod.status.phase,
        node_name=pod.spec.node_name,
        pod_ip=pod.status.pod_ip,
        ports=tuple(port for container in serving for port in container.ports),
        probed=tuple(dict.fromkeys(port for container in serving for port in _probed(container))),
        undeclared=any(not container.ports for container in serving),
        deleting=pod.metadata.deletion_timestamp is not None,
    )
    return _fact(main, facts, EventName.POD_FACTS)


def _probed(container: k8s.Container) -> Iterator[k8s.Port]:
    for probe in (container.readiness_probe, container.liveness_probe, container.startup_probe):
        asked = probe and (probe.http_get or probe.tcp_socket or probe.grpc)
        if asked:
            yield asked.port


def workload_facts(main: UnifiedEvent, workload: k8s.Workload) -> UnifiedEvent | None:
    """How many pods a root workload wants and how they are labelled; None for a workload that another one owns."""
    if main.k8s_context.owner_references:
        return None
    facts = k8s.WorkloadFacts(
        workload=main.k8s_context.kind,
        replicas=workload.spec.replicas,
        template_labels=workload.spec.template.metadata.labels,
    )
    return _fact(main, facts, EventName.WORKLOAD_FACTS)


def _fact(main: UnifiedEvent, facts: k8s.PodFacts | k8s.WorkloadFacts, name: EventName) -> UnifiedEvent:
    context = main.k8s_context
    deleted = main.event_name is EventName.OBJECT_DELETED
    kind = type(facts).__name__
    own = msgspec.structs.replace(context, kind=kind, owner_references=())
    return msgspec.structs.replace(
        main,
        id="evt-" + digest(kind, main.id),
        event_name=EventName.OBJECT_DELETED if deleted else name,
        k8s_context=_named(own, facts),
        entity=EntityName(type=kind.lower(), name=context.name, namespace=context.namespace),
        object=facts,
        root=main.root or str(context.key),
    )


def _named(context: K8sContext, facts: k8s.PodFacts | k8s.WorkloadFacts) -> K8sContext:
    """Workloads of several kinds may share a name, so the kind is part of the fact's."""
    if isinstance(facts, k8s.PodFacts):
        return context
    return msgspec.structs.replace(context, name=f"{facts.workload}.{context.name}")
