"""What keeps the runtime from making a container, or the sandbox it would run in."""

import re
from collections.abc import Iterator
from datetime import timedelta

from tapio.correlators.rules.clues.crashes import TOO_SMALL, crash_of
from tapio.correlators.rules.clues.progress import still_holds
from tapio.correlators.rules.finding import Finding, rule
from tapio.correlators.rules.remedies import shortened, undo_or_correct
from tapio.correlators.temporal import change_of_ask
from tapio.correlators.views import ContainerView, PodView, evidence, with_change
from tapio.graph import Evidence, RuledOut
from tapio.unified import EventName, ObjectKey, UnifiedEvent

_NOT_CREATED = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
# The kubelet's check of runAsNonRoot (pkg/kubelet/kuberuntime/security_context.go), then what runc, crun and the
# runtimes say of users, capabilities and profiles.
_SECURITY = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("runAsNonRoot", r"runAsNonRoot|breaks non-root policy|image will run as root|verify user is non-root"),
        ("runAsUser", r"cannot set [ug]id|set[ug]id|setgroups|matching entries in passwd|unable to find (user|group)"),
        ("profile", r"apparmor|seccomp|selinux"),
        ("capabilities", r"capabilit(y|ies)|no_new_privs"),
    )
)


@rule("startup.security_context", version=1)
def security_context(container: ContainerView) -> Iterator[Finding]:
    """The kubelet or the runtime refuses to run the container under the user or profile that it asks for."""
    told = _refusal(container)
    if told is None:
        return
    kind, proof = told
    change = change_of_ask(container, "securityContext", "image")
    yield Finding(
        code="startup.security_context",
        blame=container.pod.workload,
        change=change,
        summary=f"container {container.name} may not run as it asks ({kind}): {shortened(proof.text, 160)}",
        confidence=0.93,
        evidence=with_change(change, proof),
        attributes={"container": container.name, "kind": kind},
        ruled_out=(RuledOut(code="runtime.crash_app", because="the program never ran"),),
        next=(undo_or_correct(container.pod.workload, change, container.field("securityContext"), kind),),
    )


def _refusal(container: ContainerView) -> tuple[str, Evidence] | None:
    waiting, end = container.waiting, container.last_end
    if waiting and waiting.reason in _NOT_CREATED:
        kind = _security_kind(waiting.message)
        if kind:
            return kind, container.pod.fact(f"{waiting.reason}: {shortened(waiting.message)}")
    if end and end.reason in ("StartError", "ContainerCannotRun") and not container.running_since:
        kind = _security_kind(end.message)
        if kind:
            return kind, evidence(end.event, f"{end.reason}: {shortened(end.message)}", at=end.at)
    return None


# Ports below 1024 are root's (or NET_BIND_SERVICE's); Go, nginx, Node, Python.
_PRIVILEGED_PORT = re.compile(
    r"bind: permission denied|bind\(\) to \S+ failed \(13|listen EACCES|bind.*\[Errno 13\]", re.IGNORECASE
)


@rule("startup.security_context", version=1)
def may_not_listen(container: ContainerView) -> Iterator[Finding]:
    """The program ends because it may not listen on a port below 1024 as the user that it runs as."""
    end = crash_of(container)
    line = container.newest_line(_PRIVILEGED_PORT) if end else ""
    if end is None or not line:
        return
    change = change_of_ask(container, "securityContext", "image", "port", "args", "env")
    said = evidence(end.event, f'container {container.name} ends with "{shortened(line, 120)}"', at=end.at)
    yield Finding(
        code="startup.security_context",
        blame=container.pod.workload,
        change=change,
        summary=f'container {container.name} may not listen where it wants to: "{shortened(line, 120)}"',
        confidence=0.85,
        evidence=with_change(change, said),
        attributes={"container": container.name, "kind": "privileged port", "last_line": line},
        ruled_out=(RuledOut(code="startup.sidecar_port_conflict", because="the port is not taken"),),
        next=(
            undo_or_correct(container.pod.workload, change, container.field("securityContext"), "or a port >= 1024"),
        ),
    )


def _security_kind(text: str) -> str:
    return next((kind for kind, pattern in _SECURITY if pattern.search(text)), "")


# The kubelet makes a sandbox anew about every 10 s: a second failure may still be a CNI that starts with its node.
_PERSISTENT_TIMES = 3
_PERSISTENT_AGE = timedelta(seconds=20)
# host-local, Calico, Cilium, AWS VPC CNI, Azure CNI.
_NO_ADDRESS_LEFT = re.compile(
    r"no (more )?(available |free )?(ip|address)(es|s)?( address(es)?)?( are)? (available|left)|no available ip"
    r"|range is full|pool exhausted|failed to assign an ip address|insufficient ?free ?addresses"
    r"|failed to allocate for range",
    re.IGNORECASE,
)
_SANDBOX = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("ipam", r"no (available |free )?ip|no addresses available|\bipam\b|range is full|failed to allocate"),
        ("runtime_class", r"no runtime for|RuntimeHandler|runtime handler"),
        ("cni", r"\bcni\b|network plugin|setup network for sandbox|networkPlugin|plugin type="),
        ("runtime", r"containerd\.sock|crio\.sock|docker(shim)?\.sock|OCI runtime|create shim|runc"),
        ("image", r"sandbox image|pause|pull image"),
        ("timeout", r"deadline exceeded|timed out"),
    )
)


# The kubelet does not even try while its runtime says that there is no network (pkg/kubelet: NetworkNotReady).
_NO_NETWORK = re.compile(
    r"network is not ready|NetworkPluginNotReady|cni plugin not initialized|cni config uninitialized", re.IGNORECASE
)


@rule(
    "startup.sandbox_failed",
    "network.ip_exhausted",
    "network.cni_failed",
    version=2,
    decided_by=("kubeapi", "cni", "systemd"),
)
def sandbox_failed(pod: PodView) -> Iterator[Finding]:
    """The pod's sandbox fails again and again: what serves pods on that node (CNI, IPAM, runtime) is to blame.

    Addresses that ran out are a cause of their own.
    """
    said = [one for one in pod.said(EventName.POD_SANDBOX_FAILED) if still_holds(pod, one)]
    tight = next((one for one in reversed(said) if TOO_SMALL.search(one.message)), None)
    if tight is not None:
        yield _no_room_to_start_in(pod, tight)
        return
    if not said or not _persists(pod, said):
        return
    newest = said[-1]
    kind = next((kind for kind, pattern in _SANDBOX if pattern.search(newest.message)), "other")
    node = ObjectKey("Node", "", pod.spec.node_name or newest.node)
    of_workload = kind == "runtime_class" or not node.name
    yield Finding(
        code=_sandbox_code(newest.message),
        blame=pod.workload if of_workload else node,
        workload=pod.workload,
        summary=f"no sandbox for {pod.key.name} on {node.name} ({kind}): {shortened(newest.message, 160)}",
        confidence=0.85,
        evidence=tuple(evidence(one, f"{one.reason} x{one.times}: {shortened(one.message)}") for one in said[-2:]),
        attributes={"kind": kind, "node": node.name},
        ruled_out=(RuledOut(code="startup.image_not_found", because="no image is pulled before there is a sandbox"),),
        next=(f"kubectl get pods -A --field-selector spec.nodeName={node.name}  # the CNI's pods there",),
    )


def _no_room_to_start_in(pod: PodView, told: UnifiedEvent) -> Finding:
    """The sandbox runs under the sum of the containers' limits: one that is tiny ends already there."""
    change = next((one for one in pod.workload_changes if ".resources" in one.field), None)
    limits = [str(limit) for one in pod.containers if (limit := one.limit("memory"))]
    which = f"memory limit of {' + '.join(limits)}" if limits else "memory limit"
    return Finding(
        code="startup.memory_too_small",
        blame=pod.workload,
        workload=pod.workload,
        change=change,
        summary=f"the {which} is too small to start {pod.key.name} in",
        confidence=0.93,
        evidence=with_change(change, evidence(told, shortened(told.message))),
        attributes={"limit": limits[0] if limits else None},
        ruled_out=(RuledOut(code="startup.sandbox_failed", because="the kernel ended it for its limit"),),
        next=(undo_or_correct(pod.workload, change, "spec.template.spec.containers", "resources.limits.memory"),),
    )


def _sandbox_code(message: str) -> str:
    if _NO_NETWORK.search(message):
        return "network.cni_failed"
    return "network.ip_exhausted" if _NO_ADDRESS_LEFT.search(message) else "startup.sandbox_failed"


def _persists(pod: PodView, said: list[UnifiedEvent]) -> bool:
    """Messages hold ids that differ, so one trouble is many records: their counts add up."""
    first = min(one.first_at for one in said)
    age = max(pod.at, said[-1].timestamp) - first
    return sum(one.times for one in said) >= _PERSISTENT_TIMES or age >= _PERSISTENT_AGE
