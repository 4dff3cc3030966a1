"""Ends that a program explains itself: it was not let in, a certificate was over, its port was taken."""

import re
from collections.abc import Iterator

from tapio.correlators.rules.crashes import crash_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import named, undo_or_correct
from tapio.correlators.sequence import describe_end
from tapio.correlators.temporal import in_time, reference_changes, rollout_changes
from tapio.correlators.views import ContainerView, End, change_evidence, evidence
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import ObjectKey

# PostgreSQL, MySQL, MongoDB, Redis, RabbitMQ, Kafka, object stores, HTTP.
_NOT_LET_IN = re.compile(
    r"password authentication failed|access denied for user|authentication fail(ed|ure)|\bWRONGPASS\b|\bNOAUTH\b"
    r"|invalid (username or password|credentials|api key|token)|ACCESS_REFUSED|InvalidAccessKeyId"
    r"|SignatureDoesNotMatch|\b401 Unauthorized\b|role \"[^\"]+\" does not exist|ER_ACCESS_DENIED_ERROR",
    re.IGNORECASE,
)
# Go, OpenSSL, Node, Java.
_EXPIRED = re.compile(
    r"certificate (has )?expired|CERT_HAS_EXPIRED|certificate is not yet valid|CertificateExpiredException"
    r"|NotAfter: ",
    re.IGNORECASE,
)
_UNTRUSTED = re.compile(
    r"certificate signed by unknown authority|self[- ]signed certificate|certificate verify failed"
    r"|unable to verify the first certificate|unable to get local issuer|certificate is valid for .*, not"
    r"|PKIX path building failed|ERR_TLS_CERT_ALTNAME_INVALID|hostname mismatch",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"address already in use|EADDRINUSE|Address in use|port \d+ is already (in use|allocated)", re.IGNORECASE
)
_PORT = re.compile(r":(\d{2,5})\b|\bport (\d{2,5})\b")
_CREDENTIALS = re.compile(r"pass|secret|token|user|cred|auth|key|dsn|url|login", re.IGNORECASE)


@rule("runtime.credentials_invalid", version=1, decided_by=("kubeapi", "systemd"))
def credentials_invalid(container: ContainerView) -> Iterator[Finding]:
    """What the container depends on does not let it in: a Secret or its environment holds the wrong credentials."""
    end = crash_of(container)
    line = _line(container, _NOT_LET_IN) if end else ""
    if end is None or not line:
        return
    change = _brought(container, end, _CREDENTIALS)
    yield Finding(
        code="runtime.credentials_invalid",
        blame=change.entity if change else container.pod.workload,
        workload=container.pod.workload,
        change=change,
        summary=f'container {container.name} is not let in: "{line[:120]}"',
        confidence=0.96 if change else 0.8,
        evidence=_proof(container, end, line, change),
        attributes={"container": container.name, "last_line": line},
        ruled_out=(RuledOut(code="runtime.dependency_address", because="what it depends on answered"),),
        next=_next(container, change, "env"),
    )


@rule("runtime.certificate_expired", "runtime.certificate_invalid", version=2, decided_by=("kubeapi", "systemd"))
def certificate_refused(container: ContainerView) -> Iterator[Finding]:
    """The container ends because a certificate, its own or its peer's, is no longer valid, or is not trusted."""
    end = crash_of(container)
    expired = _line(container, _EXPIRED) if end else ""
    line = expired or (_line(container, _UNTRUSTED) if end else "")
    if end is None or not line:
        return
    secret = _only_secret(container)
    change = _brought(container, end, re.compile(r"tls\.crt|cert|ca\.crt", re.IGNORECASE))
    blame = change.entity if change else secret or container.pod.workload
    yield Finding(
        code="runtime.certificate_expired" if expired else "runtime.certificate_invalid",
        blame=blame,
        workload=container.pod.workload,
        change=change,
        summary=f"a certificate that container {container.name} uses is {'over' if expired else 'not trusted'}: "
        f'"{line[:120]}"',
        confidence=0.96 if change else 0.8 if secret else 0.7,
        evidence=_proof(container, end, line, change),
        attributes={"container": container.name, "last_line": line},
        ruled_out=(RuledOut(code="runtime.dependency_down", because="the peer answered"),),
        next=(f"renew the certificate in {named(blame)}",),
    )


@rule("startup.sidecar_port_conflict", version=1, decided_by=("kubeapi", "systemd"))
def sidecar_port_conflict(container: ContainerView) -> Iterator[Finding]:
    """A port that the container wants is taken by another container of its pod: they share one network."""
    others = [one.name for one in container.pod.containers if one.name != container.name and _runs_beside(one)]
    end = crash_of(container)
    line = _line(container, _TAKEN) if end and others else ""
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
        evidence=_proof(container, end, line, change),
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


def _line(container: ContainerView, pattern: re.Pattern[str]) -> str:
    lines = reversed(container.last_words.splitlines())
    return next((line.strip() for line in lines if pattern.search(line)), "")


def _brought(container: ContainerView, end: End, about: re.Pattern[str]) -> Change | None:
    """The change before the end that concerns it: of what the container reads first, then of its template."""
    onset = container.pod.onset or end.at
    first = container.first_end(onset) or end
    read = reference_changes(container, onset, first.started_at)
    rolled = [one for one in rollout_changes(container, onset) if ".env" in one.field and about.search(one.field)]
    return next(iter([*(one for one in read if one.entity.kind == "Secret" or about.search(one.field)), *rolled]), None)


def _only_secret(container: ContainerView) -> ObjectKey | None:
    """The one Secret that the pod mounts, where there is just one."""
    mounted = {one.key for one in container.pod.references if one.how == "volume" and one.key.kind == "Secret"}
    return next(iter(mounted)) if len(mounted) == 1 else None


def _proof(container: ContainerView, end: End, line: str, change: Change | None) -> tuple[Evidence, ...]:
    said = f'container {container.name}: {describe_end(end)}: "{line[:120]}"'
    return (*([change_evidence(change)] if change else []), evidence(end.event, said, at=end.at))


def _next(container: ContainerView, change: Change | None, field: str) -> tuple[str, ...]:
    if change is not None and change.entity != container.pod.workload:
        return (f"restore {change.field} in {named(change.entity)}",)
    return (undo_or_correct(container.pod.workload, change, container.field(field)),)
