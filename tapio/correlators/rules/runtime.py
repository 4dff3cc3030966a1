"""Causes that end a container that had started."""

from collections.abc import Iterator
from datetime import datetime

from tapio.correlators.quantities import amount
from tapio.correlators.rules.clues.crashes import crash_of
from tapio.correlators.rules.clues.siblings import waits_for
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import restart, target, undo
from tapio.correlators.sequence import describe_end, describe_restarts, signal_of
from tapio.correlators.temporal import reference_changes, rollout_changes, set_of
from tapio.correlators.views import ContainerView, End, evidence, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import UnifiedEvent
from tapio.unified import objects as k8s


@rule("runtime.oom_killed", version=1, decided_by=("kubeapi", "ebpf", "systemd"))
def oom_killed(container: ContainerView) -> Iterator[Finding]:
    """The container's last run was ended by the kernel for reaching its own memory limit.

    Exit 137 alone is any SIGKILL: the runtime says OOMKilled only when the cgroup's own limit was reached.
    """
    end = container.last_end
    if end is None or end.reason != "OOMKilled" or not container.unwell:
        return
    limit = container.limit("memory")
    change = _memory_change(container, end)
    size = f" of {limit}" if limit else ""
    default = _defaulting(container)
    origin = f", which LimitRange {default.key.name} sets where none is stated," if default else ""
    yield Finding(
        code="runtime.oom_killed",
        blame=container.pod.workload,
        change=change,
        summary=f"container {container.name} reached its memory limit{size}{origin} and was killed",
        confidence=0.95,
        evidence=(
            *([evidence(default, f"LimitRange {default.key.name}: {limit} by default")] if default else []),
            *_crash_evidence(container, end, change),
        ),
        attributes={"container": container.name, "limit": limit, "restarts": container.restarts},
        ruled_out=(
            RuledOut(code="runtime.crash_app", because="the kernel ended it, not the program"),
            *_node_pressure_ruled_out(container),
        ),
        next=_oom_next(container, change),
    )


def _defaulting(container: ContainerView) -> UnifiedEvent | None:
    """The LimitRange whose default the container's limit is, where its template states none."""
    owner = container.pod.moment.state(container.pod.workload)
    template = getattr(getattr(owner.object, "spec", None), "template", None) if owner else None
    stated = next((one for one in template.spec.containers if one.name == container.name), None) if template else None
    limit = amount(container.limit("memory"))
    if stated is None or limit is None or (stated.resources and "memory" in stated.resources.limits):
        return None
    ranges = container.pod.moment.all("LimitRange", container.pod.key.namespace)
    return next((one for one in ranges if _sets_by_default(one.object, limit)), None)


def _sets_by_default(state: object, limit: float) -> bool:
    items = state.spec.limits if isinstance(state, k8s.LimitRange) else ()
    return any(one.type == "Container" and amount(one.default.get("memory")) == limit for one in items)


def _memory_change(container: ContainerView, end: End) -> Change | None:
    """The limit that was lowered, else whatever else of the program the newest rollout changed."""
    changes = rollout_changes(container, end.at)
    lowered = [one for one in changes if _is_of_the_limit(one) and _lowered(one)]
    return next(iter([*lowered, *(one for one in changes if _may_crash(one))]), None)


def _is_of_the_limit(change: Change) -> bool:
    """A change of the memory limit, or of all limits or resources at once."""
    return change.field.endswith((".limits.memory", ".limits[memory]", ".limits", ".resources"))


def _lowered(change: Change) -> bool:
    before, after = change.before, change.after
    if isinstance(before, str | int | float) and isinstance(after, str | int | float):
        was, is_ = amount(before), amount(after)
        return was is None or is_ is None or is_ < was
    return after is not None


def _oom_next(container: ContainerView, change: Change | None) -> tuple[str, ...]:
    workload = container.pod.workload
    if change is not None:
        return (undo(workload),)
    return (
        f"kubectl -n {workload.namespace} set resources {target(workload)} -c {container.name} --limits=memory=<more>",
    )


@rule("runtime.crash_after_change", version=1)
def crash_after_change(container: ContainerView) -> Iterator[Finding]:
    """The container crashes since a change that it consumed: of its template, or of a ConfigMap or Secret it reads.

    A change after the first crash is not its cause; nor is one in an object that the container does not read. One that
    ends because another container of its pod is down has that one's cause.
    """
    end = crash_of(container)
    if end is None or waits_for(container):
        return
    onset = container.pod.onset or end.at
    candidates = _candidates(container, end, onset)
    if not candidates:
        return
    change = candidates[0]
    yield Finding(
        code="runtime.crash_after_change",
        blame=change.entity,
        workload=container.pod.workload,
        change=change,
        summary=f"container {container.name} crashes ({describe_end(end)}) since {change.field} changed",
        confidence=_confidence(container, change, onset),
        evidence=_crash_evidence(container, end, change),
        attributes=_crash_attributes(container, end) | _others(candidates),
        ruled_out=(
            RuledOut(code="runtime.crash_app", because=f"{change.field} changed before the first crash"),
            RuledOut(code="runtime.oom_killed", because="the end was no OOM kill"),
            *_node_pressure_ruled_out(container),
        ),
        next=_change_next(container, change),
    )


_FROM_OUTSIDE = frozenset({9, 15})  # KILL and TERM come from somebody else, and nobody is known to have sent them


@rule("runtime.crash_app", version=1)
def crash_app(container: ContainerView) -> Iterator[Finding]:
    """The program ends by itself, and nothing it consumes changed before."""
    end = crash_of(container)
    if end is None or waits_for(container) or _candidates(container, end, container.pod.onset or end.at):
        return
    line = container.last_line
    said = f': "{line[:120]}"' if line else ""
    workload = container.pod.workload
    yield Finding(
        code="runtime.crash_app",
        blame=workload,
        summary=f"the program in container {container.name} ends with {describe_end(end)}{said}",
        confidence=0.7 if signal_of(end) in _FROM_OUTSIDE else 0.85 if end.exit_code else 0.8,
        evidence=_crash_evidence(container, end, None),
        attributes=_crash_attributes(container, end),
        ruled_out=(
            RuledOut(code="runtime.crash_after_change", because="nothing that it reads changed before the first crash"),
            RuledOut(code="runtime.oom_killed", because="the end was no OOM kill"),
            RuledOut(code="startup.image_not_found", because="the image was pulled and started"),
            *_node_pressure_ruled_out(container),
        ),
        next=(f"kubectl -n {workload.namespace} logs {container.pod.key.name} -c {container.name} --previous",),
    )


def _candidates(container: ContainerView, end: End, onset: datetime) -> list[Change]:
    """The changes that may have caused the crash, likeliest first.

    What the program's last words name comes first, then what its environment read, then the rollout.
    """
    first = container.first_end(onset) or end
    references = reference_changes(container, onset, first.started_at)
    changes = [one for one in set_of([*references, *rollout_changes(container, onset)]) if _may_crash(one)]
    return sorted(
        changes, key=lambda change: (-_named_in_log(container, change), -change.at.timestamp(), *_reach(change))
    )


def _reach(change: Change) -> tuple[int, str]:
    """Of changes that came together the one that changes most of what the program is first: its image, its command."""
    parts = ("].image", "].command", "].args", "].env")
    return next((place for place, part in enumerate(parts) if part in change.field), len(parts)), change.field


# What decides where, when and how patiently a container is run, and not what it does.
_HARMLESS = (
    "Probe", ".ports", ".resources", ".imagePull", ".lifecycle", ".terminationMessage", ".terminationGracePeriod",
    ".nodeSelector", ".nodeName", ".affinity", ".tolerations", ".topologySpread", ".priority", ".preemptionPolicy",
    ".scheduler", ".schedulingGates", ".readinessGates", ".activeDeadline", ".restartPolicy",
)  # fmt: skip


def _may_crash(change: Change) -> bool:
    """Whether it may make a program end by itself, or need more memory (a limit has a rule of its own)."""
    return not any(part in change.field for part in _HARMLESS)


def _named_in_log(container: ContainerView, change: Change) -> int:
    """2 when the last words hold the new value, 1 when they hold the changed key, else 0."""
    words = container.last_words
    if isinstance(change.after, str) and len(change.after) > 1 and change.after in words:
        return 2
    key = change.field.rpartition("[")[2].partition("]")[0] if "[" in change.field else change.field.rpartition(".")[2]
    return 1 if len(key) > 2 and key in words else 0  # noqa: PLR2004  a key of two letters is in any text


def _confidence(container: ContainerView, change: Change, onset: datetime) -> float:
    if _named_in_log(container, change):
        return 0.95
    close = (onset - change.at).total_seconds() <= 300  # noqa: PLR2004  five minutes: one restart back-off
    return 0.9 if close else 0.8


def _crash_evidence(container: ContainerView, end: End, change: Change | None) -> tuple[Evidence, ...]:
    """From the change to the run that ended first, where the trouble began; how often since, and what it said last."""
    pod = container.pod
    first = _first_like(container, end)
    facts = []
    if first.started_at:
        facts.append(evidence(first.event, f"{pod.key.name}: container {container.name} started", at=first.started_at))
    said = container.last_line if first is end else _last_line_of(first)
    facts.append(
        evidence(first.event, f"container {container.name}: {describe_end(first)}{_quoted(said)}", at=first.at)
    )
    if container.restarts:
        newest = "" if first is end else f", last {describe_end(end)}{_quoted(container.last_line)}"
        facts.append(pod.fact(f"{describe_restarts(container)}{newest}"))
    return with_change(change, *facts)


def _first_like(container: ContainerView, end: End) -> End:
    """The first end of the trouble that was like the newest one."""
    onset = container.pod.onset or end.at
    ends = (one for one in container.ends if one.at >= onset and describe_end(one) == describe_end(end))
    first = next(ends, end)
    return end if first.at == end.at else first


def _last_line_of(end: End) -> str:
    return next((line.strip() for line in reversed(end.message.splitlines()) if line.strip()), "")


def _quoted(line: str) -> str:
    return f': "{line[:120]}"' if line else ""


def _crash_attributes(container: ContainerView, end: End) -> dict[str, object]:
    attributes: dict[str, object] = {
        "container": container.name,
        "exit_code": end.exit_code,
        "restarts": container.restarts,
    }
    if signal_of(end):
        attributes["signal"] = signal_of(end)
    if container.last_line:
        attributes["last_line"] = container.last_line
    return attributes


def _others(candidates: list[Change]) -> dict[str, object]:
    rest = [change.field for change in candidates[1:] if change.event_id == candidates[0].event_id]
    return {"also_changed": rest} if rest else {}


def _node_pressure_ruled_out(container: ContainerView) -> tuple[RuledOut, ...]:
    node = container.pod.node
    pressure = node.condition("MemoryPressure") if node else None
    if node is None or pressure is None or pressure.status != "False":
        return ()
    return (RuledOut(code="node.pressure_memory", because=f"{node.key.name} reports none"),)


def _change_next(container: ContainerView, change: Change) -> tuple[str, ...]:
    workload = container.pod.workload
    if change.entity == workload:
        return (undo(workload),)
    where = f"{change.entity.kind}/{change.entity.namespace}/{change.entity.name}"
    through = f" where {change.actor} gets it" if change.actor else ""
    then = restart(workload, container.pod.key.name)
    return (f"restore {change.field} in {where}{through}, then: {then}",)
