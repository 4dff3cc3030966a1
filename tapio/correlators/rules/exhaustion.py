"""Nodes and programs that ran out: of disk, of memory beyond any limit, of file descriptors."""

import re
from collections.abc import Iterator
from datetime import timedelta

from tapio.correlators.rules.clues.asked import in_trouble
from tapio.correlators.rules.clues.crashes import crash_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import shortened, target
from tapio.correlators.sequence import describe_end
from tapio.correlators.views import ContainerView, PodView, evidence
from tapio.graph import Evidence, RuledOut
from tapio.unified import EventName, ObjectKey
from tapio.unified import objects as k8s

_NO_ROOM = re.compile(r"no space left on device|\bENOSPC\b", re.IGNORECASE)
_STARTING = frozenset({EventName.IMAGE_PULL_FAILED, EventName.CONTAINER_START_FAILED, EventName.POD_SANDBOX_FAILED})
_KILLED = 137  # 128 + SIGKILL


@rule("node.pressure_disk", version=1, decided_by=("kubeapi", "systemd"))
def no_room_to_start(pod: PodView) -> Iterator[Finding]:
    """The kubelet or the runtime has no room on the node for an image, a container or a sandbox."""
    told = None if pod.ready else next(_without_room(pod), None)
    if told is None or not pod.spec.node_name:
        return
    node = ObjectKey("Node", "", pod.spec.node_name)
    yield Finding(
        code="node.pressure_disk",
        blame=node,
        workload=pod.workload,
        summary=f"node {node.name} has no room on its disk to start pod {pod.key.name}",
        confidence=0.9,
        evidence=(told,),
        attributes={"node": node.name},
        ruled_out=(RuledOut(code="startup.image_not_found", because="the image was found"),),
        next=(f"kubectl describe node {node.name}   # DiskPressure, images and logs on it",),
    )


def _without_room(pod: PodView) -> Iterator[Evidence]:
    for one in pod.containers:
        if one.waiting and _NO_ROOM.search(one.waiting.message):
            yield pod.fact(f"{one.waiting.reason}: {shortened(one.waiting.message)}")
    waits = any(one.waiting for one in pod.containers) or not pod.status.container_statuses
    for event in reversed(pod.said(*_STARTING) if waits else []):
        if _NO_ROOM.search(event.message):
            yield evidence(event, f"{event.reason}: {shortened(event.message)}")


# The kubelet tells of the kernel's kill within seconds (pkg/kubelet/oom); its times count whole seconds.
_AT_THE_SAME_TIME = timedelta(seconds=30)


@rule("runtime.node_oom", version=1, decided_by=("kubeapi", "ebpf", "systemd"))
def node_oom(container: ContainerView) -> Iterator[Finding]:
    """The node, and not the container, ran out of memory, and the kernel chose the container's process."""
    end, node = container.last_end, container.pod.node
    if end is None or node is None or end.exit_code != _KILLED or end.reason == "OOMKilled" or not container.unwell:
        return
    said = [one for one in node.said(EventName.NODE_OOM) if abs(one.timestamp - end.at) <= _AT_THE_SAME_TIME]
    if not said:
        return
    yield Finding(
        code="runtime.node_oom",
        blame=node.key,
        workload=container.pod.workload,
        summary=f"node {node.key.name} ran out of memory, and the kernel killed container {container.name}",
        confidence=0.85,
        evidence=(
            evidence(said[-1], shortened(said[-1].message), entity=node.key),
            evidence(end.event, f"container {container.name}: {describe_end(end)}", at=end.at),
        ),
        attributes={"container": container.name, "node": node.key.name},
        ruled_out=(RuledOut(code="runtime.oom_killed", because="its own limit was not reached"),),
        next=(f"kubectl describe node {node.key.name}   # what runs there without a memory limit",),
    )


# The kernel's words and quotas' (XFS, NFS), SQLite's.
_FULL = re.compile(rf"{_NO_ROOM.pattern}|disk quota exceeded|\bEDQUOT\b|database or disk is full", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w.])/[\w.@%+/-]+")


@rule("runtime.volume_full", version=1, decided_by=("kubeapi", "systemd"))
def volume_full(container: ContainerView) -> Iterator[Finding]:
    """The program has no room left on a volume: its claim is to blame, else what is mounted without one.

    Which volume that is, is read from the path; without one, from the only claim that the container mounts.
    """
    line = container.newest_line(_FULL) if in_trouble(container) else ""
    volume = _written(container, line) if line else None
    if volume is None:
        return
    pod, claim = container.pod, volume.persistent_volume_claim
    blame = ObjectKey("PersistentVolumeClaim", pod.key.namespace, claim.claim_name) if claim else pod.workload
    told = f'container {container.name} says: "{shortened(line, 120)}"'
    yield Finding(
        code="runtime.volume_full",
        blame=blame,
        workload=pod.workload,
        summary=f'volume {volume.name} of container {container.name} is full: "{shortened(line, 120)}"',
        confidence=0.88,
        evidence=(container.spoken(told),),
        attributes={"container": container.name, "volume": volume.name, "last_line": line},
        ruled_out=(RuledOut(code="runtime.crash_app", because="there is no room for what it writes"),),
        next=(f"kubectl -n {blame.namespace} describe {target(blame)}   # its size, and what fills it",),
    )


def _written(container: ContainerView, line: str) -> k8s.Volume | None:
    """The volume that the line speaks of; None where it may be the container's own file system, or the node's."""
    volumes = {one.name: one for one in container.pod.spec.volumes if _may_be_written(one)}
    mounts = [
        (one.mount_path.rstrip("/"), volumes[one.name]) for one in container.spec.volume_mounts if one.name in volumes
    ]
    paths = _PATH.findall(line)
    under = [(place, one) for place, one in mounts if any(f"{path}/".startswith(f"{place}/") for path in paths)]
    if under:
        return max(under, key=lambda found: len(found[0]))[1]
    claimed = [one for _, one in mounts if one.persistent_volume_claim]
    return claimed[0] if len(claimed) == 1 and not paths else None


def _may_be_written(volume: k8s.Volume) -> bool:
    """Whether it is a claim or a folder of the pod's own; one of the node is as full as the node."""
    return not (volume.config_map or volume.secret or volume.projected or volume.host_path)


_NO_DESCRIPTOR = re.compile(r"too many open files|\bEMFILE\b|\bENFILE\b", re.IGNORECASE)


@rule("performance.fd_exhausted", version=1, decided_by=("kubeapi", "systemd"))
def fd_exhausted(container: ContainerView) -> Iterator[Finding]:
    """The program ends because it may open no more files or sockets."""
    end = crash_of(container)
    line = container.newest_line(_NO_DESCRIPTOR) if end else ""
    if end is None or not line:
        return
    workload = container.pod.workload
    yield Finding(
        code="performance.fd_exhausted",
        blame=workload,
        summary=f'the program in container {container.name} has no file descriptor left: "{line[:120]}"',
        confidence=0.85,
        evidence=(evidence(end.event, f"container {container.name}: {describe_end(end)}: {line[:120]}", at=end.at),),
        attributes={"container": container.name, "last_line": line},
        ruled_out=(RuledOut(code="runtime.oom_killed", because="the end was no OOM kill"),),
        next=(f"kubectl -n {workload.namespace} describe {target(workload)}   # what it leaves open, and its ulimit",),
    )
