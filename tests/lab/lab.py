"""What a test holds in its hands: the running cluster, and handles to break it."""

import base64
import json
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.lab.cluster import Cluster
from tests.lab.command import LabError, run
from tests.lab.layout import API_URL, ETCD_PORT, NODES, NodeSpec
from tests.lab.node import enter
from tests.lab.progress import PATIENCE_S, wait_until
from tests.lab.scout import wait_until_closed, wait_until_open

Answer = TypeVar("Answer")
_REACH = Path(__file__).with_name("reach.py")


@dataclass(frozen=True, slots=True)
class Lab:
    """The running lab."""

    cluster: Cluster

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, with the certificates inside."""
        return self.cluster.lab.kubeconfig

    @property
    def server_url(self) -> str:
        return API_URL

    @property
    def nodes(self) -> Sequence[NodeSpec]:
        return NODES

    def kubectl(self, *args: str, input: str | None = None) -> str:  # noqa: A002 - subprocess.run's name for it
        """Run kubectl and give its output; a failure raises with what kubectl said."""
        return self.cluster.kubectl(*args, input=input)

    def apply(self, objects: str | Mapping[str, Any] | Sequence[Mapping[str, Any]], namespace: str) -> None:
        """Apply YAML text, one object or several."""
        if isinstance(objects, str):
            text = objects
        else:
            items = [objects] if isinstance(objects, Mapping) else list(objects)
            text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=text)

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """Read one object."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, f"--namespace={namespace}", "--output=json"))
        return found

    def list(self, kind: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Read all objects of a kind, or those that a label selector chooses."""
        found = self.kubectl("get", kind, f"--namespace={namespace}", f"--selector={selector}", "--output=json")
        items: list[dict[str, Any]] = json.loads(found)["items"]
        return items

    def logs(self, pod: str, namespace: str, *, previous: bool = False) -> str:
        """Read a pod's log; `previous` gives the container before the last restart."""
        return self.kubectl("logs", pod, f"--namespace={namespace}", f"--previous={str(previous).lower()}")

    def wait(
        self, predicate: Callable[[], Answer], timeout_s: float = PATIENCE_S, what: str = "the condition"
    ) -> Answer:
        """Ask until the answer is true and give it; an object that is not there yet is a no."""
        answers: list[Answer] = []

        def holds() -> bool:
            try:
                answers[:] = [predicate()]
            except (LabError, LookupError):
                return False
            return bool(answers[0])

        wait_until(holds, timeout_s=timeout_s, what=what)
        return answers[0]

    def wait_for_rollout(self, deployment: str, namespace: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until every replica of a Deployment is ready."""
        self.kubectl(
            "rollout", "status", f"deployment/{deployment}", f"--namespace={namespace}", f"--timeout={timeout_s}s"
        )

    def run_on(self, node: str, *argv: str) -> str:
        """Run a program of this machine in a node's network and mounts, as a shell on the node would."""
        return run(*enter(self.cluster.service("init", node)), *argv)

    # --- What a part of the cluster knows: each hears of a change by a watch of its own, some later than others ------

    def reaches(self, node: str, name: str, port: int = 0) -> bool:
        """Whether a program on a node finds a name in the cluster's DNS and, but for port 0, somebody who accepts.

        A DNS that does not answer is a LabError.
        """
        return self.run_on(node, sys.executable, "-I", str(_REACH), name, str(port)) == "yes\n"

    def wait_for_names(self) -> None:
        """Wait until every node is answered by the cluster's DNS."""
        for node in self.nodes:
            asked = partial(self.reaches, node.name, "kubernetes.default.svc.cluster.local")
            self.wait(asked, what=f"{node.name} is answered by the cluster's DNS")

    def wait_until_reached(self, service: str, namespace: str, port: int = 80) -> None:
        """Wait until the cluster's DNS and every node's kube-proxy know of a Service whose pods serve."""
        name = f"{service}.{namespace}.svc.cluster.local"
        for node in self.nodes:
            self.wait(partial(self.reaches, node.name, name, port), what=f"{name} is reached from {node.name}")

    def wait_until_refused(self, pod: Mapping[str, Any], namespace: str, words: str) -> None:
        """Wait until the API server refuses to create such a pod, with these words: admission has heard of its rule."""
        self.wait(lambda: words in self._refusal(pod, namespace), what=f"a pod is refused: {words}")

    def wait_until_allowed(self, account: str, verb: str, resource: str, namespace: str) -> None:
        """Wait until a namespace's service account may do this there: authorization has heard of its rights."""
        who = f"--as=system:serviceaccount:{namespace}:{account}"
        asked = ("auth", "can-i", verb, resource, who, f"--namespace={namespace}")
        self.wait(lambda: "yes" in self.kubectl(*asked), what=f"{account} may {verb} {resource}")

    def dry_run(self, pod: Mapping[str, Any], namespace: str) -> str:
        """Give the pod as JSON as the API server would create it now; what it refuses is the error's text."""
        how = ("--dry-run=server", "--output=json", f"--namespace={namespace}", "--filename=-")
        return self.kubectl("create", *how, input=json.dumps(pod))

    def _refusal(self, pod: Mapping[str, Any], namespace: str) -> str:
        try:
            self.dry_run(pod, namespace)
        except LabError as error:
            return str(error)
        return ""

    # --- Handles: each breaks one thing and mends it, in a test that is marked `alone` --------------------------------

    @contextmanager
    def cordoned(self, node: str) -> Iterator[None]:
        """Let no more pods onto a node, as the scheduler knows by then."""
        self.kubectl("cordon", node)
        try:
            wait_until_closed(self.cluster.kubectl, node, "unschedulable")
            yield
        finally:
            self.kubectl("uncordon", node)
            wait_until_open(self.cluster.kubectl, node)

    @contextmanager
    def tainted(self, node: str, key: str, effect: str = "NoSchedule") -> Iterator[None]:
        """Give a node a taint that nothing tolerates, as the scheduler knows by then."""
        self.kubectl("taint", "node", node, f"{key}=yes:{effect}")
        try:
            wait_until_closed(self.cluster.kubectl, node, "untolerated taint")
            yield
        finally:
            self.kubectl("taint", "node", node, f"{key}:{effect}-")
            wait_until_open(self.cluster.kubectl, node)

    @contextmanager
    def without_kubelet(self, node: str, *, killed: bool = False) -> Iterator[None]:
        """End a node's kubelet, politely or with SIGKILL; its containers run on. NotReady after the grace of 40 s."""
        kubelet = self.cluster.service("kubelet", node)
        (kubelet.kill if killed else kubelet.stop)()
        heard_at = self._heard_at(node)
        try:
            yield
        finally:
            kubelet.start()
            self.wait(lambda: self._heard_at(node) != heard_at, what=f"{node} is heard again")
            self._wait_for_nodes()
            self.wait_for_names()  # the DNS may have run there

    @contextmanager
    def without_dns(self) -> Iterator[None]:
        """Scale the cluster's DNS to zero: no name is resolved in any pod."""
        where = "--namespace=kube-system"
        self.kubectl("scale", "deployment/coredns", where, "--replicas=0")
        self.wait(lambda: not self.list("pods", "kube-system", "k8s-app=kube-dns"), what="the DNS is gone")
        try:
            yield
        finally:
            self.kubectl("scale", "deployment/coredns", where, "--replicas=1")
            self.wait_for_rollout("coredns", "kube-system")
            self.wait_for_names()

    def _heard_at(self, node: str) -> str:
        """When the kubelet of a node last renewed its lease: for 40 s an API server takes its last word for true."""
        renewed: str = self.get("lease", node, "kube-node-lease")["spec"]["renewTime"]
        return renewed

    def is_ready(self, node: str) -> bool:
        """Whether a node says that it is ready, and is heard."""
        conditions = self.get("node", node, "")["status"]["conditions"]
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def restart_apiserver(self, *, compacted: bool = False) -> None:
        """End the API server, start it and wait until it answers and controllers act again: every watch breaks once,
        and is told that it has expired where etcd's history is compacted meanwhile.
        """
        with self.without_apiserver():
            if compacted:
                _compact_etcd()

    @contextmanager
    def without_apiserver(self) -> Iterator[None]:
        """End the API server and what acts through it; afterwards all of it works again.

        Controllers and scheduler are started anew: by what they heard last, nodes would be silent for the whole outage
        and more, for their watches are resumed one by one, each up to a minute late.
        """
        acting = [self.cluster.service(name) for name in ("kube-controller-manager", "kube-scheduler")]
        server = self.cluster.service("kube-apiserver")
        for service in acting:
            service.stop(patience_s=2)
        server.stop(patience_s=2)  # politely it would wait for its watchers to go
        try:
            yield
        finally:
            server.start()
            self.wait(lambda: self.kubectl("get", "--raw", "/readyz") == "ok", what="the API server is ready again")
            for service in acting:
                service.start()
            self._wait_for_controllers()
            self._wait_for_nodes()
            self.wait_for_names()

    def _wait_for_controllers(self) -> None:
        """Wait until a namespace gets its service account."""
        name = f"lab-is-back-{uuid.uuid4().hex[:6]}"
        self.kubectl("create", "namespace", name)
        try:
            self.wait(lambda: self.get("serviceaccount", "default", name), what="the controllers act again")
        finally:
            self.kubectl("delete", "namespace", name, "--wait=false")

    def _wait_for_nodes(self) -> None:
        """Wait until all nodes are ready, and the scheduler knows: the taints of a silent node go a while later."""
        for node in self.nodes:
            self.wait(partial(self.is_ready, node.name), what=f"{node.name} is ready again")
            wait_until_open(self.cluster.kubectl, node.name)


def _compact_etcd() -> None:
    """Drop etcd's history, up to a change made here: every watch is at an older version, whatever it saw last."""
    changed = _etcd("put", {"key": _encoded("/tapio-lab/compacted"), "value": _encoded("yes")})
    _etcd("compaction", {"revision": changed["header"]["revision"], "physical": True})


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _etcd(call: str, what: Mapping[str, Any]) -> dict[str, Any]:
    """Ask etcd through its JSON gateway."""
    url = f"http://127.0.0.1:{ETCD_PORT}/v3/kv/{call}"
    with urllib.request.urlopen(url, data=json.dumps(what).encode(), timeout=30) as answer:
        said: dict[str, Any] = json.load(answer)
        return said
