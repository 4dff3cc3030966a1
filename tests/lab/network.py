"""The lab's cables: a bridge on the host, and a network namespace per node plugged into it."""

import contextlib
from pathlib import Path

from tests.lab.command import LabError, run
from tests.lab.layout import BRIDGE, HOST_IP, NODES, PREFIX_LENGTH, NodeSpec


def connect() -> None:
    """Make the bridge and plug in every node; pod networks are reached through their nodes, without translation."""
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{HOST_IP}/{PREFIX_LENGTH}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for node in NODES:
        _plug_in(node)
        run("ip", "route", "add", node.pod_network, "via", node.ip)
    for node in NODES:
        for other in NODES:
            if other != node:
                run("ip", "-n", node.netns, "route", "add", other.pod_network, "via", other.ip)


def disconnect() -> None:
    """Remove the namespaces and the bridge, whatever is there of them."""
    for node in NODES:
        with contextlib.suppress(LabError):
            run("ip", "netns", "delete", node.netns)
        with contextlib.suppress(LabError):  # a namespace that something still holds keeps its cable
            run("ip", "link", "delete", node.link)
    with contextlib.suppress(LabError):
        run("ip", "link", "delete", BRIDGE)


def _plug_in(node: NodeSpec) -> None:
    run("ip", "netns", "add", node.netns)
    run("ip", "link", "add", node.link, "type", "veth", "peer", "name", "eth0", "netns", node.netns)
    run("ip", "link", "set", node.link, "master", BRIDGE, "up")
    run("ip", "-n", node.netns, "address", "add", f"{node.ip}/{PREFIX_LENGTH}", "dev", "eth0")
    for device in ("lo", "eth0"):
        run("ip", "-n", node.netns, "link", "set", device, "up")
    run("ip", "-n", node.netns, "route", "add", "default", "via", HOST_IP)
    forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
    run("nsenter", f"--net=/run/netns/{node.netns}", "sh", "-c", forward)
