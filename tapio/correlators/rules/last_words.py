"""Ends that a program explains itself: it was not let in, a certificate was over, its port was taken."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.cascades import unread
from tapio.correlators.rules.clues.asked import in_trouble
from tapio.correlators.rules.clues.crashes import crash_of, ended_by_kubelet
from tapio.correlators.rules.clues.denial_text import EXPIRED, MISNAMED, NOT_LET_IN, TAKEN, UNTRUSTED, UNUSABLE
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import named, restart, undo_or_correct
from tapio.correlators.seconds import came_before
from tapio.correlators.sequence import describe_end
from tapio.correlators.temporal import in_time, reference_changes, rollout_changes
from tapio.correlators.views import ContainerView, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey

_PORT = re.compile(r":(\d{2,5})\b|\bport (\d{2,5})\b")
_UNUSABLE = "cannot be used"
_MISNAMED = "is for other names than the one asked for"
_CERTIFICATE_WORDS = (
    ("runtime.certificate_expired", "is over", EXPIRED),
    ("runtime.certificate_invalid", _MISNAMED, MISNAMED),
    ("runtime.certificate_invalid", "is not trusted", UNTRUSTED),
    ("runtime.certificate_invalid", _UNUSABLE, UNUSABLE),
)
_CERTIFICATES = re.compile(r"tls\.(crt|key)|cert|ca\.crt", re.IGNORECASE)
_CREDENTIALS = re.compile(r"pass|secret|token|user|cred|auth|key|dsn|url|login", re.IGNORECASE)


@rule("runtime.credentials_invalid", version=1, decided_by=("kubeapi", "systemd"))
def credentials_invalid(container: ContainerView) -> Iterator[Finding]:
    """What the container depends on does not let it in: a Secret or its environment holds the wrong credentials."""
    line = container.newest_line(NOT_LET_IN) if _may_tell(container) else ""
    if not line:
        return
    change = _brought(container, _CREDENTIALS)
    stale = None if change else _stale(container)
    change = change or stale
    since = f" since {change.field} changed, which it read when it started" if stale and change else ""
    yield Finding(
        code="runtime.credentials_invalid",
        blame=change.entity if change else container.pod.workload,
        workload=container.pod.workload,
        change=change,
        summary=f'container {container.name} is not let in{since}: "{line[:120]}"',
        confidence=0.96 if change else 0.8,
        evidence=_proof(container, line, change),
        attributes={"container": container.name, "last_line": line},
        ruled_out=(RuledOut(code="runtime.dependency_address", because="what it depends on answered"),),
        next=(restart(container.pod.workload, container.pod.key.name),) if stale else _next(container, change, "env"),
    )


def _stale(container: ContainerView) -> Change | None:
    """The change of a credential that the container has in its environment as it was: it was told of it too early."""
    since, onset = container.running_since, container.pod.onset
    if since is None or onset is None or container.unwell:
        return None
    concerned = (one for one in unread(container) if one.entity.kind == "Secret" or _CREDENTIALS.search(one.field))
    return next((one for one in concerned if in_time(one, onset) and not came_before(one.at, since)), None)


@rule("runtime.certificate_expired", "runtime.certificate_invalid", version=2, decided_by=("kubeapi", "systemd"))
def certificate_refused(container: ContainerView) -> Iterator[Finding]:
    """The container ends because a certificate, its own or its peer's, is no longer valid, or is not trusted."""
    found = _bad_certificate(container) if _may_tell(container) else None
    if found is None:
        return
    code, how, line = found
    secret = _only_secret(container)
    change = _brought(container, _CERTIFICATES)
    blame = change.entity if change else secret or container.pod.workload
    yield Finding(
        code=code,
        blame=blame,
        workload=container.pod.workload,
        change=change,
        summary=f'a certificate that container {container.name} uses {how}: "{line[:120]}"',
        confidence=0.96 if change else 0.8 if secret else 0.7,
        evidence=_proof(container, line, change),
        attributes={"container": container.name, "last_line": line},
        ruled_out=() if how == _UNUSABLE else (RuledOut(code="runtime.dependency_down", because="the peer answered"),),
        next=(_ASK_OTHERWISE if how == _MISNAMED else f"renew the certificate in {named(blame)}",),
    )


_ASK_OTHERWISE = "ask for the peer by a name that its certificate bears, or let one be issued for the name asked for"


@rule("startup.sidecar_port_conflict", version=1, decided_by=("kubeapi", "systemd"))
def sidecar_port_conflict(container: ContainerView) -> Iterator[Finding]:
    """A port that the container wants is taken by another container of its pod: they share one network."""
    others = [one.name for one in container.pod.containers if one.name != container.name and _runs_beside(one)]
    end = crash_of(container)
    line = container.newest_line(TAKEN) if end and others else ""
    if end is None or not line:
        return
    found = _PORT.search(line)
    onset = container.pod.onset or end.at
    changes = (one for one in container.pod.workload_changes if "ontainers" in one.field)
    change = next((one for one in changes if in_time(one, onset)), None)
    yield Finding(
        code="startup.sidecar_port_conflict",
        blame=container.pod.workload,
        change=change,
        summary=f'container {container.name} wants a port that {" or ".join(others)} has: "{line[:120]}"',
        confidence=0.9,
        evidence=_proof(container, line, change),
        attributes={
            "container": container.name,
            "port": int(found[1] or found[2]) if found else None,
            "others": others,
        },
        ruled_out=(RuledOut(code="scheduling.host_port", because="the pod was placed"),),
        next=_next(container, change, "ports"),
    )


def _runs_beside(container: ContainerView) -> bool:
    return not container.init or container.spec.restart_policy == "Always"


def _may_tell(container: ContainerView) -> bool:
    """Whether its words tell why it ends or does not get ready: not where the kubelet put out the whole pod."""
    return in_trouble(container) and not ended_by_kubelet(container.pod)


def _bad_certificate(container: ContainerView) -> tuple[str, str, str] | None:
    """The code, what is wrong with the certificate, and the line that says so."""
    for code, how, words in _CERTIFICATE_WORDS:
        line = container.newest_line(words)
        if line:
            return code, how, line
    return None


def _brought(container: ContainerView, about: re.Pattern[str]) -> Change | None:
    """The change before the trouble that concerns it: of what the container reads first, then of its template."""
    end = container.last_end
    onset = container.pod.onset or (end.at if end else container.pod.at)
    first = container.first_end(onset) or end
    read = reference_changes(container, onset, first.started_at if first else container.running_since)
    rolled = [one for one in rollout_changes(container, onset) if ".env" in one.field and about.search(one.field)]
    return next(iter([*(one for one in read if one.entity.kind == "Secret" or about.search(one.field)), *rolled]), None)


def _only_secret(container: ContainerView) -> ObjectKey | None:
    """The one Secret that the pod mounts, where there is just one."""
    mounted = {one.key for one in container.pod.references if one.how == "volume" and one.key.kind == "Secret"}
    return next(iter(mounted)) if len(mounted) == 1 else None


def _proof(container: ContainerView, line: str, change: Change | None) -> tuple[Evidence, ...]:
    end = container.last_end if container.unwell else None
    how = describe_end(end) if end else "runs and is not ready"
    said = f'container {container.name}: {how}: "{line[:120]}"'
    return with_change(change, container.spoken(said))


def _next(container: ContainerView, change: Change | None, field: str) -> tuple[str, ...]:
    if change is not None and change.entity != container.pod.workload:
        return (f"restore {change.field} in {named(change.entity)}",)
    return (undo_or_correct(container.pod.workload, change, container.field(field)),)
