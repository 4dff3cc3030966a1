"""How far the kubelet came with a pod that has not started: volumes, then the sandbox, then images and containers."""

from tapio.correlators.views import PodView
from tapio.unified import EventName, UnifiedEvent

_NOT_STARTED = frozenset({"ContainerCreating", "PodInitializing", ""})
_BEYOND = (
    EventName.IMAGE_PULLING,
    EventName.IMAGE_PULLED,
    EventName.IMAGE_PULL_FAILED,
    EventName.CONTAINER_CREATED,
    EventName.CONTAINER_START_FAILED,
)


def still_holds(pod: PodView, failure: UnifiedEvent) -> bool:
    """Whether a failure to mount or to make the sandbox is what the pod still waits for.

    Since 1.29 a condition says when both are done; Events of images and containers come after both.
    """
    done = pod.condition("PodReadyToStartContainers")
    if pod.ready or (done and done.status == "True"):
        return False
    if any(one.running_since or one.last_end for one in pod.containers):
        return False
    if any(one.waiting and one.waiting.reason not in _NOT_STARTED for one in pod.containers):
        return False
    return all(event.timestamp < failure.timestamp for event in pod.said(*_BEYOND))
