"""A node."""

from tapio.correlators.views.view import View
from tapio.correlators.world import Moment
from tapio.unified import ObjectKey
from tapio.unified import objects as k8s


class NodeView(View):
    """A node."""

    @property
    def node(self) -> k8s.Node:
        assert isinstance(self.event.object, k8s.Node)  # noqa: S101  built for nodes alone
        return self.event.object

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.node.status.conditions if one.type == type_), None)


def node_view(moment: Moment, name: str) -> NodeView | None:
    """The node of that name, where it is known."""
    key = ObjectKey("Node", "", name)
    event, history = moment.state(key), moment.history(key)
    if event is None or history is None or not isinstance(event.object, k8s.Node):
        return None
    return NodeView(moment, event, history)
