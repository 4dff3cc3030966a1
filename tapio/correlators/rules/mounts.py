"""Volumes that cannot be mounted, and mounted ones that the program may not use."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from tapio.correlators.rules.clues.crashes import crash_of
from tapio.correlators.rules.clues.progress import still_holds
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import correct, named, shortened, undo_or_correct
from tapio.correlators.sequence import describe_end
from tapio.correlators.temporal import change_of_ask
from tapio.correlators.views import ContainerView, PodView, evidence, with_change
from tapio.graph import Change, Evidence, RuledOut
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

# The kubelet tries a failed mount again after 0.5 s and then ever later, so a second failure is no accident of start.
_PERSISTENT_TIMES = 2
_PERSISTENT_AGE = timedelta(seconds=20)
# In a new namespace its ConfigMap with the cluster's certificate comes a moment after the first pods.
_MADE_BY_THE_CLUSTER = "kube-root-ca.crt"
_VOLUME = re.compile(r'for volume "([^"]+)"')
# A volume that another node still holds is a cause of its own: scheduling.volume_multi_attach.
HELD_ELSEWHERE = re.compile(r"Multi-Attach error|already (exclusively )?attached to (one|another|a different) node")
_UNMOUNTED = re.compile(r"unmounted volumes=\[([^\]\s,]+)")
_KEPT_FROM_CONFIG = re.compile(
    r'\b(configmap|secret)s? "[^"]+" not found|references non-existent (config|secret) key', re.IGNORECASE
)
# What the kubelet and the volume plugins say; the first that matches names the kind.
_REASONS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("host_path", r"hostPath type check failed|bind source path does not exist"),
        ("driver", r"not found in the list of registered CSI drivers|unknown filesystem type|no volume plugin matched"),
        ("permission", r"permission denied|access denied|operation not permitted"),
        ("server", r"connection (refused|timed out)|no route to host|mount\.nfs|not responding|failed to resolve"),
        ("sub_path", r"subPath"),
        ("missing", r"no such file or directory|does not exist|not found"),
        ("timeout", r"timed out|deadline exceeded"),
    )
)


class MountFailure(NamedTuple):
    """What the kubelet said of one volume, how often, and whether that is more than an accident of start."""

    event: UnifiedEvent
    volume: str
    text: str
    times: int
    persists: bool


def current_mount_failures(pod: PodView) -> list[MountFailure]:
    """The mount failures that still keep the pod from starting, newest first."""
    told = pod.said(EventName.VOLUME_MOUNT_FAILED, EventName.VOLUME_ATTACH_FAILED)
    said = (event for event in told if still_holds(pod, event) and not HELD_ELSEWHERE.search(event.message))
    failures = [_mount_failure(pod, event) for event in said]
    return sorted(failures, key=lambda one: one.event.sort_key, reverse=True)


def _mount_failure(pod: PodView, event: UnifiedEvent) -> MountFailure:
    age = max(event.timestamp, pod.at) - event.first_at
    often = event.times >= _PERSISTENT_TIMES and _MADE_BY_THE_CLUSTER not in event.message
    volume = _VOLUME.search(event.message) or _UNMOUNTED.search(event.message)
    name = k8s.volume_name(volume[1]) if volume else ""
    return MountFailure(event, name, event.message, event.times, often or age >= _PERSISTENT_AGE)


def volume_in(pod: PodView, name: str) -> k8s.Volume | None:
    """A volume of the pod; a persistent one is named by its PersistentVolume in the kubelet's messages."""
    return next((volume for volume in pod.spec.volumes if volume.name == name), None)


def volume_field(name: str) -> str:
    """Where the volume stands in the template."""
    return f"spec.template.spec.volumes[{name}]"


@rule("startup.mount_failed", version=1)
def mount_failed(pod: PodView) -> Iterator[Finding]:
    """A volume cannot be mounted, for another reason than a ConfigMap or Secret that is missing.

    What says why outranks the summary that only lists the volumes still waited for.
    """
    failures = [one for one in current_mount_failures(pod) if one.persists]
    if any(_KEPT_FROM_CONFIG.search(one.text) for one in failures):
        return
    chosen = min(failures, key=lambda one: _UNMOUNTED.search(one.text) is not None, default=None)
    if chosen is not None:
        told = evidence(chosen.event, f"FailedMount x{chosen.times}: {shortened(chosen.text)}")
        yield _mount_finding(pod, chosen.volume, chosen.text, told)


@rule("startup.mount_failed", version=1)
def mount_refused(container: ContainerView) -> Iterator[Finding]:
    """The runtime could not put a mounted volume into the container: a subPath, a file over a directory."""
    end = container.last_end
    text = container.waiting.message if container.waiting else ""
    text = text if INTO_CONTAINER.search(text) else (end.message if end and end.exit_code else "")
    if INTO_CONTAINER.search(text) and not container.running_since:
        mounted = _mounted(container, text)
        told = container.pod.fact(f"container {container.name}: {shortened(text)}")
        yield _mount_finding(container.pod, mounted.name if mounted else "", text, told)


# kubelet: "failed to prepare subPath for volumeMount ..."; runc: "error mounting "..." to rootfs at "/x": ...";
# containerd: "failed to generate spec: failed to stat "/x": ...", "path "/x" is mounted on "/" but it is not a shared".
INTO_CONTAINER = re.compile(
    r"failed to prepare subPath|error mounting|to rootfs at|bind source path does not exist|failed to mkdir \""
    r"|failed to generate .*failed to stat \"|not a (shared|slave) mount"
)


def _mount_finding(pod: PodView, name: str, text: str, told: Evidence) -> Finding:
    change = _volume_change(pod, name)
    kind = next((kind for kind, pattern in _REASONS if pattern.search(text)), "other")
    blame = _claim_of(pod, name) or pod.workload
    return Finding(
        code="startup.mount_failed",
        blame=blame,
        workload=pod.workload,
        change=change,
        summary=f"volume {name or '(unnamed)'} cannot be mounted: {shortened(_reason_in(text), 160)}",
        confidence=0.75 if kind == "timeout" else 0.9,
        evidence=with_change(change, told),
        attributes={"volume": name, "kind": kind},
        ruled_out=(RuledOut(code="startup.config_missing", because="no ConfigMap or Secret is said to be missing"),),
        next=_mount_next(pod, name, blame, change),
    )


def _volume_change(pod: PodView, name: str) -> Change | None:
    paths = (volume_field(name), "spec.template.spec.volumes", "volumeMounts")
    changes = pod.workload_changes
    return next((one for one in changes if name and any(path in one.field for path in paths)), None)


def _claim_of(pod: PodView, name: str) -> ObjectKey | None:
    volume = volume_in(pod, name)
    claims = [one.persistent_volume_claim for one in pod.spec.volumes if one.persistent_volume_claim]
    by_volume_name = claims[0] if volume is None and len(claims) == 1 else None
    claim = volume.persistent_volume_claim if volume else by_volume_name
    return ObjectKey("PersistentVolumeClaim", pod.key.namespace, claim.claim_name) if claim else None


def _reason_in(text: str) -> str:
    """The message less the part that names the volume, and less the arguments of a mount command."""
    output = re.search(r"\nOutput: (.+)", text)
    return output[1] if output else text.partition('" : ')[2] or text


def _mount_next(pod: PodView, name: str, blame: ObjectKey, change: Change | None) -> tuple[str, ...]:
    if blame.kind == "PersistentVolumeClaim":
        return (f"kubectl -n {blame.namespace} describe pvc {blame.name}",)
    return (undo_or_correct(pod.workload, change, volume_field(name)),)


_READ_ONLY = re.compile(r"read-only file ?system|EROFS", re.IGNORECASE)
# The kernel's EACCES and EPERM in C, Go, Node, Java and Python; PostgreSQL of a folder that is another user's.
_DENIED = re.compile(
    r"permission denied|EACCES|AccessDenied|operation not permitted|EPERM\b|has wrong ownership", re.IGNORECASE
)
_PATH = re.compile(r"(?<![\w.])/[\w.@%+/-]+")


@rule("startup.volume_permission", version=1)
def volume_permission(container: ContainerView) -> Iterator[Finding]:
    """The program ends because it may not write (or read) a path of its file system.

    A refusal on a path outside every volume counts only where the workload made its root file system read-only, or has
    it run as a user of its own choice.
    """
    end = crash_of(container)
    line = _refused_line(container) if end else ""
    if end is None or not line:
        return
    path = next((found for found in _PATH.findall(line)), "")
    mounted = _mounted(container, path)
    change = change_of_ask(container, "securityContext", "volume", "image")
    read_only = "its read-only root file system" if _READ_ONLY.search(line) else "its own file system as its user"
    where = f"volume {mounted.name}" if mounted else read_only
    yield Finding(
        code="startup.volume_permission",
        blame=container.pod.workload,
        change=change,
        summary=f'container {container.name} may not use {path or "a path"} on {where}: "{line[:120]}"',
        confidence=0.88,
        evidence=with_change(
            change,
            evidence(end.event, f"container {container.name}: {describe_end(end)}: {line[:120]}", at=end.at),
        ),
        attributes={"container": container.name, "path": path, "volume": mounted.name if mounted else ""},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the file system refused it"),),
        next=(_permission_next(container, change),),
    )


def _refused_line(container: ContainerView) -> str:
    security = container.spec.security_context
    read_only_root = bool(security and security.read_only_root_filesystem)
    for line in reversed(container.last_words.splitlines()):
        read_only = _READ_ONLY.search(line)
        if not read_only and not _DENIED.search(line):
            continue
        paths = _PATH.findall(line)
        own_choice = read_only_root if read_only else bool(paths) and runs_restricted(container)
        if own_choice or any(_mounted(container, path) for path in paths):
            return line.strip()
    return ""


def runs_restricted(container: ContainerView) -> bool:
    """Whether the workload has it run as another user than root, whatever its image says."""
    for context in (container.spec.security_context, container.pod.spec.security_context):
        if context and (context.run_as_user or context.run_as_non_root):
            return True
    return False


def _mounted(container: ContainerView, text: str) -> k8s.VolumeMount | None:
    """The mount that a path (or a message that holds one) lies on, the innermost."""
    mounts = [one for one in container.spec.volume_mounts if one.mount_path and one.mount_path.rstrip("/") in text]
    return max(mounts, key=lambda one: len(one.mount_path), default=None)


def _permission_next(container: ContainerView, change: Change | None) -> str:
    workload = container.pod.workload
    if change is not None:
        return undo_or_correct(workload, change, container.field("securityContext"))
    return correct(workload, "spec.template.spec.securityContext", f"fsGroup or runAsUser of {named(workload)}")
