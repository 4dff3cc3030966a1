"""The HTTP API over a real SQLite graph: what is asked, what is sent, and how it says no."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serve.app import make_app
from tests import incidents
from tests.integration.api import is_problem, served, write_graph


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "graph.sqlite"
    twice = incidents.healthy("shop", "twin") + incidents.healthy("test", "twin")
    write_graph(path, [*incidents.image_not_found(), *incidents.healthy(), *twice])
    return path


@pytest.fixture
def api(graph: Path) -> Iterator[httpx.Client]:
    with served(make_app(graph)) as client:
        yield client


def test_why_answers_about_a_target_a_pod_and_the_worst_incident(api: httpx.Client) -> None:
    one = api.get("/v1/why", params={"target": "pod/web-0", "namespace": "shop"})
    assert one.status_code == 200
    assert one.headers["content-type"] == "application/json"
    assert one.json()["causes"][0]["code"] == "startup.image_not_found"
    assert api.get("/v1/why", params={"pod": "web-0", "namespace": "shop"}).content == one.content
    assert api.get("/v1/why").json()["subject"]["name"] == "web-0"


def test_every_status_is_200(api: httpx.Client) -> None:
    assert api.get("/v1/why", params={"pod": "db-0"}).json()["status"] == "healthy"
    weak = api.get("/v1/why", params={"pod": "web-0", "min_confidence": "1"})
    assert (weak.status_code, weak.json()["status"]) == (200, "unknown")


def test_each_lists_the_incidents(api: httpx.Client) -> None:
    assert [one["subject"]["name"] for one in api.get("/v1/why", params={"each": "true"}).json()] == ["web-0"]


def test_at_reads_the_graph_as_it_was(api: httpx.Client) -> None:
    before = api.get("/v1/why", params={"pod": "web-0", "at": "2026-11-03T12:00:05Z", "since": "1h"})
    assert before.json()["causes"][0]["code"].startswith("none.")


def test_an_unknown_target_is_404_with_near_names(api: httpx.Client) -> None:
    problem = is_problem(api.get("/v1/why", params={"target": "pod/web-O", "namespace": "shop"}), 404)
    assert problem["near"] == ["pod/shop/web-0"]


@pytest.mark.parametrize(("page", "name", "hint"), [("/v1/why", "targt", "target"), ("/healthz", "x", "takes none")])
def test_a_parameter_that_is_none_is_400(api: httpx.Client, page: str, name: str, hint: str) -> None:
    problem = is_problem(api.get(page, params={name: "pod/web-0"}), 400)
    assert problem["detail"] == f"{page} takes no parameter {name}"
    assert hint in problem["hint"]


def test_a_name_in_two_places_is_400_with_the_candidates(api: httpx.Client) -> None:
    problem = is_problem(api.get("/v1/why", params={"target": "pod/twin"}), 400)
    assert problem["candidates"] == ["pod/shop/twin", "pod/test/twin"]


@pytest.mark.parametrize(
    "wrong",
    [{"target": "pod/"}, {"at": "yesterday"}, {"since": "long"}, {"min_confidence": "2"}, {"min_confidence": "x"}],
)
def test_a_bad_parameter_is_400(api: httpx.Client, wrong: dict[str, str]) -> None:
    assert is_problem(api.get("/v1/why", params=wrong), 400)["detail"]


def test_an_unknown_page_and_a_wrong_method_are_problems_too(api: httpx.Client) -> None:
    assert is_problem(api.get("/v1/whi"), 404)["hint"]
    is_problem(api.post("/v1/why"), 405)


def test_without_a_graph_it_lives_and_is_not_ready(tmp_path: Path) -> None:
    path = tmp_path / "graph.sqlite"
    with served(make_app(path)) as api:
        assert api.get("/healthz").status_code == 200
        is_problem(api.get("/readyz"), 503)
        is_problem(api.get("/v1/why"), 503)
        write_graph(path, incidents.image_not_found())
        assert api.get("/readyz").status_code == 200
        assert api.get("/v1/why").json()["status"] == "explained"


def test_sources_lists_what_each_source_saw(api: httpx.Client) -> None:
    [source] = api.get("/v1/sources").json()["sources"]
    assert source["source"] == "kubeapi"
    assert source["last"] == "2026-11-03T12:00:09Z"


def test_the_openapi_document_describes_answers_and_problems(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert {"Explanation", "Cause", "Problem", "SourceList", "Timeline", "Evidence", "SystemStatus"} <= set(schemas)
    responses = document["paths"]["/v1/why"]["get"]["responses"]
    assert responses["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Explanation"}
    assert set(responses) == {"200", "400", "404", "503"}
    assert "#/$defs" not in json.dumps(document)


def test_the_same_question_gives_the_same_bytes(api: httpx.Client) -> None:
    assert len({api.get("/v1/why").content for _ in range(3)}) == 1
