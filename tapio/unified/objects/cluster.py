"""Nodes, namespaces and ConfigMaps: what pods run on and read."""

from datetime import datetime

import msgspec

from tapio.unified.objects.part import Condition, ObjectMeta, Part, Quantity


class Taint(Part, frozen=True, kw_only=True):
    key: str
    value: str = ""
    effect: str = ""
    time_added: datetime | None = None


class NodeSpec(Part, frozen=True, kw_only=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    pod_cidr: str = msgspec.field(default="", name="podCIDR")


class NodeStatus(Part, frozen=True, kw_only=True):
    conditions: tuple[Condition, ...] = ()
    allocatable: dict[str, Quantity] = {}
    capacity: dict[str, Quantity] = {}


class Node(Part, frozen=True, kw_only=True, tag_field="kind", tag="Node"):
    metadata: ObjectMeta = ObjectMeta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class NamespaceStatus(Part, frozen=True, kw_only=True):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()


class Namespace(Part, frozen=True, kw_only=True, tag_field="kind", tag="Namespace"):
    metadata: ObjectMeta = ObjectMeta()
    status: NamespaceStatus = NamespaceStatus()


class ConfigMap(Part, frozen=True, kw_only=True, tag_field="kind", tag="ConfigMap"):
    """Keys with their values, long values cut (the transform says where)."""

    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] = {}
