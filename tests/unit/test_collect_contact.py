"""When a silence of the server, or of one kind, is declared and when it is withdrawn."""

from datetime import UTC, datetime, timedelta

import pytest

from tapio.collectors.kubeapi.contact import ALL, Contact, Silence
from tapio.kube import KINDS, Answered, Denied, Position, Trouble

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
POD, NODE = KINDS["Pod"], KINDS["Node"]
AWAY = [Trouble(POD, "unreachable", ""), Trouble(NODE, "unreachable", "")]


def at(after_s: float) -> datetime:
    return START + timedelta(seconds=after_s)


def contact(*said: object, declared: dict[str, datetime] | None = None) -> Contact:
    """Of pods and nodes; nodes were heard of two seconds later than pods."""
    found = Contact({"Pod": at(0), "Node": at(2)}, declared or {})
    for one in said:
        found.note(one)
    return found


def test_a_quiet_cluster_is_no_silence() -> None:
    assert not list(contact().changes(at(3600)))


def test_a_server_that_is_away_is_silent_since_it_was_last_heard() -> None:
    found = contact(*AWAY)
    assert not list(found.changes(at(11)))
    assert list(found.changes(at(12))) == [Silence(ALL, at(2))]
    assert not list(found.changes(at(600)))


def test_it_is_withdrawn_when_every_kind_is_told_of_again() -> None:
    found = contact(*AWAY)
    list(found.changes(at(12)))
    found.note(Answered(POD))
    assert not list(found.changes(at(20)))
    found.note(Position(NODE, "7", at(21)))
    assert list(found.changes(at(25))) == [Silence(ALL, at(2), withdrawn=True)]
    assert found.declared == {}


def test_a_kind_that_stays_silent_when_the_server_is_back_counts_by_itself() -> None:
    found = contact(*AWAY)
    list(found.changes(at(12)))
    found.note(Answered(POD))
    assert not list(found.changes(at(20)))
    assert list(found.changes(at(80))) == [Silence(ALL, at(2), withdrawn=True), Silence("Node", at(2))]


def test_one_kind_may_take_a_minute() -> None:
    found = contact(Trouble(POD, "refused", "500"))
    assert not list(found.changes(at(59)))
    assert list(found.changes(at(60))) == [Silence("Pod", at(0))]
    found.note(Answered(POD))
    assert list(found.changes(at(65))) == [Silence("Pod", at(0), withdrawn=True)]


def test_a_kind_that_may_not_be_read_does_not_hide_that_the_others_are_silent() -> None:
    found = contact(Denied(NODE, at(1), "forbidden: Node", ""), Trouble(POD, "unreachable", ""))
    assert list(found.changes(at(12))) == [Silence(ALL, at(0))]


@pytest.mark.parametrize("kind", [ALL, "Pod"])
def test_what_an_earlier_run_declared_lasts_until_it_is_told_of_again(kind: str) -> None:
    found = contact(declared={kind: at(-50)})
    assert not list(found.changes(at(1)))
    for one in (POD, NODE):
        found.note(Position(one, "7", at(2)))
    assert list(found.changes(at(3))) == [Silence(kind, at(-50), withdrawn=True)]
