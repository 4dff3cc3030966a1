"""Label selectors as kubectl reads them, and the lists that they narrow."""

import msgspec
import pytest

from tapio.errors import UsageError
from tapio.why.labels import parse_selector
from tapio.why.lists import changes, entities, incident_list, timeline
from tapio.why.lists.entities import Wanted
from tapio.why.question import Question
from tests.unit.why_graph import World, t

LABELS = {"app": "web", "tier": "front", "app.kubernetes.io/part-of": "shop", "empty": ""}


@pytest.mark.parametrize(
    "text",
    [
        "", "app=web", "app == web", "app=web,tier=front", "app.kubernetes.io/part-of=shop", "app!=db", "gone!=x",
        "app", "!gone", "app in (db, web)", "app in (web),tier notin (back,middle)", "empty=",
    ],
)  # fmt: skip
def test_what_has_the_labels_is_meant(text: str) -> None:
    assert parse_selector(text).matches(LABELS)


@pytest.mark.parametrize(
    "text",
    ["app=db", "app=web,tier=back", "app!=web", "gone", "!app", "app in (db)", "app notin (web)", "gone="],
)
def test_what_lacks_one_is_not(text: str) -> None:
    assert not parse_selector(text).matches(LABELS)


@pytest.mark.parametrize("text", ["=web", "app=web;tier", "app in web", "app in (a", "!app=web", "a b", ",", "app=,,b"])
def test_what_is_no_selector_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="no label selector"):
        parse_selector(text)


def test_a_selector_beside_a_target_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="exclude one another"):
        parse_selector("app=web", "pod/web-0")


def world() -> World:
    """Two pods in trouble and changed, one of them labelled."""
    made = World()
    for name, labels in (("web-0", {"app": "web"}), ("db-0", {"app": "db"})):
        pod = f"Pod/shop/{name}"
        made.has(pod).shows(pod, "Error", 2)
        made.entities[-1] = msgspec.structs.replace(made.entities[-1], labels=labels)
        made.changed(pod, "spec.x", 1, before=1, after=2)
    return made


def test_lists_are_of_what_has_the_labels() -> None:
    graph = world().store()
    asked = Question(at=t(10), selector=parse_selector("app=web"))
    assert [row.subject.name for row in incident_list(asked, graph).items] == ["web-0"]
    assert [row.entity.name for row in changes(asked, graph).items] == ["web-0"]
    assert {entry.entity.name for entry in timeline(asked, graph).items} == {"web-0"}
    wanted = Wanted(at=t(10), selector=asked.selector)
    assert [row.entity.name for row in entities(wanted, graph).items] == ["web-0"]
    assert len(incident_list(Question(at=t(10)), graph).items) == 2
