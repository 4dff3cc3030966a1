"""What the kubelet says of failing probes: which probe, and in which way it failed."""

import re
from datetime import datetime
from typing import NamedTuple

from tapio.correlators.views import ContainerView
from tapio.unified import EventName, UnifiedEvent
from tapio.unified import objects as k8s

# "(combined from similar events): " may stand before it. "errored" is a probe that could not be run at all: it counts
# for readiness and start-up (they never succeed), and for liveness it counts as nothing (pkg/kubelet/prober/worker.go).
_TOLD = re.compile(
    r"\b(Liveness|Readiness|Startup) probe (failed|errored(?: and resulted in unknown state)?): ?(.*)", re.DOTALL
)
_STATUS = re.compile(r"statuscode: (\d+)")
_MODES = tuple(
    (mode, re.compile(pattern, re.IGNORECASE))
    for mode, pattern in (
        (
            "protocol",
            r"malformed HTTP|HTTP response to HTTPS|tls: |http2:|grpc health protocol|reset by peer|\bEOF\b",
        ),
        ("status", r"statuscode: \d+|service unhealthy|unknown service|rpc error: code = (NotFound|Unimplemented)"),
        ("status", r"stopped after \d+ redirects"),
        ("port", r"connection refused|invalid syntax|couldn't find port|no such host"),
        ("timing", r"deadline exceeded|Client\.Timeout|timed? ?out|request canceled|i/o timeout|no route to host"),
        ("timing", r"network is unreachable|host is down"),
    )
)
_EXEC_TIMED_OUT = re.compile(r"\btimed out after\b|deadline exceeded|^timed? ?out", re.IGNORECASE)
_PROBE_ITSELF = re.compile(
    r"executable file not found|no such file or directory|command not found|not found$|permission denied"
    r"|invalid syntax|couldn't find port|can't open",
    re.IGNORECASE | re.MULTILINE,
)
_UNSURE_PROTOCOL = re.compile(r"connection reset by peer|\bEOF\b", re.IGNORECASE)
_TLS_PORTS = frozenset({443, 6443, 8443, 9443, 10250})
_BAD_REQUEST = 400  # what Go's and nginx's TLS servers answer to plain HTTP


class Failure(NamedTuple):
    """A probe that failed: in which way, how often, and the kubelet's words."""

    probe: str  # liveness | readiness | startup
    mode: str  # port | status | timing | protocol | exec
    text: str
    event: UnifiedEvent

    @property
    def times(self) -> int:
        return self.event.times

    @property
    def at(self) -> datetime:
        return self.event.timestamp

    @property
    def status(self) -> int | None:
        found = _STATUS.search(self.text)
        return int(found[1]) if found else None

    @property
    def of_the_probe(self) -> bool:
        """Whether the words show the probe itself to be wrong: a command or a port's name that does not exist."""
        return bool(_PROBE_ITSELF.search(self.text))

    @property
    def unsure(self) -> bool:
        """Whether a program that is merely not up yet may fail so too."""
        return self.mode in ("port", "timing", "exec") or bool(_UNSURE_PROTOCOL.search(self.text))


def failures_of(container: ContainerView, probe: str, since: datetime | None = None) -> list[Failure]:
    """How one of the container's probes failed, oldest first; only what was last seen at or after `since`."""
    said = container.pod.said(EventName.CONTAINER_UNHEALTHY, since=since)
    about = [one for one in said if one.attributes is None or one.attributes.container in ("", container.name)]
    read = (_read(container, event) for event in about)
    return [one for one in read if one and one.probe == probe]


def probe_of(container: ContainerView, name: str) -> k8s.Probe | None:
    """The container's liveness, readiness or startup probe."""
    spec = container.spec
    return {"liveness": spec.liveness_probe, "readiness": spec.readiness_probe, "startup": spec.startup_probe}[name]


def port_of(container: ContainerView, probe: k8s.Probe) -> k8s.Port | None:
    """The port a probe asks, a name resolved where the container has it; None for a command."""
    action = probe.http_get or probe.tcp_socket or probe.grpc
    if action is None:
        return None
    if isinstance(action.port, str) and action.port.isdigit():
        return int(action.port)
    return next((one.container_port for one in container.spec.ports if one.name == action.port), action.port)


def _read(container: ContainerView, event: UnifiedEvent) -> Failure | None:
    told = _TOLD.search(event.message)
    if told is None:
        return None
    name, text = told[1].lower(), told[3].strip()
    probe = probe_of(container, name)
    mode = _exec_mode(text) if probe and probe.exec else _mode(text, "timing" if probe else "exec")
    if mode == "status" and probe and _speaks_tls(container, probe, text):
        mode = "protocol"
    return Failure(name, mode, text, event)


def _exec_mode(text: str) -> str:
    return "timing" if _EXEC_TIMED_OUT.search(text) else "exec"


def _mode(text: str, otherwise: str) -> str:
    return next((mode for mode, pattern in _MODES if pattern.search(text)), otherwise)


def _speaks_tls(container: ContainerView, probe: k8s.Probe, text: str) -> bool:
    """Whether plain HTTP was answered as a TLS server answers it, on a port that is known for TLS."""
    status = _STATUS.search(text)
    if not probe.http_get or probe.http_get.scheme == "HTTPS" or not status or int(status[1]) != _BAD_REQUEST:
        return False
    port = port_of(container, probe)
    names = {one.name for one in container.spec.ports if one.container_port == port}
    return port in _TLS_PORTS or any("https" in name or "tls" in name for name in names)
