"""Which logs are worth reading, by example and near-miss, and what of them is kept."""

from datetime import UTC, datetime
from typing import Any

from tapio.collectors.kubeapi.last_words import kept, wanted
from tapio.collectors.redaction import Redactor

Json = dict[str, Any]
REDACTOR = Redactor(b"key")
STARTED, ENDED = "2026-01-01T12:00:00Z", "2026-01-01T12:00:07Z"
AT_START, AT_END = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12, 0, 7, tzinfo=UTC)


def terminated(code: int) -> Json:
    return {"terminated": {"exitCode": code, "startedAt": STARTED, "finishedAt": ENDED, "containerID": "cri://1"}}


def running() -> Json:
    return {"running": {"startedAt": STARTED}}


def pod(state: Json, last: Json | None = None, *, ready: bool = False, init: bool = False, **meta: Any) -> Json:
    container = {"name": "app", "ready": ready, "state": state, "lastState": last or {}, "containerID": "cri://2"}
    name = "initContainerStatuses" if init else "containerStatuses"
    return {"kind": "Pod", "metadata": {"uid": "u", **meta}, "status": {name: [container]}}


def told(a_pod: Json) -> list[tuple[bool, datetime]]:
    return [(run.previous, run.at) for run in wanted(a_pod)]


def test_a_container_that_failed_is_wanted_as_of_its_end() -> None:
    assert told(pod(terminated(1))) == [(False, AT_END)]
    assert told(pod(terminated(2), init=True)) == [(False, AT_END)]


def test_a_container_that_waits_to_be_started_again_is_wanted_as_the_previous() -> None:
    assert told(pod({"waiting": {"reason": "CrashLoopBackOff"}}, terminated(1))) == [(True, AT_END)]
    assert told(pod({"waiting": {"reason": "CrashLoopBackOff"}}, terminated(0))) == [(True, AT_END)]


def test_a_container_that_restarted_and_is_not_ready_is_wanted_twice() -> None:
    assert told(pod(running(), terminated(137))) == [(True, AT_END), (False, AT_START)]


def test_a_ready_container_that_once_failed_is_wanted_as_the_previous_alone() -> None:
    assert told(pod(running(), terminated(1), ready=True)) == [(True, AT_END)]


def test_not_ready_is_dated_by_the_condition_where_that_is_newer() -> None:
    a_pod = pod(running())
    a_pod["status"]["conditions"] = [{"type": "Ready", "status": "False", "lastTransitionTime": ENDED}]
    assert told(a_pod) == [(False, AT_END)]


def test_nothing_is_wanted_of_the_healthy_the_done_the_waiting_and_the_deleted() -> None:
    assert not told(pod(running(), ready=True))
    assert not told(pod(terminated(0)))
    assert not told(pod({"waiting": {"reason": "ImagePullBackOff"}}))
    assert not told(pod(terminated(143), deletionTimestamp=ENDED))


def test_a_time_that_is_none_is_no_failure() -> None:
    assert not told(pod({"terminated": {"exitCode": 1, "finishedAt": "yesterday"}}))
    assert not told({"kind": "Pod", "metadata": {}})


def test_the_last_lines_are_kept_without_repeats_and_in_order() -> None:
    log = "".join(f"line {n}\nstill waiting\n" for n in range(100)).encode()
    assert kept(log, REDACTOR, lines=3) == ["line 98", "line 99", "still waiting"]


def test_what_a_kubelet_says_in_a_logs_place_is_none() -> None:
    lost = b"unable to retrieve container logs for containerd://4ead847f8a17"
    assert kept(lost, REDACTOR) == []
    assert kept(b"cannot reach db\n" + lost, REDACTOR) == ["cannot reach db"]


def test_a_log_is_bounded_whatever_is_in_it() -> None:
    lines = kept(b"\n".join(b"%d " % n + b"ab " * 10_000 for n in range(60)) + b"\n\xff\xfe\n\n", REDACTOR)
    assert max(map(len, lines)) <= 1_000
    assert sum(map(len, lines)) <= 16 * 1024


def test_secrets_are_taken_out_also_where_they_span_lines() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\nz9TQx1\n-----END RSA PRIVATE KEY-----"
    lines = kept(f"connecting with password=hunter2x\n{key}\ndone\n".encode(), REDACTOR)
    assert "hunter2x" not in "".join(lines)
    assert "MIIEow" not in "".join(lines)
    assert lines[-1] == "done"
