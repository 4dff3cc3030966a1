"""Probes that fail: the container is killed, or stays unready, or never counts as started."""

from collections.abc import Iterator

from tapio.correlators.rules.clues.crashes import is_told_of, probe_kill
from tapio.correlators.rules.clues.probe_failures import Failure, failures_of, port_of, probe_of
from tapio.correlators.rules.clues.probe_judgement import (
    FIELDS,
    PARTS,
    Case,
    Judgement,
    case_of,
    is_due,
    judged,
    outlived,
    unsaid_mode,
)
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct, shortened, undo_or_correct
from tapio.correlators.sequence import describe_end, lost_readiness
from tapio.correlators.temporal import lowers_limit, rollout_changes
from tapio.correlators.views import ContainerView, evidence, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import objects as k8s


@rule(
    "runtime.liveness_port",
    "runtime.liveness_status",
    "runtime.liveness_timing",
    "runtime.liveness_protocol",
    "runtime.liveness_exec",
    "runtime.startup_probe",
    version=1,
)
def killed_by_probe(container: ContainerView) -> Iterator[Finding]:
    """The kubelet ends the container because its liveness or startup probe fails: the exit code says nothing then.

    A probe that asks where nobody was ever meant to answer is wrong; one that failed after it had worked says that the
    program is unwell; one that gave up on a program still starting is too impatient.
    """
    kill = probe_kill(container)
    probe = probe_of(container, kill.probe) if kill else None
    if kill is None or probe is None:
        return
    failure = next(reversed(failures_of(container, kill.probe)), None)
    if failure is None:
        failure = Failure(kill.probe, unsaid_mode(container, probe), "", kill.event)
    case = case_of(container, probe, failure, worked=outlived(container, kill, probe))
    judgement = judged(case)
    code = "runtime.startup_probe" if kill.probe == "startup" else f"runtime.liveness_{judgement.mode}"
    end = f"container {container.name}: {describe_end(kill.end)} after {kill.probe} probe"
    ended = evidence(kill.end.event, end, at=kill.end.at)
    told = (evidence(kill.event, shortened(kill.event.message)),) if kill.event.message else ()
    yield _finding(case, code, judgement, (*told, ended))


@rule(
    "runtime.readiness_port",
    "runtime.readiness_status",
    "runtime.readiness_timing",
    "runtime.readiness_protocol",
    "runtime.readiness_exec",
    version=1,
)
def unready_by_probe(container: ContainerView) -> Iterator[Finding]:
    """The container runs and its readiness probe fails, beyond what an ordinary start explains.

    Before the start is overdue only what no start explains is told: a port that is not the program's, a path that it
    answers with "not found", another protocol, a change that only touched the probe.
    """
    probe, since = container.spec.readiness_probe, container.running_since
    if probe is None or since is None or container.pod.ready or container.status.ready or container.unwell:
        return
    failure = next(reversed(failures_of(container, "readiness", since)), None) or _untold(container, probe)
    if failure is None:
        return
    case = case_of(container, probe, failure, worked=lost_readiness(container.pod))
    judgement = judged(case) if is_due(case) else None
    if judgement:
        state = container.pod.fact(f"container {container.name} runs and is not ready", at=since)
        yield _finding(case, f"runtime.readiness_{judgement.mode}", judgement, (state,))


def _untold(container: ContainerView, probe: k8s.Probe) -> Failure | None:
    """A failure that no Event is left of: what runs, has started and is not ready fails its readiness probe."""
    if is_told_of(container.pod) or container.status.started is False:
        return None
    return Failure("readiness", unsaid_mode(container, probe), "", container.pod.event)


@rule("runtime.startup_probe", version=1)
def never_started(container: ContainerView) -> Iterator[Finding]:
    """The startup probe cannot even be run (its command or its port's name does not exist), so nobody is killed."""
    probe, since = container.spec.startup_probe, container.running_since
    if probe is None or since is None or container.status.started or container.unwell:
        return
    failure = next(reversed(failures_of(container, "startup", since)), None)
    if failure is None or not failure.of_the_probe or "errored" not in failure.event.message:
        return
    case = case_of(container, probe, failure, worked=False)
    judgement = Judgement(failure.mode, probe_right=False, confidence=0.9, why="it cannot be run")
    state = container.pod.fact(f"container {container.name} runs and has not started by its probe", at=since)
    yield _finding(case, "runtime.startup_probe", judgement, (state,))


def _finding(case: Case, code: str, judgement: Judgement, proof: tuple[Evidence, ...]) -> Finding:
    container, failure = case.container, case.failure
    change = _own_change(case) if judgement.probe_right else case.change
    if judgement.mode == "timing":
        change = change or _slowed_by(case)
    said = evidence(failure.event, f"{failure.event.reason} x{failure.times}: {shortened(failure.event.message)}")
    words = (said,) if failure.text else ()
    facts = with_change(change, *words, *proof)
    return Finding(
        code=code,
        blame=container.pod.workload,
        change=change,
        summary=_summary(case, judgement),
        confidence=_confidence(judgement, failure, change),
        evidence=tuple({fact.event_id + fact.text: fact for fact in facts}.values()),
        attributes=_attributes(case, judgement),
        ruled_out=_ruled_out(case),
        next=_next(case, judgement, change),
    )


def _confidence(judgement: Judgement, failure: Failure, change: Change | None) -> float:
    if not failure.text:  # no words of the kubelet are left, or it had none: how the probe failed is inferred
        return min(judgement.confidence, 0.85 if judgement.mode == "exec" else 0.65)
    return min(0.95, judgement.confidence + (0.03 if change else 0))


def _own_change(case: Case) -> Change | None:
    """What the rollout changed of the program, where the probe rightly says that it is unwell from the start."""
    if case.worked:
        return None
    onset = case.container.pod.onset or case.container.pod.at
    changes = rollout_changes(case.container, onset)
    return next((one for one in changes if "Probe" not in one.field), None)


def _slowed_by(case: Case) -> Change | None:
    """The rollout's change that leaves the program less of a processor than it had, which makes it slow."""
    changes = rollout_changes(case.container, case.container.pod.onset or case.container.pod.at)
    return next((one for one in changes if lowers_limit(one, "cpu")), None)


def _summary(case: Case, judgement: Judgement) -> str:
    container, failure = case.container, case.failure
    what = f"the {failure.probe} probe of container {container.name} ({_asked(case)})"
    if judgement.probe_right:
        return f"{what} rightly fails: {judgement.why}{_words(failure)}"
    if judgement.mode == "exec" and failure.text and not failure.of_the_probe:
        return f"{what} has never passed: {judgement.why}{_words(failure)}"
    return f"{what} is wrong: {judgement.why}{_words(failure)}"


def _words(failure: Failure) -> str:
    return f" ({shortened(failure.text, 120)})" if failure.text else ""


def _asked(case: Case) -> str:
    probe = case.probe
    port = port_of(case.container, probe)
    if probe.http_get:
        return f"{probe.http_get.scheme} {probe.http_get.path or '/'} on port {port}"
    if probe.exec:
        return f"exec {shortened(' '.join(probe.exec.command), 60)}"
    return f"{'gRPC' if probe.grpc else 'TCP'} port {port}"


def _attributes(case: Case, judgement: Judgement) -> dict[str, object]:
    container, probe = case.container, case.probe
    attributes: dict[str, object] = {
        "container": container.name,
        "probe": case.failure.probe,
        "kind": judgement.mode,
        "probe_right": judgement.probe_right,
        "restarts": container.restarts,
    }
    port = port_of(container, probe)
    optional = {
        "port": port,
        "path": probe.http_get.path if probe.http_get else None,
        "status": case.failure.status,
        "timeout_s": probe.timeout_seconds if judgement.mode == "timing" else None,
    }
    return attributes | {name: value for name, value in optional.items() if value is not None}


def _ruled_out(case: Case) -> tuple[RuledOut, ...]:
    if case.failure.probe == "readiness":
        return (RuledOut(code="runtime.crash_app", because="the container runs"),)
    killed = "the kubelet ended it, not the program"
    return (RuledOut(code="runtime.crash_app", because=killed), RuledOut(code="runtime.oom_killed", because=killed))


def _next(case: Case, judgement: Judgement, change: Change | None) -> tuple[str, ...]:
    container = case.container
    workload = container.pod.workload
    logs = f"kubectl -n {workload.namespace} logs {container.pod.key.name} -c {container.name}"
    if judgement.probe_right and change is None:
        return (logs,)
    if change is None and judgement.mode == "exec" and not case.failure.of_the_probe:
        return (logs, correct(workload, container.field(FIELDS[case.failure.probe] + _part(case, judgement))))
    return (undo_or_correct(workload, change, container.field(FIELDS[case.failure.probe] + _part(case, judgement))),)


def _part(case: Case, judgement: Judgement) -> str:
    """The field of the probe to look at first."""
    probe = case.probe
    if judgement.mode == "exec":
        return ".exec.command"
    if judgement.mode == "timing":
        return ".timeoutSeconds" if case.failure.mode == "timing" else ".initialDelaySeconds"
    action = "httpGet" if probe.http_get else "tcpSocket" if probe.tcp_socket else "grpc"
    part = PARTS[judgement.mode] if probe.http_get else "port"
    return f".{action}.{part}"
