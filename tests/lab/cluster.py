"""Starts and stops the whole lab."""

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cleanup, control_plane, dns, healing, network, node
from tests.lab.build import Built, build, expected
from tests.lab.command import LabError
from tests.lab.kubectl import Kubectl
from tests.lab.layout import KUBERNETES, NODES, Layout
from tests.lab.needs import check_machine, check_root
from tests.lab.pki import make_pki
from tests.lab.progress import PATIENCE_S, say, step, wait_until
from tests.lab.service import Service, processes

_LOCK = Path("/run/tapio-lab.lock")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One lab: its folders and the programs it runs."""

    lab: Layout
    built: Built

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.built.program("kubectl"), self.lab.kubeconfig)

    def services(self) -> list[Service]:
        """List all daemons, in the order in which they start."""
        nodes = [service for spec in NODES for service in node.services(self.lab, spec, self.built).values()]
        return [*control_plane.services(self.lab, self.built).values(), *nodes]

    def service(self, name: str, group: str = control_plane.GROUP) -> Service:
        """Find one daemon, such as kubelet of node-1."""
        for service in self.services():
            if (service.name, service.group) == (name, group):
                return service
        raise LabError(
            f"no {name} in {group}; there are {', '.join(f'{s.name} in {s.group}' for s in self.services())}"
        )


def up(lab: Layout) -> None:
    """Start the lab and wait until it works. One that already works with this checkout's programs is left alone."""
    check_machine()
    with _locked():
        cluster = Cluster(lab, build())
        if _healed(lab):
            say("already up")
            return
        begin = time.monotonic()
        with step("cleaning up what an earlier run left"):
            cleanup.clean(lab)
            cleanup.put_logs_aside(lab)
        _start(cluster)
        lab.up_marker.write_text(json.dumps(_marker(cluster.built)))
        say(f"up: Kubernetes {KUBERNETES} with {len(NODES)} nodes, {time.monotonic() - begin:.1f} s")


def heal(lab: Layout) -> None:
    """Put right what killed tests left broken, where the lab is up.

    Whoever asks has a turn (`turns`), so nothing is broken on purpose at the moment.
    """
    with _locked():
        _healed(lab)


def _healed(lab: Layout) -> bool:
    """Whether the lab runs and answers, after what was broken in it has been put right."""
    try:
        cluster = Cluster(lab, expected())
        if json.loads(lab.up_marker.read_text()) != _marker(cluster.built):
            return False
    except (OSError, ValueError, LabError):
        return False
    started = healing.start_stopped(cluster.services())
    if started:
        with contextlib.suppress(LabError):
            wait_until(lambda: _works(lab, cluster), what="the lab works again")
    if not is_up(lab):
        return False
    for undone in (*started, *healing.heal(cluster.kubectl)):
        say(f"put right: {undone}")
    return True


def _works(lab: Layout, cluster: Cluster) -> bool:
    return is_up(lab) and _ready_nodes(cluster) == len(NODES)


def down(lab: Layout) -> None:
    """Stop the lab and leave nothing of it but its logs; also where it never was, or could not be."""
    check_root()
    with _locked(), step("stopping the lab"):
        say(f"{cleanup.clean(lab)} processes ended")


def is_up(lab: Layout) -> bool:
    """Whether the lab runs with this checkout's programs and answers."""
    cluster = Cluster(lab, expected())
    try:
        if json.loads(lab.up_marker.read_text()) != _marker(cluster.built):
            return False
        ended = [service.name for service in cluster.services() if not service.pids()]
        return not ended and cluster.kubectl("get", "--raw", "/readyz") == "ok"
    except (OSError, ValueError, LabError):
        return False


def status(lab: Layout) -> str:
    """Describe what runs, a line per daemon."""
    lines = [f"{'up' if is_up(lab) else 'not up'}: {len(processes())} processes, state in {lab.state}"]
    for service in Cluster(lab, expected()).services():
        pids = " ".join(map(str, service.pids())) or "-"
        lines.append(f"  {service.group:14} {service.name:24} {pids}")
    return "\n".join(lines)


def _marker(built: Built) -> dict[str, str]:
    return {"programs": str(built.programs), "images": str(built.images)}


def _start(cluster: Cluster) -> None:
    lab, built = cluster.lab, cluster.built
    with step("making certificates and networks"):
        make_pki(lab)
        control_plane.write_world(lab)
        (lab.state / "bin").symlink_to(built.programs)  # kubectl and the rest, for people
        network.connect()
        for spec in NODES:
            node.write_disk(lab, spec)
    plane = list(control_plane.services(lab, built).values())
    first = [service for service in plane if service.name not in control_plane.CLIENTS]
    with step("starting etcd and the API server"):
        for service in first:
            service.start()
        _wait_with(first, lambda: _answers(cluster, "/readyz"), what="the API server is ready")
    with step("starting the nodes"):
        objects = [*map(node.registration, NODES), *dns.objects()]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        cluster.kubectl("apply", "--filename=-", input=listed)
        for service in plane:
            if service.name in control_plane.CLIENTS:
                service.start()
        node.start(lab, NODES, built)
        _wait_with(cluster.services(), lambda: _ready_nodes(cluster) == len(NODES), what="the nodes are Ready")
    with step("waiting for the cluster's DNS"):
        cluster.kubectl(
            "rollout", "status", "deployment/coredns", "--namespace=kube-system", f"--timeout={PATIENCE_S}s"
        )


def _wait_with(services: list[Service], holds: Callable[[], bool], *, what: str) -> None:
    """Wait for something that daemons bring about; when one of them ends, say so with its last words."""

    def holds_or_never_will() -> bool:
        for service in services:
            if not service.pids():
                raise LabError(f"{service.name} has ended; {service.log} ends with\n{service.last_words()}")
        return holds()

    wait_until(holds_or_never_will, what=what)


def _answers(cluster: Cluster, path: str) -> bool:
    try:
        return cluster.kubectl("get", "--raw", path) == "ok"
    except LabError:
        return False


def _ready_nodes(cluster: Cluster) -> int:
    nodes = json.loads(cluster.kubectl("get", "nodes", "--output=json"))["items"]
    conditions = [condition for found in nodes for condition in found["status"].get("conditions", ())]
    return sum(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Let one run at a time start or stop the machine's lab; the kernel frees the lock of a run that was killed."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
