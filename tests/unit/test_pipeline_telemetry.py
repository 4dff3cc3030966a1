"""A happening becomes one log line and its metrics, by the types of its fields."""

import logging
import re

import pytest

from tapio.telemetry import (
    METRICS,
    BatchStored,
    DeadLettered,
    Measurement,
    Paused,
    Telemetry,
    Transformed,
    configure_logging,
    logfmt,
    measurements,
)


class Kept:
    def __init__(self) -> None:
        self.taken: list[Measurement] = []

    def take(self, measurement: Measurement) -> None:
        self.taken.append(measurement)


PAUSED = Paused(stage="correlate/0", delay_s=0.25, error="the disk is full")


def test_a_line_says_what_happened_and_quotes_what_has_blanks() -> None:
    assert logfmt(PAUSED) == 'Paused stage=correlate/0 delay_s=0.25 error="the disk is full"'


def test_words_are_labels_whole_numbers_counters_and_seconds_gauges() -> None:
    said = {one.metric.name: (one.value, one.labels) for one in measurements(PAUSED)}
    assert said == {
        "tapio_paused_total": (1.0, {"stage": "correlate/0"}),
        "tapio_paused_delay_seconds": (0.25, {"stage": "correlate/0"}),
    }


def test_totals_add_counts_and_keep_the_last_gauge() -> None:
    kept = Kept()
    telemetry = Telemetry((kept,))
    for delay_s in (1.0, 2.0):
        telemetry.tell(Paused(stage="transform/0", delay_s=delay_s, error=""))
    assert telemetry.totals["tapio_paused_total"] == 2
    assert telemetry.totals["tapio_paused_delay_seconds"] == 2.0
    assert len(kept.taken) == 4


def test_what_goes_wrong_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    Telemetry().tell(DeadLettered(stage="transform/0", messages=1, error="not a raw event"))
    assert [(record.levelno, record.name) for record in caplog.records] == [(logging.WARNING, "tapio")]


def test_a_batch_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    loggers = [logging.getLogger(name) for name in ("tapio", "actors", "serve")]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    try:
        configure_logging("INFO")
        Telemetry().tell(Transformed(stage="transform/0", raw=3, unified=5, took_s=0.25))
    finally:
        for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
    [line] = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\S+T\S+Z INFO Transformed stage=transform/0 raw=3 unified=5 took_s=0.25", line)


def test_every_metric_has_a_name_of_its_own() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    assert "tapio_batch_stored_write_seconds" in names
    assert BatchStored.__doc__
