"""Services that lead to other people's pods: since a change of their selector, while their own still wait."""

from typing import NamedTuple

from tapio.correlators.views.service import ServiceView, facts_of
from tapio.graph import Change
from tapio.unified import UnifiedEvent


class Strayed(NamedTuple):
    """The change of the selector, the pods that were meant, and those that get their traffic."""

    change: Change
    meant: list[UnifiedEvent]
    foreign: list[UnifiedEvent]


def strayed(service: ServiceView) -> Strayed | None:
    """What the Service was led away from by a change of its selector; None where it may well be meant so.

    The workload that bears the Service's name was selected before, is ready and is selected no more; those that are
    selected now bear other names. A switch between two versions of one application keeps the name.
    """
    change = next((one for one in service.changes_of(service.key) if one.field.startswith("spec.selector")), None)
    foreign = service.ready_backends if change else []
    if change is None or not foreign:
        return None
    labelled = service.moment.labelled("PodFacts", service.key.namespace, selector_before(service, change))
    meant = [pod for pod in labelled if facts_of(pod).ready and not facts_of(pod).deleting]
    name = service.key.name
    own = any(_root_name(pod) == name for pod in meant)
    return (
        Strayed(change, meant, foreign)
        if own and not any(_root_name(pod).startswith(name) for pod in foreign)
        else None
    )


def _root_name(pod: UnifiedEvent) -> str:
    return (pod.owner or pod.key).name


def selector_before(service: ServiceView, change: Change) -> dict[str, str]:
    """The selector as it was before one change of it; a label whose value is not known is left out."""
    if isinstance(change.before, dict):
        return {str(key): str(value) for key, value in change.before.items()}
    key = change.field.removeprefix("spec.selector").strip(".[]")
    kept = {name: value for name, value in service.spec.selector.items() if name != key}
    return {**kept, key: change.before} if isinstance(change.before, str) else kept
