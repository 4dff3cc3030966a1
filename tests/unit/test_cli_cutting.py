"""What of all that was collected goes into a capture."""

import json
from datetime import UTC, datetime

from tapio.cli.cutting import cut, redactions
from tapio.raw import RawEvent, decode
from tests import incidents


def events(*documents: list[incidents.Json]) -> list[RawEvent]:
    return [decode(json.dumps(document)) for listed in documents for document in listed]


def node(name: str) -> list[incidents.Json]:
    [document] = incidents.healthy("", name)
    document["metadata"]["k8s_kind"] = document["data"]["object"]["kind"] = "Node"
    return [document]


def names(told: list[RawEvent]) -> list[str]:
    return [event.metadata.k8s_name for event in told]


def test_a_namespace_comes_with_the_nodes_and_without_its_neighbours() -> None:
    seen = events(incidents.healthy("shop", "a"), incidents.healthy("test", "b"), node("node-1"))
    assert names(cut(seen, namespace="shop")) == ["a", "node-1"]
    assert names(cut(seen)) == ["a", "b", "node-1"]


def test_since_keeps_what_came_after_and_each_objects_last_state_before() -> None:
    seen = events(incidents.image_not_found("shop", "web-0"), incidents.healthy("shop", "db-0"))
    kept = cut(seen, since=datetime(2026, 11, 3, 12, 0, 5, tzinfo=UTC))
    assert [(event.metadata.k8s_name, event.type) for event in kept] == [
        ("web-0", "pod_created"),  # the state that the change began from
        ("web-0", "pod_modified"),
        ("db-0", "pod_created"),
    ]


def test_hidden_values_are_counted() -> None:
    [document] = incidents.healthy()
    document["data"]["object"]["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": "[redacted:0123456789ab]"}]
    assert redactions(events([document])) == 1
