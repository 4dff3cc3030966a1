"""`python -m tests.record_incident FILE`: the incident of `tapio demo`, recorded by `tapio capture` in the lab.

A shop's checkout reads DB_HOST from a ConfigMap. Somebody changes it and restarts the Deployment; the new pods end at
once, and the old ones stay. Beside it, at the same time, the front end is scaled: near in time, and not to blame.
"""

import subprocess
import sys
import time
from pathlib import Path

from tests.lab import manifests
from tests.lab.build import expected
from tests.lab.cluster import Cluster
from tests.lab.lab import Lab
from tests.lab.layout import layout

_NAMESPACE = "shop"
_WATCH_S = 75
_TAPIO = str(Path(sys.executable).with_name("tapio"))


def main(file: str) -> None:
    """Set the shop up, watch it, break it, and leave nothing."""
    lab = Lab(Cluster(layout(), expected()))
    lab.kubectl("create", "namespace", _NAMESPACE)
    try:
        lab.wait(lambda: lab.get("serviceaccount", "default", _NAMESPACE), 30, "the namespace is ready")
        _set_up(lab)
        watching = ["capture", file, "-n", _NAMESPACE, "--for", f"{_WATCH_S}s", "--kubeconfig", str(lab.kubeconfig)]
        with subprocess.Popen([_TAPIO, *watching]) as capture:
            time.sleep(10)  # the capture begins with the state before
            _break(lab)
        sys.exit(capture.returncode)
    finally:
        lab.kubectl("delete", "namespace", _NAMESPACE, "--wait=false")


def _set_up(lab: Lab) -> None:
    reads = [{"configMapRef": {"name": "checkout-cfg"}}]
    steps = ("expect-env=DB_HOST:db", "connect=db:5432", "serve=8080", "hang")
    ready = manifests.http_probe()
    lab.apply(
        [
            manifests.configmap("checkout-cfg", {"DB_HOST": "db", "LOG_LEVEL": "info"}),
            manifests.deployment("db", ("tcp=5432", "hang")),
            manifests.service("db", port=5432, target_port=5432),
            manifests.deployment("front", ("serve=8080", "hang"), probe=ready),
        ],
        _NAMESPACE,
    )
    lab.wait_for_rollout("db", _NAMESPACE)
    checkout = manifests.deployment("checkout", steps, replicas=3, env_from=reads, probe=ready)
    lab.apply([checkout, manifests.service("checkout")], _NAMESPACE)
    for name in ("front", "checkout"):
        lab.wait_for_rollout(name, _NAMESPACE)


def _break(lab: Lab) -> None:
    lab.kubectl("scale", "deployment/front", "--replicas=2", f"--namespace={_NAMESPACE}")
    lab.apply(manifests.configmap("checkout-cfg", {"DB_HOST": "db-new", "LOG_LEVEL": "info"}), _NAMESPACE)
    time.sleep(3)
    lab.kubectl("rollout", "restart", "deployment/checkout", f"--namespace={_NAMESPACE}")


if __name__ == "__main__":
    main(sys.argv[1])
