"""The text: what each line says, that it fits the terminal, and that it is one screen."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tapio.graph import Gap, SourceCoverage
from tapio.why import Explanation, render
from tapio.why.clock import Clock
from tapio.why.coincident import described
from tapio.why.columns import Row, fit_rows, printable
from tests.unit.test_why_document import incident
from tests.unit.why_graph import World, seen, t

BERLIN = ZoneInfo("Europe/Berlin")
POD = "Pod/shop/web-0"
ALSO = (
    "Node/n1 spec.unschedulable is true 13:00:48"
    " . HorizontalPodAutoscaler/checkout spec.maxReplicas 3 -> 9 by kubectl 13:00:30"
)


def words(answer: Explanation, width: int = 160, zone: ZoneInfo = BERLIN) -> list[str]:
    return render(answer, width=width, zone=zone)


def test_an_explained_incident_reads_as_the_contract_shows() -> None:
    lines = words(incident().why("pod/checkout-0"))
    assert [" ".join(line.split()) for line in lines[:-1]] == [
        "WHY pod/shop/checkout-0 CrashLoopBackOff since 13:02:00 (12:02:00 UTC)",
        'CAUSE (0.93) ConfigMap/shop/checkout-cfg DB_HOST "db" -> "db-new" 13:01:00 by argocd-controller',
        "1 13:01:00 ConfigMap changed kubeapi",
        "2 13:02:30 exit 1, restart x6 kubeapi",
        "3 13:02:30 checkout exits 1 since DB_HOST changed kubeapi",
        "NOT node.pressure_memory, startup.image_not_found (not so)",
        f"ALSO coincident, not linked: {ALSO}",
        "IMPACT 3 pods, svc/checkout 0/3 ready -> ingress/shop . called by pod/cart-0",
        "COVERAGE ebpf n7 gap 13:02:00-13:02:30 . kubeapi ok . 4 events lost",
        "NEXT kubectl -n shop rollout restart deploy/checkout (never run by Tapio)",
    ]
    answer = incident().why("pod/checkout-0")
    assert (
        lines[-1] == f"rule runtime.crash_after_change@3   explanation {answer.id}   more: tapio evidence {answer.id}"
    )


def test_gaps_that_overlap_are_one_and_kinds_that_are_never_read_are_named_once() -> None:
    gaps = [("expired: Secret", 2, 4), ("expired: Pod", 2, 3), ("expired: Event", 2.5, 4), ("expired: Lease", 2, 3)]
    parts = tuple(Gap(start=t(a), end=t(b), cause=cause) for cause, a, b in gaps)
    never = tuple(Gap(start=t(0), cause=f"forbidden: {kind}") for kind in ("Node", "ClusterRole"))
    world = World().has(POD).shows(POD, "Error").says(POD, "runtime.crash_app")
    world.sources.append(SourceCoverage(source="kubeapi", first=t(0), last=t(60), gaps=(*parts, *never)))
    lines = words(world.why("pod/web-0"))
    [blind] = [line for line in lines if line.startswith("BLIND")]
    assert " ".join(blind.split()) == (
        "BLIND kubeapi 13:02:00-13:04:00 (expired: Pod, Event and 2 more kinds)"
        " . kubeapi may not read ClusterRole, Node: what this answer needs may have happened there"
    )
    [coverage] = [line for line in lines if line.startswith("COVERAGE")]
    assert " ".join(coverage.split()).startswith(
        "COVERAGE kubeapi gap 13:02:00-13:04:00, without ClusterRole, Node . 0 events lost"
    )


def big() -> World:
    """Everything there can be, in names and messages longer than any line."""
    world = incident()
    evidence = tuple(seen(f"step {number} " + "very long text " * 12, 3 + number / 9, of=POD) for number in range(40))
    world.says("Pod/shop/checkout-0", "runtime.oom_killed", "Deployment/shop/checkout", 0.9, evidence=evidence)
    world.says("Pod/shop/checkout-0", "node.kernel", "Node//n1", 0.8).says(
        "Pod/shop/checkout-0", "node.rebooted", "Node//n1"
    )
    for number in range(30):
        code = f"node.of_a_rather_long_name_{number}"
        world.says("Pod/shop/checkout-0", f"unknown.{number}", ruled_out=(code,))
        world.changed(
            f"ConfigMap/shop/another-rather-long-name-{number}", "data.key", 2, before="a" * 90, after="b" * 90
        )
        world.source(f"source-{number}", (2, 3), node="a-node-with-a-rather-long-name")
    world.symptoms[0] = world.symptoms[0].__class__(
        subject=world.symptoms[0].subject, uid=world.symptoms[0].uid, code="CrashLoopBackOff",
        since=world.symptoms[0].since, valid_from=world.symptoms[0].since, message="word " * 200,
    )  # fmt: skip
    return world


@pytest.mark.parametrize("width", [40, 80, 120, 160, 400])
@pytest.mark.parametrize("least", [0.0, 0.999])
@pytest.mark.parametrize("target", ["pod/checkout-0", "deploy/checkout"])
def test_it_fits_the_width_and_one_screen(target: str, least: float, width: int) -> None:
    lines = words(big().why(target, min_confidence=least), width)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("WHY")


def test_the_command_that_shows_the_evidence_is_never_cut() -> None:
    more = f"tapio evidence -f {'/a/long/way' * 20}"
    answer = incident().why("pod/checkout-0")
    assert render(answer, width=80, zone=UTC, more=more)[-1] == f"more: {more} {answer.id}"


def test_a_narrow_terminal_wraps_each_column_under_itself() -> None:
    lines = words(incident().why("pod/checkout-0"), 80)
    cause = next(number for number, line in enumerate(lines) if line.startswith("CAUSE"))
    assert lines[cause + 1] == " " * len("CAUSE (0.93)  ") + "by argocd-controller"


def test_a_step_wraps_beside_its_source() -> None:
    lines = Row("  1 12:00:00 ", "one two three four five six", "ebpf node-3").lines(40, 8)
    assert lines == [
        "  1 12:00:00 one two three      ebpf",
        "             four five six      node-3",
    ]


def test_steps_that_do_not_fit_are_shortened_and_keep_their_source() -> None:
    rows = [Row(f"{number:>3} ", "many words " * 30, "kubeapi") for number in range(1, 4)]
    for most in (3, 6, 9):
        lines = fit_rows(rows, 60, most)
        assert len(lines) == most
        assert [line.endswith("kubeapi") for line in lines[:: most // 3]] == [True] * 3
        assert "..." in lines[most // 3 - 1]


def test_a_long_chain_keeps_its_first_and_last_steps() -> None:
    rows = [Row(f"{number:>3} ", f"step {number}", "kubeapi") for number in range(1, 21)]
    lines = fit_rows(rows, 80, 6)
    assert [line.split("kubeapi")[0].strip() for line in lines] == [
        "1 step 1", "2 step 2", "... 15 more", "18 step 18", "19 step 19", "20 step 20"
    ]  # fmt: skip


def test_an_unknown_answer_says_what_was_looked_at_and_where_to_look() -> None:
    lines = words(World().has(POD).shows(POD, "CrashLoopBackOff", message="back-off").why("pod/web-0"))
    assert lines[1] == "CAUSE unknown: back-off"
    assert lines[2].startswith("LOOKED runtime.oom_killed")
    assert any(line.startswith("NEXT  kubectl -n shop describe pod/web-0") for line in lines)


def test_a_healthy_answer_says_so() -> None:
    lines = words(World().has(POD).says(POD, "none.recovered", confidence=0.97, summary="Ready again").why("pod/web-0"))
    assert lines[0] == "WHY   pod/shop/web-0  nothing wrong at 13:10:00 (12:10:00 UTC)"
    assert lines[1] == "OK (0.97)  none.recovered: Ready again"


def test_an_incomplete_answer_says_who_was_blind() -> None:
    world = World().has(POD).shows(POD, "Error").says(POD, "runtime.crash_app", missing=("ebpf",))
    lines = words(world.source("ebpf", (2, None), node="n3").why("pod/web-0"))
    assert lines[2].startswith("BLIND ebpf n3 13:02:00-now (reconnect)")


def test_one_zone_needs_one_time_and_another_day_its_date() -> None:
    world = World().has(POD).shows(POD, "Error", -24 * 60).says(POD, "runtime.crash_app", since=-24 * 60)
    line = render(world.why("pod/web-0"), width=80, zone=UTC)[0]
    assert line == "WHY   pod/shop/web-0  Error since 2024-01-09 12:00:00 UTC"


def test_what_is_not_of_today_says_its_date_first() -> None:
    answer = incident().why("pod/checkout-0")
    lines = render(answer, width=120, zone=UTC, today=answer.at + timedelta(days=1))
    assert lines[0].endswith("CrashLoopBackOff since 2024-01-10 12:02:00 UTC")
    assert lines[2].split()[1] == "12:01:00"
    assert Clock(BERLIN, answer.at).local(answer.at - timedelta(days=1)) == "2024-01-09 13:10:00"


def test_a_date_that_is_another_one_in_utc_is_said_in_both() -> None:
    late = datetime(2024, 1, 10, 23, 30, tzinfo=UTC)
    assert Clock(BERLIN, late - timedelta(days=9)).both(late) == "2024-01-11 00:30:00 (01-10 23:30:00 UTC)"


def test_what_a_container_logged_does_not_drive_the_terminal() -> None:
    assert printable("red \x1b[31mtext\r\n") == "red  [31mtext"
    world = World().has(POD).shows(POD, "Error", message="a\x1b]0;title\x07b\nc")
    assert not any(char < " " for line in words(world.why("pod/web-0")) for char in line)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("a", "b", '"a" -> "b"'),
        (None, 3, "added 3"),
        (3, None, "removed (was 3)"),
        ({"redacted": "x1"}, {"redacted": "x2"}, "(redacted) -> (redacted)"),
        ("a" * 99, "b", f'"{"a" * 36}... -> "b"'),
    ],
)
def test_a_change_is_said_in_a_few_words(before: object, after: object, text: str) -> None:
    assert described(before, after) == text


def test_a_change_of_something_else_than_what_is_to_blame_says_of_what() -> None:
    world = World().has(POD).shows(POD, "Pending", 2)
    change = world.changed("Deployment/shop/web", "spec.replicas", 1, before=1, after=5)
    world.says(POD, "admission.quota_exceeded", "ResourceQuota/shop/team", change=change, summary="no cpu left")
    answer = world.why("pod/web-0")
    cause = next(line for line in words(answer) if line.startswith("CAUSE"))
    assert "ResourceQuota/shop/team no cpu left; Deployment/shop/web spec.replicas 1 -> 5" in " ".join(cause.split())
    assert answer.causes[0].change
    assert answer.causes[0].change.entity
    assert answer.causes[0].change.entity.kind == "Deployment"


def test_nothing_wrong_is_no_cause_though_a_gap_may_hide_one() -> None:
    answer = World().has(POD).says(POD, "none.healthy", confidence=0.95).source("kubeapi", (2, None)).why("pod/web-0")
    head, found, blind, *_ = words(answer)
    assert "nothing wrong was seen at" in head
    assert found.split()[0] == "OK"
    assert blind.startswith("BLIND")
