"""What an operator sees of the running Tapio: actors by name and metrics on Ray's dashboard, a log line per batch."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.lab import manifests as lab_objects
from tests.lab.lab import Lab
from tests.scenarios.blame import SERVING
from tests.scenarios.conftest import Tapio, tapio

pytestmark = pytest.mark.lab

Json = dict[str, Any]


class Dashboard:
    """Ray's dashboard, as `tapio up` says where it is and where its token stands."""

    def __init__(self, running: Tapio) -> None:
        told = re.search(r"^dashboard +(\S+) .*token: (.+)\)$", (running.data / "up.log").read_text(), re.MULTILINE)
        assert told
        self._url, self.folder = told[1], Path(told[2]).parent
        self._token = Path(told[2]).read_text()

    def get(self, path: str) -> Json:
        request = urllib.request.Request(f"{self._url}{path}", headers={"Authorization": f"Bearer {self._token}"})
        with urllib.request.urlopen(request, timeout=30) as response:
            found: Json = json.load(response)
            return found

    def metrics(self) -> str:
        """All metrics of Ray's exporters, as Prometheus would find them."""
        places = json.loads((self.folder / "prom_metrics_service_discovery.json").read_text())
        pages = [f"http://{target}/metrics" for place in places for target in place["targets"]]
        return "".join(urllib.request.urlopen(page, timeout=30).read().decode() for page in pages)

    def logs(self) -> str:
        return "".join(path.read_text() for path in (self.folder / "session_latest" / "logs").glob("worker-*.err"))


@pytest.fixture
def dashboard(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> Dashboard:
    """Of a Tapio that had something to do."""
    lab.apply(lab_objects.deployment("web", SERVING), lab_namespace)
    running_tapio.until("deployment/web", lab_namespace, "none.healthy")
    return Dashboard(running_tapio)


def test_actors_have_readable_names(dashboard: Dashboard) -> None:
    actors = dashboard.get("/api/v0/actors")["data"]["result"]["result"]
    alive = {actor["name"]: actor["class_name"] for actor in actors if actor["state"] == "ALIVE"}
    assert {
        "tapio/supervisor/0": "SupervisorHost",
        "tapio/collector/kubeapi": "KubeapiCollectorHost",
        "tapio/transformer/0": "TransformerHost",
        "tapio/correlator/0": "CorrelatorHost",
        "tapio/correlator/1": "CorrelatorHost",
    }.items() <= alive.items()


def test_metrics_are_on_rays_page_by_name(lab: Lab, dashboard: Dashboard) -> None:
    wanted = ("collected_events_total", "transformed_unified_total", "batch_stored_write_seconds")
    lab.wait(lambda: all(f"ray_tapio_{name}" in dashboard.metrics() for name in wanted), 60, "Ray exports them")


def test_each_batch_is_a_structured_line(dashboard: Dashboard) -> None:
    lines = dashboard.logs().splitlines()
    for happening in ("Collected source=kubeapi events=", "Transformed stage=transform/0 raw=", "BatchStored stage="):
        assert any(re.match(rf"\S+Z INFO {happening}", line) for line in lines), happening


def test_the_status_names_every_actor(dashboard: Dashboard, running_tapio: Tapio) -> None:
    assert dashboard.folder
    said = tapio("status", "--server", running_tapio.url)
    assert said.returncode == 0
    assert "4 of 4 actors are well" in said.stdout
