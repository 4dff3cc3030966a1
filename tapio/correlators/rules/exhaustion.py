"""Nodes and programs that ran out: of disk, of memory beyond any limit, of file descriptors."""

import re
from collections.abc import Iterator
from datetime import timedelta

from tapio.correlators.rules.crashes import crash_of
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import shortened, target
from tapio.correlators.sequence import describe_end
from tapio.correlators.views import ContainerView, PodView, evidence
from tapio.graph import Evidence, RuledOut
from tapio.unified import EventName, ObjectKey

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


_NO_DESCRIPTOR = re.compile(r"too many open files|\bEMFILE\b|\bENFILE\b", re.IGNORECASE)


@rule("performance.fd_exhausted", version=1, decided_by=("kubeapi", "systemd"))
def fd_exhausted(container: ContainerView) -> Iterator[Finding]:
    """The program ends because it may open no more files or sockets."""
    end = crash_of(container)
    lines = reversed(container.last_words.splitlines()) if end else ()
    line = next((line.strip() for line in lines if _NO_DESCRIPTOR.search(line)), "")
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
