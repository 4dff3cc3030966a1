"""What a watch tells: new, changed, over; and what it keeps silent about."""

from datetime import UTC

import msgspec

from tapio.cli.news import News, Notice, differences, present, screen
from tapio.cli.screens import incident
from tapio.graph.symptoms import SymptomCode
from tapio.why.clock import Clock
from tapio.why.explanation import ChangePart, Ref, Status, SymptomPart
from tapio.why.lists.incidents import IncidentList, IncidentRow
from tests.unit.why_graph import t

CONFIG = Ref(kind="ConfigMap", namespace="shop", name="cfg")
QUOTA = Ref(kind="ResourceQuota", namespace="shop", name="few")


def row(pod: str = "web-0", code: str | None = "runtime.crash_after_change", **parts: object) -> IncidentRow:
    """An incident of that pod, blamed on a ConfigMap where its code is known."""
    known = IncidentRow(
        id=f"x-{pod}-{code}",
        rank=1,
        status=Status.EXPLAINED if code else Status.UNKNOWN,
        subject=Ref(kind="Pod", namespace="shop", name=pod),
        symptom=SymptomPart(code=SymptomCode.CRASH_LOOP, since=t(1), message="back-off"),
        code=code,
        confidence=0.9 if code else None,
        entity=CONFIG if code else None,
        workload=None,
        change=None,
        summary="it crashes",
        pods=1,
    )
    return msgspec.structs.replace(known, **parts)


def told(before: list[IncidentRow], after: list[IncidentRow]) -> list[tuple[News, str]]:
    return [(notice.type, notice.incident.id) for notice in notices(before, after)]


def notices(before: list[IncidentRow], after: list[IncidentRow]) -> list[Notice]:
    return list(differences(IncidentList(at=t(2), items=tuple(before)), IncidentList(at=t(3), items=tuple(after))))


def words(notice: Notice, width: int = 80) -> list[str]:
    return list(screen(notice, Clock(UTC, t(0)), width))


def test_what_is_wrong_stands_before_what_was_changed_elsewhere() -> None:
    limit = ChangePart(field="spec.replicas", before=2, after=5, actor="kubectl", at=t(0))
    scaled = msgspec.structs.replace(limit, entity=Ref(kind="Deployment", namespace="shop", name="web"))
    said = "no pods left"
    [_, own, _] = incident(row(change=limit, summary=said), "", Clock(UTC, t(0)), 120)
    [_, elsewhere, _] = incident(row(change=scaled, summary=said), "", Clock(UTC, t(0)), 120)
    assert own.startswith("spec.replicas 2 -> 5 at ")
    assert elsewhere.startswith("no pods left; deploy/shop/web spec.replicas 2 -> 5 at ")


def test_a_first_list_is_present() -> None:
    found = IncidentList(at=t(2), items=(row(), row("db-0", None)))
    assert [(one.type, one.at) for one in present(found)] == [(News.PRESENT, t(2)), (News.PRESENT, t(2))]


def test_what_stays_is_not_told_though_its_id_is_of_another_moment() -> None:
    symptom = SymptomPart(code=SymptomCode.ERROR, since=t(2), message="exit 1")
    assert told([row()], [row(id="x-later", confidence=0.93, symptom=symptom, rank=2)]) == []


def test_what_comes_is_new_and_what_goes_is_over() -> None:
    other = row("db-0", "startup.image_not_found", entity=None)
    assert told([row()], [row(id="x-later"), other]) == [(News.NEW, other.id)]
    assert told([row(), other], [row(id="x-later")]) == [(News.OVER, other.id)]
    assert told([row()], [other]) == [(News.OVER, row().id), (News.NEW, other.id)]


def test_another_pod_of_the_same_cause_is_the_same_incident() -> None:
    assert told([row("web-0")], [row("web-1")]) == []


def test_a_cause_that_is_found_changes_the_incident() -> None:
    [notice] = notices([row(code=None)], [row()])
    assert (notice.type, notice.before) == (News.CHANGED, row(code=None))
    assert words(notice) == [
        "12:03:00  CHANGED  runtime.crash_after_change (0.90)  cm/shop/cfg",
        "                   it crashes",
        "                   seen in pod/shop/web-0: CrashLoopBackOff",
        "                   was: cause unknown, status unknown",
    ]


def test_more_pods_change_the_incident() -> None:
    [notice] = notices([row()], [row(pods=3)])
    assert words(notice)[-2:] == [
        "                   seen in pod/shop/web-0: CrashLoopBackOff, 3 pods",
        "                   was: pods 1",
    ]


def test_one_object_with_two_causes_has_two_incidents() -> None:
    second = row(code="admission.quota_exceeded", entity=QUOTA)
    assert told([row(), second], [row(id="a"), msgspec.structs.replace(second, id="b")]) == []
    assert told([row(), second], [msgspec.structs.replace(second, id="b")]) == [(News.OVER, row().id)]


def test_two_incidents_whose_ids_are_alike_are_told_apart() -> None:
    second = row(entity=QUOTA)
    assert second.id == row().id
    assert told([row(), second], [second]) == [(News.OVER, row().id)]
    assert told([row()], [row(), second]) == [(News.NEW, second.id)]


def test_what_is_over_says_what_it_was_within_the_width() -> None:
    [notice] = notices([row()], [])
    assert words(notice, 60) == [
        "12:03:00  OVER     runtime.crash_after_change  cm/shop/cfg,",
        "                   seen in pod/shop/web-0, since 12:01:00",
    ]
