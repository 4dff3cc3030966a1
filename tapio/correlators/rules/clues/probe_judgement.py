"""Is the probe wrong, or does it rightly say that the program is unwell? Judged by what the kubelet said of it."""

from datetime import timedelta
from typing import NamedTuple

from tapio.correlators.rules.clues.crashes import ProbeKill
from tapio.correlators.rules.clues.listening import Fit, fit
from tapio.correlators.rules.clues.probe_failures import Failure, port_of
from tapio.correlators.sequence import probe_budget, start_deadline
from tapio.correlators.temporal import rollout_changes
from tapio.correlators.views import ContainerView
from tapio.graph import Change
from tapio.unified import objects as k8s

FIELDS = {"liveness": "livenessProbe", "readiness": "readinessProbe", "startup": "startupProbe"}
# The part of a probe that each way of failing speaks of.
PARTS = {"port": "port", "status": "path", "protocol": "scheme", "timing": "timeoutSeconds", "exec": "command"}
_SERVER_ERROR = 500
_SIGKILLED = 137
_GRACE_S = 30  # terminationGracePeriodSeconds by default
# A start that fails in a way that slow programs fail in too is given this many times the probe's own patience.
_PATIENCE_FACTOR = 3
_ROUNDING = timedelta(seconds=1)


class Case(NamedTuple):
    """One probe of one container that failed, and what is known of it."""

    container: ContainerView
    probe: k8s.Probe
    failure: Failure
    worked: bool  # in this run or pod, before it failed
    change: Change | None
    fit: Fit


class Judgement(NamedTuple):
    """Which way it is, whether the probe is right to fail, and how sure that is."""

    mode: str
    probe_right: bool
    confidence: float
    why: str


def case_of(container: ContainerView, probe: k8s.Probe, failure: Failure, *, worked: bool) -> Case:
    port = port_of(container, probe)
    fits = Fit.RIGHT if port is None else fit(container, port)
    return Case(container, probe, failure, worked, _probe_change(container, failure), fits)


def _probe_change(container: ContainerView, failure: Failure) -> Change | None:
    """What the rollout that made this pod changed of the probe; first what concerns the way it fails."""
    onset = container.pod.onset or container.pod.at
    field = container.field(FIELDS[failure.probe])
    changes = [one for one in rollout_changes(container, onset) if one.field.startswith(field)]
    part = PARTS.get(failure.mode, FIELDS[failure.probe])
    return min(changes, key=lambda one: not one.field.endswith(part), default=None)


def unsaid_mode(container: ContainerView, probe: k8s.Probe) -> str:
    """The likeliest way of a failure whose words are gone."""
    if probe.exec:
        return "exec"
    port = port_of(container, probe)
    return "port" if port is not None and fit(container, port) is Fit.WRONG else "timing"


def outlived(container: ContainerView, kill: ProbeKill, probe: k8s.Probe) -> bool:
    """Whether the run lasted longer than a probe lets one last that fails from the first."""
    grace = container.pod.spec.termination_grace_period_seconds or _GRACE_S
    startup = container.spec.startup_probe
    budget = probe_budget(probe) + timedelta(seconds=probe.period_seconds + probe.timeout_seconds)
    if startup and kill.probe == "liveness":
        budget += probe_budget(startup)
    if kill.end.exit_code == _SIGKILLED:
        budget += timedelta(seconds=grace)
    return kill.end.lasted_s is not None and kill.end.lasted_s > budget.total_seconds() + 1


def judged(case: Case) -> Judgement:
    mode = case.failure.mode
    if mode == "port":
        return _refused(case)
    if mode == "status":
        return _answered(case)
    if mode == "protocol":
        return Judgement("protocol", case.worked, 0.75 if case.failure.unsure else 0.92, "it speaks another protocol")
    if mode == "exec":
        right = case.worked and not case.failure.of_the_probe
        return Judgement("exec", right, 0.88, "its command fails")
    return _slow(case)


def _refused(case: Case) -> Judgement:
    """Nobody listens on the probe's port: the wrong port, a program that stopped listening, or one still starting."""
    if _moved_port(case) or case.fit is Fit.WRONG:
        return Judgement("port", probe_right=False, confidence=0.93, why="nothing is meant to listen there")
    if case.worked:
        return Judgement("port", probe_right=True, confidence=0.8, why="the program stopped listening")
    if case.fit is Fit.RIGHT and case.failure.probe != "readiness":
        return Judgement("timing", probe_right=False, confidence=0.75, why="the program was not listening yet")
    right = case.fit is Fit.RIGHT
    return Judgement("port", probe_right=right, confidence=0.65, why="nothing listens there")


def _moved_port(case: Case) -> bool:
    """Whether the rollout gave the probe another port, while all that says where the program listens stayed."""
    if case.change is None or case.worked or not case.change.field.endswith(".port"):
        return False
    told = (".ports", ".args", ".command", ".env")
    return not any(path in one.field for one in case.container.changes() for path in told)


def _answered(case: Case) -> Judgement:
    """The program answers, and not well: a path that it does not have, or its own word that it is unwell."""
    status = case.failure.status
    asks_elsewhere = case.change is not None and case.change.field.endswith("path")
    if (status is None or status >= _SERVER_ERROR) and (case.worked or not asks_elsewhere):
        return Judgement("status", probe_right=True, confidence=0.85, why="the program says that it is unwell")
    if case.worked and not case.change:
        return Judgement("status", probe_right=True, confidence=0.8, why="the program answered well before")
    return Judgement("status", probe_right=False, confidence=0.92, why="the program does not serve that path so")


def _slow(case: Case) -> Judgement:
    if case.probe.grpc and not case.worked and not case.change:
        mode = "port" if case.fit is Fit.WRONG else "protocol"
        return Judgement(mode, probe_right=False, confidence=0.75, why="no gRPC server answers there")
    if case.fit is Fit.WRONG and not case.worked:
        return Judgement("port", probe_right=False, confidence=0.75, why="nothing is meant to listen there")
    if case.worked and not case.change:
        return Judgement("timing", probe_right=True, confidence=0.78, why="the program stopped answering in time")
    return Judgement("timing", probe_right=False, confidence=0.85, why="the answer takes longer than it waits")


def is_due(case: Case) -> bool:
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
