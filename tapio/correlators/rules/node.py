"""Causes in a node."""

from collections.abc import Iterator

from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.views import NodeView
from tapio.graph import RuledOut

_PRESSURES = {
    "MemoryPressure": "node.pressure_memory",
    "DiskPressure": "node.pressure_disk",
    "PIDPressure": "node.pressure_pid",
}


@rule("node.pressure_memory", "node.pressure_disk", "node.pressure_pid", version=1)
def pressure(node: NodeView) -> Iterator[Finding]:
    """The kubelet reports that the node runs short of something."""
    for type_, code in _PRESSURES.items():
        condition = node.condition(type_)
        if condition and condition.status == "True":
            yield Finding(
                code=code,
                blame=node.key,
                summary=f"node {node.key.name}: {condition.message or type_}",
                confidence=0.9,
                evidence=(node.fact(f"{type_}: {condition.message}", at=condition.last_transition_time),),
                next=(f"kubectl describe node {node.key.name}",),
            )


_STOPPED_REPORTING = "NodeStatusUnknown"


@rule("node.kubelet_down", version=1, decided_by=("kubeapi", "systemd"))
def kubelet_down(node: NodeView) -> Iterator[Finding]:
    """The node controller has not heard from the kubelet and marked everything it reports as unknown."""
    ready = node.condition("Ready")
    if ready is None or ready.status != "Unknown" or ready.reason != _STOPPED_REPORTING:
        return
    yield Finding(
        code="node.kubelet_down",
        blame=node.key,
        summary=f"the kubelet of node {node.key.name} stopped reporting",
        confidence=0.9,
        evidence=(node.fact(ready.message or ready.reason, at=ready.last_transition_time),),
        ruled_out=(
            RuledOut(code="node.pressure_memory", because="the kubelet did not report any before it fell silent"),
        ),
        next=(f"on {node.key.name}: systemctl status kubelet",),
    )
