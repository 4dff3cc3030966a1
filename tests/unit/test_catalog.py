"""The catalog of causes: every code with what its rules say, and near names for one that is none."""

import pytest

from tapio.correlators.catalog import catalog, codes
from tapio.errors import UnknownTargetError


def test_every_rule_says_what_it_finds_and_when() -> None:
    assert {code for entry in catalog().items for code in entry.codes} == set(codes())
    assert all(entry.says.endswith((".", "?")) and entry.judges and entry.decided_by for entry in catalog().items)


def test_a_code_is_told_by_each_rule_that_may_give_it() -> None:
    found = catalog("runtime.crash_after_change@1").items
    assert [entry.rule for entry in found] == ["runtime.crash_after_change"]
    assert "\n" not in found[0].more
    assert "after the first crash" in found[0].more
    assert len(catalog("node.kubelet_down").items) > 1


def test_that_nothing_is_wrong_is_explained_too() -> None:
    assert [entry.codes for entry in catalog("none.recovered").items] == [("none.recovered",)]
    assert len(catalog("none").items) == 5


def test_a_family_is_all_of_it() -> None:
    assert {entry.family for entry in catalog("Scheduling").items} == {"scheduling"}


@pytest.mark.parametrize(
    ("wrong", "near"), [("crash_app", "runtime.crash_app"), ("runtime.oom_kiled", "runtime.oom_killed")]
)
def test_a_code_that_is_none_names_near_ones(wrong: str, near: str) -> None:
    with pytest.raises(UnknownTargetError) as caught:
        catalog(wrong)
    assert near in caught.value.near
