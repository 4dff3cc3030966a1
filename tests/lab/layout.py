"""Where everything of the lab is: addresses, folders, names."""

import os
from dataclasses import dataclass
from pathlib import Path

KUBERNETES = "1.34.4"

HOST_IP = "172.30.0.1"
"""The host's address on the lab's bridge: the API server, the registry and "the outside world's" DNS listen here."""
PREFIX_LENGTH = 24
POD_NETWORK = "10.244.0.0/16"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
DNS_SERVICE_IP = "10.96.0.10"
API_PORT = 6443
API_URL = f"https://{HOST_IP}:{API_PORT}"
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380
REGISTRY = "registry.tapio.lab"
REGISTRY_PORT = 5000
BRIDGE = "tapio-lab"
CGROUP = "tapio-lab"
"""Every process of the lab is somewhere below this control group, and nothing else is."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one lab."""

    state: Path

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "admin.kubeconfig"

    @property
    def up_marker(self) -> Path:
        """Written last on the way up and removed first on the way down: what is half up has none."""
        return self.state / "up.json"

    def node(self, name: str) -> Path:
        """Give the folder that holds one node's disk."""
        return self.state / name


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node's name and addresses."""

    number: int

    @property
    def name(self) -> str:
        return f"node-{self.number}"

    @property
    def ip(self) -> str:
        return f"172.30.0.1{self.number}"

    @property
    def pod_network(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def netns(self) -> str:
        return f"{BRIDGE}-{self.name}"

    @property
    def link(self) -> str:
        """The host's end of the node's cable (at most 15 characters)."""
        return f"{BRIDGE}-{self.number}"

    @property
    def cgroup(self) -> str:
        """The root of the node's pods, as the kubelet and the kernel's messages spell it."""
        return f"/{CGROUP}/{self.name}"


NODES = (NodeSpec(1), NodeSpec(2))


def layout() -> Layout:
    """Give this machine's lab: one at a time, since its ports and addresses are fixed."""
    return Layout(Path(os.environ.get("TAPIO_LAB_STATE") or "/var/tmp/tapio-lab"))


def cache() -> Path:
    """Give the folder of built programs and images."""
    if chosen := os.environ.get("TAPIO_LAB_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tapio" / "lab"
