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
        """All metrics of Ray's exporters, as Prometheus would find them: some are yet to come, and some are gone."""
        found = self.folder / "prom_metrics_service_discovery.json"
        places = json.loads(found.read_text()) if found.exists() else []
        return "".join(_page(f"http://{target}/metrics") for place in places for target in place["targets"])

    def actors(self) -> dict[str, str]:
        """The living actors' names and classes; none where the dashboard does not say."""
        try:
            actors = self.get("/api/v0/actors")["data"]["result"]["result"]
        except OSError:
            return {}
        return {actor["name"]: actor["class_name"] for actor in actors if actor["state"] == "ALIVE"}

    def logs(self) -> str:
        return "".join(path.read_text() for path in (self.folder / "session_latest" / "logs").glob("worker-*.err"))


def _page(url: str) -> str:
    """What is there; nothing where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            page: str = response.read().decode()
            return page
    except OSError:
        return ""


@pytest.fixture
def dashboard(lab: Lab, lab_namespace: str, running_tapio: Tapio) -> Dashboard:
    """Of a Tapio that had something to do."""
    lab.apply(lab_objects.deployment("web", SERVING), lab_namespace)
    running_tapio.expect_status("deployment/web", lab_namespace, "healthy")
    return Dashboard(running_tapio)


def test_actors_have_readable_names(lab: Lab, dashboard: Dashboard) -> None:
    expected = {
        "tapio/supervisor/0": "SupervisorHost",
        "tapio/collector/kubeapi": "KubeapiCollectorHost",
        "tapio/transformer/0": "TransformerHost",
        "tapio/correlator/0": "CorrelatorHost",
        "tapio/correlator/1": "CorrelatorHost",
    }
    lab.wait(lambda: expected.items() <= dashboard.actors().items(), what="the dashboard has them all")


def test_metrics_are_on_rays_page_by_name(lab: Lab, dashboard: Dashboard) -> None:
    wanted = ("collected_events_total", "transformed_unified_total", "batch_stored_write_seconds")
    lab.wait(lambda: all(f"ray_tapio_{name}" in dashboard.metrics() for name in wanted), what="Ray exports them")


def test_each_batch_is_a_structured_line(lab: Lab, dashboard: Dashboard) -> None:
    for happening in ("Collected source=kubeapi events=", "Transformed stage=transform/0 raw=", "BatchStored stage="):
        line = re.compile(rf"^\S+Z INFO {happening}", re.MULTILINE)
        lab.wait(lambda line=line: line.search(dashboard.logs()), what=happening)  # type: ignore[misc]  # bound at once


def test_the_status_names_every_actor(lab: Lab, dashboard: Dashboard, running_tapio: Tapio) -> None:
    assert dashboard.folder

    def told() -> bool:
        said = tapio("status", "--server", running_tapio.url)
        return said.returncode == 0 and "4 of 4 actors are well" in said.stdout

    lab.wait(told, what="all are well")
