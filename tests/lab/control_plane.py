"""The host's side of the cluster: etcd, the API server and its helpers, the image registry, the outside world's DNS."""

from collections.abc import Sequence
from pathlib import Path

from tests.lab.build import Built
from tests.lab.layout import (
    API_PORT,
    ETCD_PEER_PORT,
    ETCD_PORT,
    HOST_IP,
    POD_NETWORK,
    REGISTRY,
    REGISTRY_PORT,
    SERVICE_NETWORK,
    Layout,
)
from tests.lab.service import Service

GROUP = "control-plane"
_ETCD_URL = f"http://127.0.0.1:{ETCD_PORT}"
_ETCD_PEER_URL = f"http://127.0.0.1:{ETCD_PEER_PORT}"
CLIENTS = ("kube-controller-manager", "kube-scheduler")
"""These start when the API server is ready: the first waits 10 s for it and ends."""
NODE_GRACE_S = 40
"""How long a node may be silent. Less gives false NotReady when other tests keep the two cores busy."""


def services(lab: Layout, built: Built) -> dict[str, Service]:
    """Describe the daemons in the order in which they start."""
    argvs: dict[str, Sequence[str | Path]] = {
        "world-dns": [built.program("coredns"), "-conf", lab.state / "world" / "Corefile"],
        "registry": [built.program("workload"), "registry", *_flags(_registry(built))],
        "etcd": [built.program("etcd"), *_flags(_etcd(lab))],
        "kube-apiserver": [built.program("kube-apiserver"), *_flags(_apiserver(lab))],
        "kube-controller-manager": [built.program("kube-controller-manager"), *_flags(_controller_manager(lab))],
        "kube-scheduler": [built.program("kube-scheduler"), *_flags(_scheduler(lab))],
    }
    return {name: Service(GROUP, name, argv, lab.logs / f"{name}.log") for name, argv in argvs.items()}


def write_world(lab: Layout) -> None:
    """Write the DNS that stands for all the world outside: it knows the names in world/hosts and denies all others.

    Without it a node would ask this machine's resolver, and an unknown registry would be a time-out on one machine and
    "no such host" on the other. A test may add names: the file is read again when it changes.
    """
    world = lab.state / "world"
    world.mkdir(parents=True)
    hosts = world / "hosts"
    hosts.write_text(f"{HOST_IP} {REGISTRY}\n")
    deny = "template ANY ANY {\n rcode NXDOMAIN\n }"
    # The template answers everything, so the hosts' names are a server block of their own.
    (world / "Corefile").write_text(
        f".:53 {{\n bind {HOST_IP}\n errors\n hosts {hosts} {{\n ttl 5\n reload 1s\n fallthrough\n }}\n {deny}\n}}\n"
    )


def _flags(settings: dict[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in settings.items()]


def _registry(built: Built) -> dict[str, object]:
    return {"root": built.images / "registry", "listen": f"{HOST_IP}:{REGISTRY_PORT}"}


def _etcd(lab: Layout) -> dict[str, object]:
    return {
        "data-dir": lab.state / "etcd",
        "listen-client-urls": _ETCD_URL,
        "advertise-client-urls": _ETCD_URL,
        "listen-peer-urls": _ETCD_PEER_URL,
        "initial-advertise-peer-urls": _ETCD_PEER_URL,
        "initial-cluster": f"default={_ETCD_PEER_URL}",
        # The data lives as long as the lab. A test of slow disks starts an etcd without this.
        "unsafe-no-fsync": "true",
    }


def _apiserver(lab: Layout) -> dict[str, object]:
    pki = lab.pki
    return {
        "etcd-servers": _ETCD_URL,
        "bind-address": HOST_IP,
        "advertise-address": HOST_IP,
        "secure-port": API_PORT,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "client-ca-file": pki / "ca.crt",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "service-cluster-ip-range": SERVICE_NETWORK,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": pki / "service-accounts.pub",
        "service-account-signing-key-file": pki / "service-accounts.key",
        "kubelet-client-certificate": pki / "apiserver-to-kubelet.crt",
        "kubelet-client-key": pki / "apiserver-to-kubelet.key",
        "kubelet-preferred-address-types": "InternalIP",  # logs and exec would look node names up in DNS
    }


def _controller_manager(lab: Layout) -> dict[str, object]:
    return {
        "kubeconfig": lab.pki / "kube-controller-manager.kubeconfig",
        "bind-address": "127.0.0.1",
        "leader-elect": "false",
        "use-service-account-credentials": "true",
        "service-account-private-key-file": lab.pki / "service-accounts.key",
        "root-ca-file": lab.pki / "ca.crt",
        "cluster-cidr": POD_NETWORK,
        "node-monitor-period": "2s",
        "node-monitor-grace-period": f"{NODE_GRACE_S}s",
        "flex-volume-plugin-dir": lab.state / "volume-plugins",  # or it makes a folder in the host's /usr
    }


def _scheduler(lab: Layout) -> dict[str, object]:
    return {
        "kubeconfig": lab.pki / "kube-scheduler.kubeconfig",
        "bind-address": "127.0.0.1",
        "leader-elect": "false",
    }
