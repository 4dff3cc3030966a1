"""Where Services, nodes and claims are in their lives: what pods are reached through, run on and store to."""

from datetime import datetime

import msgspec

from tapio.correlators.sequence.sighting import START_BUDGET, Sighting, seen_as, seen_of
from tapio.correlators.views import ClaimView, NodeView, ServiceView, facts_of, strayed
from tapio.graph import SymptomCode
from tapio.unified import EventName, UnifiedEvent


def of_service(service: ServiceView) -> Sighting | None:
    spec = service.spec
    if not spec.selector or spec.type == "ExternalName" or spec.publish_not_ready_addresses:
        return None
    if service.ready_endpoints:
        return _astray(service) or _intruded(service) or _unbalanced(service)
    seen = seen_of(service, SymptomCode.NO_ENDPOINTS, _emptied_at(service), "no endpoint is ready")
    turned = (facts_of(pod).turned_at or pod.timestamp for pod in service.backends)
    newest = max([service.created_at, *turned])
    return msgspec.structs.replace(seen, expected_by=newest + START_BUDGET)


def _astray(service: ServiceView) -> Sighting | None:
    if not service.astray:
        away = strayed(service)
        text = "endpoints are ready, and are another workload's pods"
        return seen_of(service, SymptomCode.FOREIGN_ENDPOINTS, away.change.at, text) if away else None
    ports = ", ".join(f"{one.port.port} -> {one.target}" for one in service.astray)
    changed = max((change.at for change in service.target_changes), default=service.created_at)
    return seen_of(service, SymptomCode.PORT_MISMATCH, changed, f"endpoints are ready, ports lead nowhere: {ports}")


def _intruded(service: ServiceView) -> Sighting | None:
    if not service.intruders:
        return None
    since = max(facts_of(pod).turned_at or pod.timestamp for pod in service.intruders)
    text = f"{len(service.intruders)} of {len(service.ready_backends)} endpoints are another workload's pods"
    return seen_of(service, SymptomCode.FOREIGN_ENDPOINTS, since, text)


def balancer_failure(service: ServiceView) -> UnifiedEvent | None:
    """The newest word of its cloud's controller, where that is that it failed."""
    said = service.said(EventName.BALANCER_FAILED, EventName.BALANCER_READY)
    return said[-1] if said and said[-1].event_name is EventName.BALANCER_FAILED else None


def _unbalanced(service: ServiceView) -> Sighting | None:
    said = balancer_failure(service) if service.spec.type == "LoadBalancer" else None
    return seen_of(service, SymptomCode.NO_LOAD_BALANCER, said.timestamp, said.message) if said else None


def _emptied_at(service: ServiceView) -> datetime:
    """Since when nothing backs it: the newest thing that can have taken the last endpoint away."""
    return max([service.created_at, *(event.timestamp for event in service.slices)])


def of_node(node: NodeView) -> Sighting | None:
    ready = node.condition("Ready")
    if ready and ready.status != "True":
        seen = seen_as(node, SymptomCode.NODE_NOT_READY, ready)
        return msgspec.structs.replace(seen, expected_by=node.starting_until, recheck_at=node.starting_until)
    for condition in node.node.status.conditions:
        if condition.type.endswith("Pressure") and condition.status == "True":
            return seen_as(node, SymptomCode.NODE_PRESSURE, condition)
    problem = next((one for one in node.node.status.conditions if one.type in PROBLEMS and one.status == "True"), None)
    return seen_as(node, SymptomCode.NODE_PROBLEM, problem) if problem else None


# Conditions that a cloud's controller, node-problem-detector and its kin set beside the kubelet's own.
PROBLEMS = frozenset(
    {
        "NetworkUnavailable",
        "KernelDeadlock",
        "ReadonlyFilesystem",
        "FilesystemCorruptionProblem",
        "FrequentKubeletRestart",
        "FrequentContainerdRestart",
        "FrequentDockerRestart",
        "ContainerRuntimeProblem",
        "KubeletProblem",
    }
)


def of_claim(claim: ClaimView) -> Sighting | None:
    """Not bound: one that waits for its first pod is well, and a volume may take a while to be made."""
    if claim.is_bound or claim.waits_for_a_pod:
        return None
    phase = claim.claim.status.phase or "Pending"
    seen = seen_of(claim, SymptomCode.UNBOUND, claim.created_at, f"{phase}: no volume is bound to it")
    if phase == "Lost":
        return seen
    recheck_at = claim.overdue_at if claim.at < claim.overdue_at else None
    return msgspec.structs.replace(seen, expected_by=claim.created_at + START_BUDGET, recheck_at=recheck_at)
