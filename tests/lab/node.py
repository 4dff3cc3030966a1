"""A node: its own network, mounts, control group root, containerd, kubelet and kube-proxy, on the host's kernel."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.lab.build import Built
from tests.lab.layout import DNS_SERVICE_IP, HOST_IP, POD_NETWORK, REGISTRY, REGISTRY_PORT, Layout, NodeSpec
from tests.lab.progress import wait_until
from tests.lab.service import Service, hierarchies

_BOUND = {
    "/var/log": "log",
    "/var/lib/kubelet": "kubelet",
    "/var/lib/cni": "cni-state",
    "/etc/resolv.conf": "resolv.conf",
    "/etc/machine-id": "machine-id",
}
"""Places whose path is fixed in the kubelet, in CNI or in libc, and what each node has there instead of the host's."""


def write_disk(lab: Layout, node: NodeSpec) -> None:
    """Write the files that a node's installer would: addresses, certificates' places, the registry's place."""
    disk = lab.node(node.name)
    for folder in ("log", "kubelet", "cni-state", "cni", f"registries/{REGISTRY}"):
        (disk / folder).mkdir(parents=True)
    (disk / "resolv.conf").write_text(f"nameserver {HOST_IP}\n")
    (disk / "machine-id").write_text(f"{node.number:032x}\n")
    mirror = f"http://{HOST_IP}:{REGISTRY_PORT}"
    (disk / "registries" / REGISTRY / "hosts.toml").write_text(
        f'server = "{mirror}"\n[host."{mirror}"]\ncapabilities = ["pull", "resolve"]\n'
    )
    (disk / "containerd.toml").write_text(_containerd(disk))
    (disk / "cni" / "10-tapio-lab.conflist").write_text(json.dumps(_cni(disk, node)))
    (disk / "kubelet.yaml").write_text(json.dumps(_kubelet(lab, node)))
    (disk / "kube-proxy.yaml").write_text(json.dumps(_kube_proxy(lab, node)))
    (disk / "mounts.sh").write_text(_mounts(disk))


def services(lab: Layout, node: NodeSpec, built: Built) -> dict[str, Service]:
    """Describe a node's daemons in the order in which they start. `init` holds the node's namespaces open."""
    disk = lab.node(node.name)

    def service(name: str, *argv: str | Path) -> Service:
        return Service(node.name, name, argv, lab.logs / f"{name}-{node.name}.log")

    # Not `ip netns exec`: it mounts /sys anew, and the kubelet no longer finds the control groups.
    enter_network = ("nsenter", f"--net=/run/netns/{node.netns}")
    init = service("init", *enter_network, "unshare", "--mount", "--propagation=slave", "sh", "-e", disk / "mounts.sh")
    inside = enter(init)
    kubelet_flags = (
        f"--config={disk / 'kubelet.yaml'}",
        f"--kubeconfig={lab.pki / node.name}.kubeconfig",
        f"--hostname-override={node.name}",
        f"--node-ip={node.ip}",
    )
    return {
        "init": init,
        "containerd": service("containerd", *inside, "containerd", "--config", disk / "containerd.toml"),
        "kubelet": service("kubelet", *inside, built.program("kubelet"), *kubelet_flags),
        "kube-proxy": service("kube-proxy", *inside, built.program("kube-proxy"), "--config", disk / "kube-proxy.yaml"),
    }


def registration(node: NodeSpec) -> dict[str, object]:
    """Describe the Node object. The kubelet fills it; made by hand first, it has the pod network that CNI uses."""
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}, "spec": {"podCIDR": node.pod_network}}


def start(lab: Layout, nodes: Sequence[NodeSpec], built: Built) -> None:
    """Start the daemons of the nodes, all nodes at once: a kubelet ends when it finds no containerd."""
    for node in nodes:
        _make_cgroups(node)
        services(lab, node, built)["init"].start()
    for node in nodes:
        _wait_for(lab.node(node.name) / "mounted", node)
        services(lab, node, built)["containerd"].start()
    for node in nodes:
        _wait_for(lab.node(node.name) / "containerd.sock", node)
        for name in ("kubelet", "kube-proxy"):
            services(lab, node, built)[name].start()


def _wait_for(file: Path, node: NodeSpec) -> None:
    wait_until(file.exists, what=f"{node.name} has {file}", every_s=0.05)


def enter(init: Service) -> tuple[str, ...]:
    """Give the words that put a command into the node's network and mounts."""
    pids = init.pids()
    # Before init runs there is nowhere to go; a description of the others still serves to stop them.
    return ("nsenter", f"--target={pids[0]}", "--net", "--mount") if pids else ("false",)


def _make_cgroups(node: NodeSpec) -> None:
    """Make a root for the node's pods in every hierarchy, so that two kubelets share one kernel.

    A new cpuset is empty, and nothing can run in it until it has processors and memory.
    """
    for hierarchy in hierarchies():
        root = hierarchy
        for part in Path(node.cgroup).parts[1:]:
            above, root = root, root / part
            root.mkdir(exist_ok=True)
            for what in ("cpuset.cpus", "cpuset.mems"):
                if (above / what).exists():
                    (root / what).write_text((above / what).read_text())


def _mounts(disk: Path) -> str:
    """Write what runs first in a node: its own /run and the rest of what it does not share with the host.

    All of it lives in the node's mount namespace, pods' volumes too: when the last process is gone, so are they.
    """
    binds = (f"[ ! -e {place} ] || mount --bind {disk / name} {place}" for place, name in _BOUND.items())
    lines = (
        "mount --make-rshared /",  # the kubelet wants to pass mounts on to containers
        "mount -t tmpfs -o mode=755 tmpfs /run",
        "mkdir -p /run/lock /var/lib/cni /var/lib/kubelet",
        *binds,
        f"touch {disk / 'mounted'}",
        "exec sleep infinity",
    )
    return "\n".join(lines) + "\n"


def _containerd(disk: Path) -> str:
    """Write containerd's settings. It keeps OOM scores as they are: lowering one needs CAP_SYS_RESOURCE."""
    return f"""
version = 2
root = "{disk / "containerd"}"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{disk / "containerd.sock"}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{REGISTRY}/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{disk / "registries"}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{disk / "cni"}"
"""


def _cni(disk: Path, node: NodeSpec) -> dict[str, object]:
    """Describe the pod network: a cable per pod and routes, no bridge and no translation.

    Pods of one node that met on a bridge would answer each other past kube-proxy's address translation.
    """
    ranges = [[{"subnet": node.pod_network}]]
    leases = str(disk / "cni-state" / "ipam")
    ipam = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}], "dataDir": leases}
    cable = {"type": "ptp", "ipMasq": False, "ipam": ipam}
    host_ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "tapio-lab", "plugins": [cable, host_ports]}


def _kubelet(lab: Layout, node: NodeSpec) -> dict[str, object]:
    disk, pki = lab.node(node.name), lab.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / f"{node.name}.crt"),
        "tlsPrivateKeyFile": str(pki / f"{node.name}.key"),
        "containerRuntimeEndpoint": f"unix://{disk / 'containerd.sock'}",
        "volumePluginDir": str(disk / "volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": node.cgroup,
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,  # lowering it needs CAP_SYS_RESOURCE
        "clusterDomain": "cluster.local",
        "clusterDNS": [DNS_SERVICE_IP],
        "resolvConf": str(disk / "resolv.conf"),
        "nodeStatusUpdateFrequency": "4s",
        "serializeImagePulls": False,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }


def _kube_proxy(lab: Layout, node: NodeSpec) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(lab.pki / "kube-proxy.kubeconfig")},
        "mode": "nftables",
        "clusterCIDR": POD_NETWORK,
        "hostnameOverride": node.name,
        "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0},  # the kernel's table is the host's
    }
