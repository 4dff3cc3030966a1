"""Where the kubeconfig is read from: `~` is the home directory for every command that is told one."""

from pathlib import Path

import pytest

from tapio.cli import checks, system
from tapio.cli.up import up
from tapio.errors import UsageError
from tapio.settings import Settings


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_up_reads_it_from_the_home_directory(home: Path) -> None:
    with pytest.raises(UsageError, match=str(home / "no-such-file")):
        up(kubeconfig="~/no-such-file")


def test_doctor_reads_it_from_the_home_directory(home: Path) -> None:
    said = [check.said for check in checks.of_cluster(Settings(kubeconfig="~/no-such-file"), "")]
    assert len(said) == 1
    assert str(home / "no-such-file") in said[0]


def test_the_collector_is_told_where_that_is(home: Path) -> None:
    plan = system.plan_of(Settings(kubeconfig="~/config"), home, "nats://x", ())
    assert plan.kubeconfig == str(home / "config")


def test_without_a_setting_kubectls_own_rule_is_left_to_the_collector(home: Path) -> None:
    assert system.plan_of(Settings(), home, "nats://x", ()).kubeconfig == ""
