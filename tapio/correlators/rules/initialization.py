"""Init containers that fail, or that run on and keep the pod from starting."""

import re
from collections.abc import Iterator
from datetime import datetime

from tapio.correlators.rules.dependencies import missing_dependency
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import shortened
from tapio.correlators.sequence import INIT_PATIENCE, describe_end, start_deadline
from tapio.correlators.views import ContainerView, evidence
from tapio.graph import Evidence, RuledOut

# A loop around a look at something else: the container does nothing but wait.
_WAITS = re.compile(r"\b(until|while)\b|wait[-_]?for|\bwait\b|dockerize|pg_isready", re.IGNORECASE)


@rule("startup.init_container", version=1)
def init_container(container: ContainerView) -> Iterator[Finding]:
    """An init container fails, or runs without end: the pod starts when it has ended well.

    Running long is no fault until the pod's time to start is over; one that plainly only waits is told sooner.
    """
    if not container.init or container.spec.restart_policy == "Always":
        return
    told = _failed(container) or _endless(container)
    if told is None:
        return
    how, confidence, proof = told
    waits_for = container.last_line
    workload = container.pod.workload
    yield Finding(
        code="startup.init_container",
        blame=workload,
        summary=f"init container {container.name} {how}" + (f': "{waits_for[:120]}"' if waits_for else ""),
        confidence=confidence,
        evidence=proof,
        attributes=_attributes(container, waits_for),
        ruled_out=(RuledOut(code="runtime.crash_app", because="the pod's own containers have not started"),),
        next=(f"kubectl -n {workload.namespace} logs {container.pod.key.name} -c {container.name}",),
    )


_Told = tuple[str, float, tuple[Evidence, ...]]


def _failed(container: ContainerView) -> _Told | None:
    end = container.last_end
    if end is None or end.exit_code == 0 or not container.unwell:
        return None
    text = f"init container {container.name}: {describe_end(end)}"
    if container.last_line:
        text += f": {shortened(container.last_line, 120)}"
    return f"fails with {describe_end(end)}", 0.88, (evidence(end.event, text, at=end.at),)


def _endless(container: ContainerView) -> _Told | None:
    since = container.running_since
    if since is None or container.last_end:
        return None
    at = container.pod.at
    proof = _running(container, since)
    if at >= start_deadline(container.pod):
        return f"has run since {since:%H:%M:%S} without an end", 0.8, proof
    if at - since >= INIT_PATIENCE and _only_waits(container):
        return f"has waited since {since:%H:%M:%S}", 0.75, proof
    return None


def _only_waits(container: ContainerView) -> bool:
    command = " ".join((*container.spec.command, *container.spec.args))
    return bool(_WAITS.search(command)) or _WAITS.search(container.last_line) is not None


def _running(container: ContainerView, since: datetime) -> tuple[Evidence, ...]:
    facts = [container.pod.fact(f"init container {container.name} has run since then", at=since)]
    if container.log_tail:
        facts.append(evidence(container.log_tail[-1], f"it logs: {shortened(container.last_line, 120)}"))
    return tuple(facts)


def _attributes(container: ContainerView, waits_for: str) -> dict[str, object]:
    attributes: dict[str, object] = {"container": container.name}
    end = container.last_end
    if end:
        attributes |= {"exit_code": end.exit_code, "restarts": container.restarts}
    if waits_for:
        attributes["last_line"] = waits_for
    missing = missing_dependency(container)
    if missing:
        attributes["waits_for"] = missing.host
    return attributes
