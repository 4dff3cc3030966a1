"""The formats of -o: what each makes of the same answer and the same lists."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
import yaml

from tapio.cli import asking, printing, tables, views
from tapio.cli.options import Output
from tapio.cli.places import Where
from tapio.cli.tables import Table
from tapio.why import Explanation, markdown
from tapio.why.explanation import Ref
from tapio.why.lists import incident_list
from tapio.why.question import Question
from tests.unit.test_why_document import incident
from tests.unit.why_graph import World

MORNING = datetime(2024, 1, 10, 9, 30, tzinfo=UTC)
POD = Ref(kind="Pod", namespace="shop", name="web-0")
TABLE = Table(
    title="1 thing at 09:30",
    at=MORNING,
    headings=("at", "object", "uid", "sure", "what"),
    extra=("uid",),
    rows=((MORNING, POD, None, 0.5, "a | b"), (MORNING - timedelta(days=1), POD, "u-1", 1.0, "two\nlines")),
)


def printed(answer: Explanation, output: Output) -> str:
    return asking.printed([answer], Where(file="x"), each=False, output=output)


def listed(output: Output, world: World | None = None) -> list[str]:
    found = incident_list(Question(), (world or incident()).store())
    return list(printing.lines(found, output, views.incidents("")))


# --- Tables ----------------------------------------------------------------------------------------------------------


def test_a_wide_table_has_every_column_uncut_and_no_empty_cell() -> None:
    assert list(tables.wide(TABLE, timezone(timedelta(hours=1)))) == [
        "AT                          OBJECT           UID   SURE   WHAT",
        "2024-01-10T10:30:00+01:00   pod/shop/web-0   -     0.50   a | b",
        "2024-01-09T10:30:00+01:00   pod/shop/web-0   u-1   1.00   two lines",
    ]


def test_a_pasted_table_leaves_out_what_is_for_wide_and_tells_utc() -> None:
    assert list(tables.pasted(TABLE)) == [
        "**1 thing at 09:30**",
        "",
        "| at (UTC) | object | sure | what |",
        "|---|---|---|---|",
        "| 09:30:00 | `pod/shop/web-0` | 0.50 | a \\| b |",
        "| 2024-01-09 09:30:00 | `pod/shop/web-0` | 1.00 | two lines |",
    ]


def test_names_have_the_kind_in_full_and_no_group() -> None:
    assert tables.named(Ref(kind="Deployment", namespace="shop", name="web", api_version="apps/v1")) == (
        "deployment/shop/web"
    )
    assert tables.named(Ref(kind="Node", namespace="", name="n1")) == "node/n1"


@pytest.mark.parametrize(
    ("said", "pasted"),
    [
        ("[click](http://x) <b>", "\\[click\\](http://x) \\<b>"),
        ("*loud* `x` a|b ~gone~", "\\*loud\\* \\`x\\` a\\|b \\~gone\\~"),
        ("DB_HOST, __init__ and _x_", "DB_HOST, \\_\\_init\\_\\_ and \\_x\\_"),
        ("one\ntwo\x1b[31m", "one two \\[31m"),
    ],
)
def test_what_a_container_says_is_no_markup(said: str, pasted: str) -> None:
    assert markdown.plain(said) == pasted


def test_a_code_span_cannot_be_left() -> None:
    assert markdown.code("a`b\nc") == "`a'b c`"
    assert markdown.code("") == ""


# --- The answer ------------------------------------------------------------------------------------------------------


def test_an_answer_as_markdown_is_ready_for_a_ticket() -> None:
    answer = incident().why("pod/checkout-0")
    assert printed(answer, Output.MARKDOWN).splitlines() == [
        "### `pod/shop/checkout-0`: CrashLoopBackOff since 2024-01-10 12:02:00 UTC",
        "",
        "**Cause** (0.93): `ConfigMap/shop/checkout-cfg`, runtime.crash_after_change",
        "",
        "- checkout exits 1 since DB_HOST changed",
        '- `data.DB_HOST "db" -> "db-new"` at 12:01:00 UTC by argocd-controller',
        "- workload `Deployment/shop/checkout`",
        "",
        "| # | at (UTC) | what | of | source |",
        "|---|---|---|---|---|",
        "| 1 | 12:01:00 | ConfigMap changed | `cm/shop/checkout-cfg` | kubeapi |",
        "| 2 | 12:02:30 | exit 1, restart x6 | `pod/shop/checkout-0` | kubeapi |",
        "| 3 | 12:02:30 | checkout exits 1 since DB_HOST changed | `pod/shop/checkout-0` | kubeapi |",
        "",
        "- **Impact**: 3 pods, svc/checkout 0/3 ready -> ingress/shop . called by pod/cart-0",
        "- **Not**: node.pressure_memory, startup.image_not_found (not so)",
        (
            "- **Coincident, not linked**: Node/n1 spec.unschedulable is true 12:00:48"
            " . HorizontalPodAutoscaler/checkout spec.maxReplicas 3 -> 9 by kubectl 12:00:30"
        ),
        "- **Coverage**: ebpf n7 gap 12:02:00-12:02:30 . kubeapi ok . 4 events lost",
        "",
        "**Next** (never run by Tapio)",
        "",
        "1. `kubectl -n shop rollout restart deploy/checkout`",
        "",
        f"As of 2024-01-10 12:10:00 UTC; explanation `{answer.id}`, rule `runtime.crash_after_change@3`",
    ]


def test_an_answer_without_a_cause_says_so_in_markdown_and_names_nothing() -> None:
    answer = World().has("Pod/shop/web-0").shows("Pod/shop/web-0", "Error", message="it *broke*").why("pod/web-0")
    assert "**Cause** unknown: it \\*broke\\*" in printed(answer, Output.MARKDOWN).splitlines()
    assert printed(answer, Output.NAME) == ""


def test_a_healthy_answer_is_calm_in_markdown_and_names_nothing() -> None:
    answer = World().has("Pod/shop/web-0").why("pod/web-0")
    heading, _, verdict, *_ = printed(answer, Output.MARKDOWN).splitlines()
    assert heading == "### `pod/shop/web-0`: nothing wrong"
    assert verdict.startswith("**OK** (")
    assert printed(answer, Output.NAME) == ""


def test_the_name_of_an_answer_is_what_to_blame() -> None:
    assert printed(incident().why("pod/checkout-0"), Output.NAME) == "configmap/shop/checkout-cfg"


def test_a_wide_answer_is_the_screen_and_every_step_with_its_event() -> None:
    answer = incident().why("pod/checkout-0")
    text = printed(answer, Output.WIDE)
    assert text.startswith(printed(answer, Output.TEXT))
    for step in answer.causes[0].chain:
        assert any(step.event_id in line and line.endswith(step.text) for line in text.splitlines())


@pytest.mark.parametrize(
    ("output", "read"), [(Output.YAML, yaml.safe_load), (Output.JSONL, json.loads)], ids=["yaml", "jsonl"]
)
def test_other_spellings_hold_the_document_of_json(output: Output, read: Callable[[str], object]) -> None:
    answer = incident().why("pod/checkout-0")
    assert read(printed(answer, output)) == json.loads(printed(answer, Output.JSON))


# --- Lists -----------------------------------------------------------------------------------------------------------


def test_a_list_in_each_format() -> None:
    document = json.loads("\n".join(listed(Output.JSON)))
    assert yaml.safe_load("\n".join(listed(Output.YAML))) == document
    assert [json.loads(line) for line in listed(Output.JSONL)] == document["items"]
    assert listed(Output.NAME) == ["pod/shop/checkout-0"]
    heading, row = listed(Output.WIDE)
    assert heading.startswith("SINCE ")
    assert heading.endswith(" CHANGE")
    assert row.endswith('data.DB_HOST "db" -> "db-new"')
    assert listed(Output.MARKDOWN)[0] == "**1 incident at 2024-01-10 12:10:00 UTC**"


def test_a_list_of_nothing_is_said_in_words_and_is_empty_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    world = World().has("Pod/shop/web-0")
    assert listed(Output.JSONL, world) == listed(Output.NAME, world) == []
    assert listed(Output.WIDE, world)[0].startswith("nothing is wrong at ")
    assert listed(Output.MARKDOWN, world) == ["nothing is wrong at 2024-01-10 12:10:00 UTC"]
    printing.write(listed(Output.NAME, world))
    assert capsys.readouterr().out == ""


def test_yaml_keeps_strings_that_look_like_something_else() -> None:
    said = {"at": "2024-01-10T12:00:00Z", "n": "012", "b": "no", "t": "12:30:45", "u": "é: x\ny"}
    assert yaml.safe_load(printing.as_yaml(msgspec.json.encode(said))) == said
