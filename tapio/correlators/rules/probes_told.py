"""Probes of pods that only Events speak of: the kubelet's words alone say which probe failed, and how."""

from collections.abc import Iterator

from tapio.correlators.rules.clues.probe_failures import Failure, failures_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import shortened
from tapio.correlators.views import ContainerView, evidence
from tapio.graph import RuledOut
from tapio.unified import EventName

_MODES = ("port", "status", "timing", "protocol", "exec")
_OFTEN = 3  # the kubelet's default failureThreshold


@rule(
    *(f"runtime.liveness_{mode}" for mode in _MODES),
    *(f"runtime.readiness_{mode}" for mode in _MODES),
    "runtime.startup_probe",
    version=1,
)
def told_of_a_probe(container: ContainerView) -> Iterator[Finding]:
    """A pod that was never seen is unready, or killed, by a probe whose failures the kubelet tells."""
    failure = _failure(container) if container.pod.by_hearsay else None
    if failure is None:
        return
    code = "runtime.startup_probe" if failure.probe == "startup" else f"runtime.{failure.probe}_{failure.mode}"
    yield Finding(
        code=code,
        blame=container.pod.workload,
        summary=f"the {failure.probe} probe of container {container.name} fails: {shortened(failure.text, 160)}",
        confidence=0.8,
        evidence=(evidence(failure.event, f"x{failure.times}: {shortened(failure.event.message)}"),),
        attributes={"container": container.name, "probe": failure.probe, "kind": failure.mode},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the kubelet's probe failed"),),
        next=(f"kubectl -n {container.pod.key.namespace} describe pod {container.pod.key.name}",),
    )


def _failure(container: ContainerView) -> Failure | None:
    """The newest that counts: one that had the container killed, else one that keeps coming."""
    killed = container.pod.said(EventName.CONTAINER_KILLED)
    for probe in ("startup", "liveness", "readiness"):
        told = failures_of(container, probe)
        ended = any(f"failed {probe} probe" in event.message for event in killed)
        if told and (ended or (probe == "readiness" and told[-1].times >= _OFTEN)):
            return told[-1]
    return None
