"""Settings: where each value comes from, and what a wrong one is told."""

from pathlib import Path

import pytest

from tapio import settings
from tapio.errors import UsageError


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tapio.toml"


def test_without_anything_the_defaults_hold(toml: Path) -> None:
    loaded = settings.load(environ={})
    assert loaded.settings == settings.Settings()
    assert set(loaded.sources.values()) == {"default"}
    assert loaded.settings.server_url == "http://127.0.0.1:8000"


def test_file_then_environment_then_flags_and_each_value_knows_its_source(toml: Path) -> None:
    toml.write_text('http_port = 8001\nshards = 3\nnats_port = 5222\n[redaction]\nconfigmap_values = "digest"\n')
    environ = {"TAPIO_SHARDS": "4", "TAPIO_HTTP_PORT": "8002"}
    loaded = settings.load({"http_port": 8003, "context": None}, environ)
    assert (loaded.settings.nats_port, loaded.settings.shards, loaded.settings.http_port) == (5222, 4, 8003)
    assert loaded.settings.redaction.configmap_values == "digest"
    assert loaded.sources["nats_port"] == "tapio.toml"
    assert loaded.sources["shards"] == "environment variable TAPIO_SHARDS"
    assert loaded.sources["http_port"] == "--http-port"
    assert loaded.sources["context"] == "default"


def test_a_section_reads_from_the_environment(toml: Path) -> None:
    loaded = settings.load(environ={"TAPIO_REDACTION_CONFIGMAP_VALUES": "digest"})
    assert loaded.settings.redaction.configmap_values == "digest"


def test_tapio_config_names_the_file(toml: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("shards = 7\n")
    loaded = settings.load(environ={"TAPIO_CONFIG": str(other)})
    assert loaded.settings.shards == 7
    assert loaded.sources["shards"] == str(other)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shard = 3\n", ("tapio.toml", "shard", "shards")),
        ('shards = "three"\n', ("tapio.toml", "shards", "'three'", "number from 1 to 64")),
        ("http_port = 70000\n", ("tapio.toml", "http_port", "65535")),
        ('[redaction]\nconfigmap_values = "hidden"\n', ("redaction.configmap_values", "'hidden'", "plain, digest")),
        ("[redaction]\nconfigmap_value = 1\n", ("redaction.configmap_value", "redaction.configmap_values")),
        ("redaction = 1\n", ("redaction",)),
        ("[shards]\nx = 1\n", ("shards.x",)),
        ("shards = \n", ("tapio.toml", "not TOML")),
    ],
)
def test_a_wrong_file_is_told_where_what_and_what_is_allowed(toml: Path, text: str, said: tuple[str, ...]) -> None:
    toml.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.load(environ={})
    whole = f"{caught.value.message} {caught.value.hint}"
    assert all(part in whole for part in said), whole


def test_a_settings_file_that_is_not_there_is_an_error_only_when_it_was_named(toml: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        settings.load(environ={"TAPIO_CONFIG": "nowhere.toml"})


@pytest.mark.parametrize(
    ("name", "near"), [("TAPIO_SERVR", "TAPIO_SERVER"), ("TAPIO_HTP_PORT", "TAPIO_HTTP_PORT"), ("TAPIO_PORT", "PORT")]
)
def test_a_typing_error_in_the_environment_is_told_the_near_name(name: str, near: str, toml: Path) -> None:
    with pytest.raises(UsageError) as caught:
        settings.load(environ={name: "8001"})
    assert name in caught.value.message
    assert near in caught.value.hint


def test_a_wrong_value_in_the_environment_names_the_variable(toml: Path) -> None:
    with pytest.raises(UsageError, match="TAPIO_SHARDS"):
        settings.load(environ={"TAPIO_SHARDS": "many"})


def test_what_kubernetes_sets_for_a_service_called_tapio_is_no_typing_error(toml: Path) -> None:
    environ = {"TAPIO_SERVICE_HOST": "10.0.0.1", "TAPIO_PORT_8000_TCP_ADDR": "10.0.0.1", "TAPIO_PORT": "tcp://x:1"}
    environ |= {"TAPIO_NATS_PORT": "tcp://10.0.0.2:4222", "TAPIO_NATS_SERVICE_PORT_CLIENT": "4222"}
    assert settings.load(environ=environ).settings == settings.Settings()


def test_the_data_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert settings.Settings().data_path == tmp_path / "tapio"
    assert settings.Settings(data_dir="~/x").data_path == Path.home() / "x"
