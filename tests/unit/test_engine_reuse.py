"""Values from the store: equal to what was written, and one object where they are equal to each other."""

from datetime import UTC, datetime

from tapio.correlators.reuse import Reuse
from tapio.correlators.timeline import Point, Timeline, Verdict
from tapio.correlators.world import Bearing, Group
from tapio.graph import EdgeType, Evidence, Link
from tapio.unified import ObjectKey

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POD = ObjectKey("Pod", "shop", "web-1")
NODE = ObjectKey("Node", "", "node-1")


def verdict() -> Verdict:
    shown = Evidence(at=AT, event_id="evt-1", source="kubeapi", entity=POD, text="web-1 is ready")
    link = Link(
        subject=POD, uid="u", symptom="", rule="none.healthy", version=1, code="none.healthy", blame=POD,
        confidence=0.95, summary="web-1 is ready", valid_from=AT, evidence=(shown,), attributes={"times": 2},
    )  # fmt: skip
    return Verdict(edges=((EdgeType.RUNS_ON, POD, NODE),), links=(link,))


def written() -> Timeline:
    timeline = Timeline(POD)
    seen = (POD, NODE, Group("Pod", "shop"), Bearing("Pod", "shop", "web"))
    timeline.points = (Point(AT, "u", verdict(), seen),)
    return timeline


def test_what_comes_back_is_what_was_written() -> None:
    reuse = Reuse(lambda key: key)
    again = Timeline.unpacked(POD, written().packed(), reuse.of)
    assert again.packed() == written().packed()
    assert again.points[0].verdict == verdict()
    assert type(again.points[0].verdict.edges[0][0]) is EdgeType
    assert {type(one) for one in again.points[0].seen} == {ObjectKey, Group, Bearing}


def test_what_is_equal_is_one_object() -> None:
    node = ObjectKey("Node", "", "node-1")
    reuse = Reuse(lambda key: node if key == node else key)
    one, other = (Timeline.unpacked(POD, written().packed(), reuse.of).points[0] for _ in range(2))
    assert one.verdict.edges[0] is other.verdict.edges[0]
    assert one.verdict.edges[0][2] is node
    assert one.seen is other.seen
    assert one.verdict.links[0].summary is one.verdict.links[0].evidence[0].text
