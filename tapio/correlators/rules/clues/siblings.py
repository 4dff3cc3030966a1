"""Containers of one pod lean on one another: they share its network, so its loopback leads from one to the other."""

from tapio.correlators.rules.clues.dependency_text import unanswered
from tapio.correlators.rules.clues.listening import Fit, fit
from tapio.correlators.views import ContainerView

_LOOPBACK = ("localhost", "::1", "127.0.0.1")


def waits_for(container: ContainerView) -> ContainerView | None:
    """The container beside it that it asks on the pod's loopback, by its last words, and that does not run well.

    That is the one which is meant to listen on the port, or the only other there is.
    """
    asked = {address.port for address, _ in unanswered(container.last_words) if address.host in _LOOPBACK}
    beside = [one for one in container.pod.containers if one.name != container.name and _is_kept_running(one)]
    for port in sorted(asked):
        meant = [one for one in beside if _listens_on(one, port)] or (beside if len(beside) == 1 else [])
        down = next((one for one in meant if one.unwell or one.running_since is None), None)
        if down:
            return down
    return None


def _listens_on(container: ContainerView, port: int) -> bool:
    """Whether the container, and not merely its pod, is meant to listen on the port."""
    declared = {one.container_port for one in container.spec.ports}
    others = {one.container_port for each in container.pod.containers for one in each.spec.ports} - declared
    return port in declared or (port not in others and fit(container, port) is Fit.RIGHT)


def _is_kept_running(container: ContainerView) -> bool:
    return not container.init or container.spec.restart_policy == "Always"
