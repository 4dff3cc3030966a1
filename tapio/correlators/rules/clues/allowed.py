"""Whether NetworkPolicies let one side reach a port of the other (k8s.io/api/networking/v1).

A pod that no policy selects for a direction is open in it; one that is selected is reached only as some policy allows.
What cannot be known from here (an address outside the cluster against an ipBlock) is taken to be allowed.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from tapio.correlators.rules.clues.selecting import selected
from tapio.correlators.world import Moment
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_NAME_LABEL = "kubernetes.io/metadata.name"


class Side(NamedTuple):
    """One end of a connection; without a namespace it is outside of the cluster."""

    namespace: str
    labels: dict[str, str]
    address: str = ""


OUTSIDE = Side("", {})


class Door(NamedTuple):
    """A port as policies speak of it: its number, and the names that pods give it."""

    number: int
    names: frozenset[str] = frozenset()
    protocol: str = "TCP"


def blocking(moment: Moment, client: Side, server: Side, door: Door) -> list[UnifiedEvent]:
    """The policies that keep the client from the door, the newest first; none where it may pass.

    The client's own side is looked at first.
    """
    for own, other, direction in ((client, server, "Egress"), (server, client, "Ingress")):
        policies = list(_isolating(moment, own, direction))
        if policies and not any(_allows(moment, event, direction, other, door) for event in policies):
            return sorted(policies, key=lambda event: event.sort_key, reverse=True)
    return []


def _isolating(moment: Moment, side: Side, direction: str) -> Iterator[UnifiedEvent]:
    """The policies that select a side for a direction."""
    for event in moment.all("NetworkPolicy", side.namespace) if side.namespace else ():
        policy = event.object
        if not isinstance(policy, k8s.NetworkPolicy) or direction not in policy.spec.policy_types:
            continue
        if selected(policy.spec.pod_selector, side.labels):
            yield event


def _allows(moment: Moment, event: UnifiedEvent, direction: str, other: Side, door: Door) -> bool:
    policy = event.object
    assert isinstance(policy, k8s.NetworkPolicy)  # noqa: S101  the caller chose such events
    if direction == "Ingress":
        rules: list[tuple[Sequence[k8s.PolicyPeer], Sequence[k8s.PolicyPort]]]
        rules = [(rule.from_, rule.ports) for rule in policy.spec.ingress]
    else:
        rules = [(rule.to, rule.ports) for rule in policy.spec.egress]
    return any(_takes(moment, event.key.namespace, peers, other) and _opens(ports, door) for peers, ports in rules)


def _takes(moment: Moment, home: str, peers: Sequence[k8s.PolicyPeer], other: Side) -> bool:
    return not peers or any(_is_meant(moment, home, peer, other) for peer in peers)


def _is_meant(moment: Moment, home: str, peer: k8s.PolicyPeer, other: Side) -> bool:
    if peer.ip_block:
        return _in_block(peer.ip_block, other.address)
    if not other.namespace:
        return False
    if peer.namespace_selector is None:
        return other.namespace == home and selected(peer.pod_selector, other.labels)
    labels = _namespace_labels(moment, other.namespace)
    return selected(peer.namespace_selector, labels) and selected(peer.pod_selector, other.labels)


def _namespace_labels(moment: Moment, name: str) -> dict[str, str]:
    event = moment.state(ObjectKey("Namespace", "", name))
    return {_NAME_LABEL: name, **(event.k8s_context.labels if event else {})}


def _in_block(block: k8s.IPBlock, address: str) -> bool:
    if not address:
        return True
    try:
        where = ip_address(address)
        return where in ip_network(block.cidr, strict=False) and not any(
            where in ip_network(one, strict=False) for one in block.except_
        )
    except ValueError:
        return True


def _opens(ports: Sequence[k8s.PolicyPort], door: Door) -> bool:
    return not ports or any(_is_port(port, door) for port in ports)


def _is_port(port: k8s.PolicyPort, door: Door) -> bool:
    if port.protocol != door.protocol:
        return False
    if isinstance(port.port, str):
        return port.port in door.names
    last = port.end_port or port.port
    return not port.port or port.port <= door.number <= last
