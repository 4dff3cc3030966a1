"""Probes that fail: is the probe wrong, or does it rightly say that the program is unwell?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from tapio.correlators.rules.crashes import ProbeKill, probe_kill
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.listening import Fit, fit
from tapio.correlators.rules.probe_failures import Failure, failures_of, port_of, probe_of
from tapio.correlators.rules.remedies import shortened, undo_or_correct
from tapio.correlators.sequence import describe_end, lost_readiness, probe_budget, start_deadline
from tapio.correlators.temporal import rollout_changes
from tapio.correlators.views import ContainerView, change_evidence, evidence
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import objects as k8s

_SERVER_ERROR = 500
_SIGKILLED = 137
_GRACE_S = 30  # terminationGracePeriodSeconds by default
_FIELDS = {"liveness": "livenessProbe", "readiness": "readinessProbe", "startup": "startupProbe"}
# A start that fails in a way that slow programs fail in too is given this many times the probe's own patience.
_PATIENCE_FACTOR = 3
_ROUNDING = timedelta(seconds=1)
_PARTS = {"port": "port", "status": "path", "protocol": "scheme", "timing": "timeoutSeconds", "exec": "command"}


class _Case(NamedTuple):
    """One probe of one container that failed, and what is known of it."""

    container: ContainerView
    probe: k8s.Probe
    failure: Failure
    worked: bool  # in this run or pod, before it failed
    change: Change | None
    fit: Fit


class _Judgement(NamedTuple):
    """Which way it is, whether the probe is right to fail, and how sure that is."""

    mode: str
    probe_right: bool
    confidence: float
    why: str


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
        failure = Failure(kill.probe, _unsaid(container, probe), "", kill.event)
    case = _case(container, probe, failure, worked=_outlived(container, kill, probe))
    judgement = _of_kill(case)
    code = "runtime.startup_probe" if kill.probe == "startup" else f"runtime.liveness_{judgement.mode}"
    end = f"container {container.name}: {describe_end(kill.end)} after {kill.probe} probe"
    ended = evidence(kill.end.event, end, at=kill.end.at)
    yield _finding(case, code, judgement, (evidence(kill.event, shortened(kill.event.message)), ended))


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
    failure = next(reversed(failures_of(container, "readiness", since)), None)
    if failure is None:
        return
    case = _case(container, probe, failure, worked=lost_readiness(container.pod))
    judgement = _of_unreadiness(case) if _is_due(case) else None
    if judgement:
        state = container.pod.fact(f"container {container.name} runs and is not ready", at=since)
        yield _finding(case, f"runtime.readiness_{judgement.mode}", judgement, (state,))


@rule("runtime.startup_probe", version=1)
def never_started(container: ContainerView) -> Iterator[Finding]:
    """The startup probe cannot even be run (its command or its port's name does not exist), so nobody is killed."""
    probe, since = container.spec.startup_probe, container.running_since
    if probe is None or since is None or container.status.started or container.unwell:
        return
    failure = next(reversed(failures_of(container, "startup", since)), None)
    if failure is None or not failure.of_the_probe or "errored" not in failure.event.message:
        return
    case = _case(container, probe, failure, worked=False)
    judgement = _Judgement(failure.mode, probe_right=False, confidence=0.9, why="it cannot be run")
    state = container.pod.fact(f"container {container.name} runs and has not started by its probe", at=since)
    yield _finding(case, "runtime.startup_probe", judgement, (state,))


def _case(container: ContainerView, probe: k8s.Probe, failure: Failure, *, worked: bool) -> _Case:
    port = port_of(container, probe)
    fits = Fit.RIGHT if port is None else fit(container, port)
    return _Case(container, probe, failure, worked, _probe_change(container, failure), fits)


def _probe_change(container: ContainerView, failure: Failure) -> Change | None:
    """What the rollout that made this pod changed of the probe; first what concerns the way it fails."""
    onset = container.pod.onset or container.pod.at
    field = container.field(_FIELDS[failure.probe])
    changes = [one for one in rollout_changes(container, onset) if one.field.startswith(field)]
    part = _PARTS.get(failure.mode, _FIELDS[failure.probe])
    return min(changes, key=lambda one: not one.field.endswith(part), default=None)


def _unsaid(container: ContainerView, probe: k8s.Probe) -> str:
    """The likeliest way of a failure whose words are gone."""
    if probe.exec:
        return "exec"
    port = port_of(container, probe)
    return "port" if port is not None and fit(container, port) is Fit.WRONG else "timing"


def _outlived(container: ContainerView, kill: ProbeKill, probe: k8s.Probe) -> bool:
    """Whether the run lasted longer than a probe lets one last that fails from the first."""
    grace = container.pod.spec.termination_grace_period_seconds or _GRACE_S
    startup = container.spec.startup_probe
    budget = probe_budget(probe) + timedelta(seconds=probe.period_seconds + probe.timeout_seconds)
    if startup and kill.probe == "liveness":
        budget += probe_budget(startup)
    if kill.end.exit_code == _SIGKILLED:
        budget += timedelta(seconds=grace)
    return kill.end.lasted_s is not None and kill.end.lasted_s > budget.total_seconds() + 1


# --- Which of the two is wrong ---------------------------------------------------------------------------------------


def _of_kill(case: _Case) -> _Judgement:
    mode = case.failure.mode
    if mode == "port":
        return _refused(case)
    if mode == "status":
        return _answered(case)
    if mode == "protocol":
        return _Judgement("protocol", case.worked, 0.75 if case.failure.unsure else 0.92, "it speaks another protocol")
    if mode == "exec":
        right = case.worked and not case.failure.of_the_probe
        return _Judgement("exec", right, 0.88, "its command fails")
    return _slow(case)


def _refused(case: _Case) -> _Judgement:
    """Nobody listens on the probe's port: the wrong port, a program that stopped listening, or one still starting."""
    if _moved_port(case) or case.fit is Fit.WRONG:
        return _Judgement("port", probe_right=False, confidence=0.93, why="nothing is meant to listen there")
    if case.worked:
        return _Judgement("port", probe_right=True, confidence=0.8, why="the program stopped listening")
    if case.fit is Fit.RIGHT and case.failure.probe != "readiness":
        return _Judgement("timing", probe_right=False, confidence=0.75, why="the program was not listening yet")
    right = case.fit is Fit.RIGHT
    return _Judgement("port", probe_right=right, confidence=0.65, why="nothing listens there")


def _moved_port(case: _Case) -> bool:
    """Whether the rollout gave the probe another port, or the probe itself, while the program's ports stayed."""
    change = case.change
    if change is None or not (change.field.endswith(".port") or change.before is None):
        return False
    container = case.container
    ports_too = any(path in one.field for one in container.changes() for path in (".ports", ".args", ".env"))
    return change.field.endswith(".port") and not ports_too and not case.worked


def _answered(case: _Case) -> _Judgement:
    """The program answers, and not well: a path that it does not have, or its own word that it is unwell."""
    status = case.failure.status
    if status is None or status >= _SERVER_ERROR:
        return _Judgement("status", probe_right=True, confidence=0.85, why="the program says that it is unwell")
    if case.worked and not case.change:
        return _Judgement("status", probe_right=True, confidence=0.8, why="the program answered well before")
    return _Judgement("status", probe_right=False, confidence=0.92, why="the program does not serve that path so")


def _slow(case: _Case) -> _Judgement:
    if case.probe.grpc and not case.worked and not case.change:
        mode = "port" if case.fit is Fit.WRONG else "protocol"
        return _Judgement(mode, probe_right=False, confidence=0.75, why="no gRPC server answers there")
    if case.fit is Fit.WRONG and not case.worked:
        return _Judgement("port", probe_right=False, confidence=0.75, why="nothing is meant to listen there")
    if case.worked and not case.change:
        return _Judgement("timing", probe_right=True, confidence=0.78, why="the program stopped answering in time")
    return _Judgement("timing", probe_right=False, confidence=0.85, why="the answer takes longer than it waits")


def _is_due(case: _Case) -> bool:
    """Whether the failure is more than an ordinary start: by what failed, or by how long it lasts."""
    if case.worked or case.container.pod.at >= start_deadline(case.container.pod):
        return True
    patience = probe_budget(case.probe)
    ran = case.failure.at - (case.container.running_since or case.failure.at) + _ROUNDING
    if ran < patience or case.failure.times < case.probe.failure_threshold:
        return False
    if case.failure.mode == "status":
        return (case.failure.status or _SERVER_ERROR) < _SERVER_ERROR
    if not case.failure.unsure or case.failure.of_the_probe:
        return True
    if case.failure.mode == "port":
        return case.fit is Fit.WRONG or _moved_port(case)
    return case.failure.mode in ("timing", "protocol") and ran >= patience * _PATIENCE_FACTOR


def _of_unreadiness(case: _Case) -> _Judgement:
    return _of_kill(case)


# --- Wording ---------------------------------------------------------------------------------------------------------


def _finding(case: _Case, code: str, judgement: _Judgement, proof: tuple[Evidence, ...]) -> Finding:
    container, failure = case.container, case.failure
    change = case.change or (_own_change(case) if judgement.probe_right else None)
    said = evidence(failure.event, f"{failure.event.reason} x{failure.times}: {shortened(failure.event.message)}")
    facts = [*([change_evidence(change)] if change else []), *((said,) if failure.text else ()), *proof]
    return Finding(
        code=code,
        blame=container.pod.workload,
        change=change,
        summary=_summary(case, judgement),
        confidence=min(0.95, judgement.confidence + (0.03 if case.change else 0)),
        evidence=tuple({fact.event_id + fact.text: fact for fact in facts}.values()),
        attributes=_attributes(case, judgement),
        ruled_out=_ruled_out(case),
        next=_next(case, judgement, change),
    )


def _own_change(case: _Case) -> Change | None:
    """What the rollout changed of the program, where the probe rightly says that it is unwell from the start."""
    if case.worked:
        return None
    onset = case.container.pod.onset or case.container.pod.at
    changes = rollout_changes(case.container, onset)
    return next((one for one in changes if "Probe" not in one.field), None)


def _summary(case: _Case, judgement: _Judgement) -> str:
    container, failure = case.container, case.failure
    what = f"the {failure.probe} probe of container {container.name} ({_asked(case)})"
    if judgement.probe_right:
        return f"{what} rightly fails: {judgement.why}{_words(failure)}"
    return f"{what} is wrong: {judgement.why}{_words(failure)}"


def _words(failure: Failure) -> str:
    return f" ({shortened(failure.text, 120)})" if failure.text else ""


def _asked(case: _Case) -> str:
    probe = case.probe
    port = port_of(case.container, probe)
    if probe.http_get:
        return f"{probe.http_get.scheme} {probe.http_get.path or '/'} on port {port}"
    if probe.exec:
        return f"exec {shortened(' '.join(probe.exec.command), 60)}"
    return f"{'gRPC' if probe.grpc else 'TCP'} port {port}"


def _attributes(case: _Case, judgement: _Judgement) -> dict[str, object]:
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


def _ruled_out(case: _Case) -> tuple[RuledOut, ...]:
    if case.failure.probe == "readiness":
        return (RuledOut(code="runtime.crash_app", because="the container runs"),)
    killed = "the kubelet ended it, not the program"
    return (RuledOut(code="runtime.crash_app", because=killed), RuledOut(code="runtime.oom_killed", because=killed))


def _next(case: _Case, judgement: _Judgement, change: Change | None) -> tuple[str, ...]:
    container = case.container
    workload = container.pod.workload
    if judgement.probe_right and change is None:
        return (f"kubectl -n {workload.namespace} logs {container.pod.key.name} -c {container.name}",)
    return (undo_or_correct(workload, change, container.field(_FIELDS[case.failure.probe] + _part(case, judgement))),)


def _part(case: _Case, judgement: _Judgement) -> str:
    """The field of the probe to look at first."""
    probe = case.probe
    if judgement.mode == "exec":
        return ".exec.command"
    if judgement.mode == "timing":
        return ".timeoutSeconds" if case.failure.mode == "timing" else ".initialDelaySeconds"
    action = "httpGet" if probe.http_get else "tcpSocket" if probe.tcp_socket else "grpc"
    part = _PARTS[judgement.mode] if probe.http_get else "port"
    return f".{action}.{part}"
