"""A node."""

from datetime import datetime, timedelta
from functools import cached_property

from tapio.correlators.views.view import View
from tapio.correlators.world import Moment
from tapio.graph import Change
from tapio.unified import ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

# A new node is not ready while its CNI is installed; a kubelet registers as not ready at once.
_REGISTERING = timedelta(minutes=5)
_AT_ONCE = timedelta(seconds=2)


class NodeView(View):
    """A node."""

    @property
    def node(self) -> k8s.Node:
        assert isinstance(self.event.object, k8s.Node)  # noqa: S101  built for nodes alone
        return self.event.object

    @cached_property
    def happenings(self) -> list[UnifiedEvent]:
        """A kubelet's Events about its node bear the node's name as uid (pkg/kubelet: nodeRef)."""
        own = self.history.happenings(self.at, self.uid)
        kubelets = self.history.happenings(self.at, self.key.name)
        return sorted({event.id: event for event in (*own, *kubelets)}.values(), key=lambda event: event.sort_key)

    @property
    def created_at(self) -> datetime:
        return self.node.metadata.creation_timestamp or self.event.timestamp

    @property
    def ready(self) -> bool:
        condition = self.condition("Ready")
        return condition is None or condition.status == "True"

    @property
    def starting_until(self) -> datetime | None:
        """Until when a node that never was ready may yet be registering; None for one that was, or is past that."""
        condition = self.condition("Ready")
        until = self.created_at + _REGISTERING
        turned = condition.last_transition_time if condition else None
        if condition is None or condition.status == "True" or self.at >= until:
            return None
        return until if turned is None or turned - self.created_at <= _AT_ONCE else None

    @property
    def cordoned(self) -> Change | None:
        """The change that cordoned it, while that holds."""
        changes = self.changes_of(self.key) if self.node.spec.unschedulable else []
        return next((one for one in changes if one.field == "spec.unschedulable" and one.after), None)

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.node.status.conditions if one.type == type_), None)


def node_view(moment: Moment, name: str) -> NodeView | None:
    """The node of that name, where it is known."""
    key = ObjectKey("Node", "", name)
    event, history = moment.state(key), moment.history(key)
    if event is None or history is None or not isinstance(event.object, k8s.Node):
        return None
    return NodeView(moment, event, history)
