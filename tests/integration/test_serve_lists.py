"""The lists over HTTP: their documents, their pages, their refusals; beside them evidence and status."""

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from serve.app import make_app
from serve.status import status_of
from tapio.cli.demo import incidents as recorded
from tapio.cli.streams import address_of
from tapio.collectors.file import load
from tapio.raw import encode
from tapio.settings import Settings
from tests import incidents
from tests.integration.api import is_problem, served, write_graph


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("graph") / "graph.sqlite"
    events = load(recorded()["crash-after-change"]).events
    write_graph(path, [json.loads(encode(event)) for event in events])
    with served(make_app(path)) as client:
        yield client


def pages(client: httpx.Client, path: str, **parameters: str) -> list[list[Any]]:
    """Every page's items, to the last."""
    found = []
    cursor = ""
    while True:
        page = client.get(path, params=parameters | ({"cursor": cursor} if cursor else {})).json()
        found.append(page["items"])
        if page["next"] is None:
            return found
        cursor = page["next"]


def test_incidents_are_those_of_why(crash: httpx.Client) -> None:
    [row] = crash.get("/v1/incidents").json()["items"]
    answer = crash.get("/v1/why").json()
    assert (row["id"], row["code"]) == (answer["id"], answer["causes"][0]["code"])
    assert crash.get("/v1/incidents", params={"namespace": "shop"}).json()["items"][0]["code"] == row["code"]


@pytest.mark.parametrize("path", ["/v1/timeline", "/v1/changes", "/v1/entities"])
def test_pages_hold_everything_once_and_in_order(crash: httpx.Client, path: str) -> None:
    whole = crash.get(path, params={"limit": "1000"}).json()["items"]
    parts = pages(crash, path, limit="3")
    assert [item for part in parts for item in part] == whole
    assert {len(part) for part in parts[:-1]} == {3}


def test_a_page_after_the_first_keeps_its_moment(tmp_path: Path) -> None:
    path = tmp_path / "graph.sqlite"
    write_graph(path, [event for number in range(4) for event in incidents.healthy(name=f"db-{number}")])
    with served(make_app(path)) as client:
        first = client.get("/v1/entities", params={"limit": "2"}).json()
        later = client.get("/v1/entities", params={"cursor": first["next"], "at": "2030-01-01T00:00:00Z"}).json()
    assert later["at"] == first["at"]
    assert [row["entity"]["name"] for row in (*first["items"], *later["items"])] == ["db-0", "db-1", "db-2", "db-3"]


def test_entities_are_filtered_by_kubectls_words(crash: httpx.Client) -> None:
    items = crash.get("/v1/entities", params={"kind": "deploy", "namespace": "shop"}).json()["items"]
    assert {row["entity"]["kind"] for row in items} == {"Deployment"}
    [one] = crash.get("/v1/entities", params={"kind": "configmap", "name": "checkout-cfg"}).json()["items"]
    assert (one["entity"]["namespace"], one["to"]) == ("shop", None)


@pytest.mark.parametrize("path", ["incidents", "changes", "timeline", "entities"])
def test_lists_are_narrowed_by_labels(crash: httpx.Client, path: str) -> None:
    """In the recorded incident the Deployment `front` is well, and what is labelled `checkout` is not."""
    rows = crash.get(f"/v1/{path}", params={"selector": "app in (front)", "limit": "1000"}).json()["items"]
    assert (not rows) if path == "incidents" else {row["entity"]["name"].partition("-")[0] for row in rows} == {"front"}
    assert crash.get(f"/v1/{path}", params={"selector": "app=checkout"}).json()["items"]
    assert is_problem(crash.get(f"/v1/{path}", params={"selector": "app in"}), 400)["hint"]


def test_before_the_first_event_the_lists_are_empty(tmp_path: Path) -> None:
    write_graph(tmp_path / "graph.sqlite", [])
    with served(make_app(tmp_path / "graph.sqlite")) as client:
        for path in ("incidents", "timeline", "changes", "entities"):
            page = client.get(f"/v1/{path}").json()
            assert (page["items"], page["at"]) == ([], None)
        assert is_problem(client.get("/v1/incidents", params={"target": "pod/x"}), 404)["detail"]
        assert is_problem(client.get("/v1/why"), 404)["detail"]


def test_the_impact_of_a_target_is_that_of_why_and_what_leans_on_it(crash: httpx.Client) -> None:
    worst = crash.get("/v1/impact").json()
    assert len(worst["pods"]) == crash.get("/v1/why").json()["impact"]["pods"]
    assert len(crash.get("/v1/impact", params={"target": "cm/checkout-cfg"}).json()["pods"]) == 4
    is_problem(crash.get("/v1/impact", params={"target": "cm/nothing"}), 404)


def test_the_rules_are_listed(crash: httpx.Client) -> None:
    assert len(crash.get("/v1/rules").json()["items"]) > 50
    [rule] = crash.get("/v1/rules", params={"code": "runtime.crash_app"}).json()["items"]
    assert rule["codes"] == ["runtime.crash_app"]
    assert is_problem(crash.get("/v1/rules", params={"code": "crash_app"}), 404)["near"] == ["runtime.crash_app"]


def test_a_question_in_words_is_asked_like_its_target(crash: httpx.Client) -> None:
    in_words = crash.get("/v1/why", params={"target": "did my pod checkout crash?"})
    subject = in_words.json()["subject"]
    named = crash.get("/v1/why", params={"target": f"pod/{subject['namespace']}/{subject['name']}"})
    assert in_words.content == named.content


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/v1/timeline", {"limit": "0"}),
        ("/v1/timeline", {"limit": "many"}),
        ("/v1/changes", {"cursor": "nonsense"}),
        ("/v1/changes", {"cursor": "WzFd"}),
        ("/v1/incidents", {"cursor": "é"}),
        ("/v1/timeline", {"since": "ages"}),
        ("/v1/entities", {"at": "noon"}),
        ("/v1/sources", {"at": "noon"}),
        ("/v1/timeline", {"target": "pod/"}),
    ],
)
def test_a_bad_parameter_is_400(crash: httpx.Client, path: str, parameters: dict[str, str]) -> None:
    assert is_problem(crash.get(path, params=parameters), 400)["detail"]


@pytest.mark.parametrize("path", ["/v1/timeline", "/v1/changes", "/v1/incidents"])
def test_an_unknown_target_is_404_with_near_names(crash: httpx.Client, path: str) -> None:
    assert is_problem(crash.get(path, params={"target": "deploy/chekout"}), 404)["near"] == ["deploy/shop/checkout"]


@pytest.mark.parametrize("path", ["why", "incidents", "timeline", "changes", "entities", "sources", "evidence/x1"])
def test_while_the_store_is_away_it_is_503(tmp_path: Path, path: str) -> None:
    with served(make_app(tmp_path / "graph.sqlite")) as client:
        is_problem(client.get(f"/v1/{path}"), 503)


def test_a_store_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "graph.sqlite"
    write_graph(path, incidents.healthy())
    with served(make_app(path)) as client:
        assert client.get("/v1/incidents").json()["items"] == []
        for file in tmp_path.glob("graph.sqlite*"):
            file.unlink()
        is_problem(client.get("/v1/incidents"), 503)
        write_graph(path, incidents.image_not_found())
        assert len(client.get("/v1/incidents").json()["items"]) == 1


def test_the_openapi_document_has_every_list(crash: httpx.Client) -> None:
    document = crash.get("/openapi.json").json()
    for name, record in [("incidents", "IncidentList"), ("timeline", "Timeline"), ("status", "SystemStatus")]:
        responses = document["paths"][f"/v1/{name}"]["get"]["responses"]
        assert responses["200"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{record}")
        assert record in document["components"]["schemas"]
    references = set(_references(document))
    assert all(reference.rpartition("/")[2] in document["components"]["schemas"] for reference in references)


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in _references(item)]
    return [found for item in value for found in _references(item)] if isinstance(value, list) else []


# --- Evidence and status ---------------------------------------------------------------------------------------------


def test_evidence_remembers_the_question_of_an_answer(crash: httpx.Client) -> None:
    """An id that no asking again would find: it was asked with a flag of its own."""
    asked = {"pod": "", "target": "deploy/checkout", "since": "31m", "min_confidence": "0.1"}
    answer = crash.get("/v1/why", params=asked).json()
    found = crash.get(f"/v1/evidence/{answer['id']}").json()
    assert found["of"] == "explanation"
    assert {step["event_id"] for step in answer["causes"][0]["chain"]} <= {item["event_id"] for item in found["items"]}


def test_evidence_without_the_stream_says_that_the_raw_event_is_gone(crash: httpx.Client) -> None:
    answer = crash.get("/v1/why").json()
    items = crash.get(f"/v1/evidence/{answer['id']}").json()["items"]
    assert all(item["raw"] is None and item["missing"] and item["event"]["id"] for item in items)


def test_an_unknown_id_is_404(crash: httpx.Client) -> None:
    is_problem(crash.get("/v1/evidence/x0000000000"), 404)
    is_problem(crash.get("/v1/evidence/link-0"), 404)


def test_status_without_a_supervisor_is_503(crash: httpx.Client) -> None:
    is_problem(crash.get("/v1/status"), 503)


def test_status_tells_each_actor(tmp_path: Path) -> None:
    progress = {"stage": "transform/0", "events": 7, "pending": 2, "positions": {}, "newest": None}
    seen = {"name": "x", "pid": 4, "running": True, "failures": 1, "error": "", "beat_age_s": 0.1, "progress": progress}
    well = {"name": "tapio/transformer/0", "healthy": True, "answer": "observed", "restarts": 2, "strikes": 0}
    away = {"name": "tapio/correlator/0", "healthy": False, "answer": "away", "restarts": 0, "observation": None}
    states = [well | {"observation": seen | {"totals": {}}}, away]
    with served(make_app(tmp_path / "none", overview=lambda: states)) as client:
        status = client.get("/v1/status").json()
    assert [(actor["healthy"], actor["restarts"], actor["pid"]) for actor in status["actors"]] == [
        (True, 2, 4),
        (False, 0, None),
    ]
    assert status["actors"][0]["progress"]["pending"] == 2
    assert not status["ready"]
    assert not status_of([]).ready


def test_commands_find_the_streams_where_the_running_tapio_has_them(tmp_path: Path) -> None:
    with served(make_app(tmp_path / "none", nats="nats://127.0.0.1:4999", overview=list)) as client:
        beside = Settings(server=str(client.base_url))
        assert address_of(beside) == "nats://127.0.0.1:4999"
        assert address_of(msgspec.structs.replace(beside, nats="nats://here:1")) == "nats://here:1"
    assert address_of(beside) == "nats://127.0.0.1:4222"
