"""What others lean on is told when it may have moved, and nothing is missed by not telling it otherwise."""

from typing import Any

import msgspec
import pytest

from benchmarks.workloads import Cluster
from tapio.raw import RawEvent, event_id
from tapio.raw.event import raw_json
from tapio.transforms import transform
from tapio.unified import FACTS, ObjectKey


def facts(event: RawEvent) -> list[tuple[ObjectKey, Any]]:
    return [(one.key, one.object) for one in transform(event, event_id(event)) if one.key.kind in FACTS]


def saying(event: RawEvent, unmoved: list[str] | None) -> RawEvent:
    record = msgspec.json.decode(event.record)
    record.pop("unmoved", None)
    if unmoved is not None:
        record["unmoved"] = unmoved
    return msgspec.structs.replace(event, data=raw_json(record))


@pytest.mark.parametrize(
    ("unmoved", "of_pod", "of_deployment"),
    [(None, 1, 1), ([], 1, 1), (["wish"], 1, 0), (["status"], 1, 1), (["wish", "status"], 0, 0), (["else"], 1, 1)],
)
def test_facts_of_what_stands_are_not_told_again(unmoved: list[str] | None, of_pod: int, of_deployment: int) -> None:
    cluster = Cluster(1)
    assert len(facts(saying(cluster.pod(0, 0, "MODIFIED"), unmoved))) == of_pod
    assert len(facts(saying(cluster.deployment(0), unmoved))) == of_deployment


def test_every_move_of_a_fact_is_told() -> None:
    cluster = Cluster(60)
    events = [*cluster.appears(), *cluster.updates(3000)]
    seen: dict[ObjectKey, Any] = {}
    told: dict[ObjectKey, Any] = {}
    spared = 0
    for event in events:
        told.update(facts(event))
        seen.update(facts(saying(event, None)))
        spared += len(facts(saying(event, None))) - len(facts(event))
        assert told == seen
    assert spared > 1000
