"""How findings word what to do next: commands and places that are right for the kind of workload."""

from tapio.graph import Change
from tapio.unified import ObjectKey

_ROLLED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})  # what `kubectl rollout` can undo and restart


def target(key: ObjectKey) -> str:
    """An object as kubectl takes it."""
    return f"{key.kind.lower()}/{key.name}"


def named(key: ObjectKey) -> str:
    """An object as answers name it."""
    return "/".join(part for part in key if part)


def undo(workload: ObjectKey) -> str:
    """The command that takes the last rollout back; where there are no rollouts, the words for it."""
    if workload.kind not in _ROLLED:
        return f"take the last change of {named(workload)} back"
    return f"kubectl -n {workload.namespace} rollout undo {target(workload)}"


def correct(workload: ObjectKey, field: str, hint: str = "") -> str:
    """How to edit a field of a workload's template; what cannot be edited in place is to be made anew."""
    place = field_in(workload, field)
    to = f": {hint}" if hint else ""
    if workload.kind in _ROLLED or workload.kind == "CronJob":
        return f"kubectl -n {workload.namespace} edit {target(workload)}  # {place}{to}"
    return f"correct {place} in {named(workload)}{to}, and create it anew"


def undo_or_correct(workload: ObjectKey, change: Change | None, field: str, hint: str = "") -> str:
    """The rollout taken back where it was the workload's own change, else the field to correct."""
    if change is not None and change.entity == workload and workload.kind in _ROLLED:
        return undo(workload)
    return correct(workload, field, hint)


def restart(workload: ObjectKey, pod: str) -> str:
    """The command after which new containers run, with what they read read anew."""
    if workload.kind in _ROLLED:
        return f"kubectl -n {workload.namespace} rollout restart {target(workload)}"
    return f"kubectl -n {workload.namespace} delete pod {pod}"


def field_in(workload: ObjectKey, field: str) -> str:
    """The path of a template's field in the workload that is to be edited."""
    bare = field.removeprefix("spec.template.")
    if workload.kind == "Pod":
        return bare
    if workload.kind == "CronJob":
        return f"spec.jobTemplate.spec.template.{bare}"
    return f"spec.template.{bare}"


def shortened(text: str, most: int = 240) -> str:
    """A message on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
