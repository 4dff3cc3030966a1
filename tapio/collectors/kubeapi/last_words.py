"""Which containers' logs are worth reading, and what of a log is kept. Pure: a Pod and bytes in, values out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from tapio.collectors.kubeapi.timestamps import parse_time
from tapio.collectors.redaction import Redactor

Json = dict[str, Any]

LINES = 50
_LINE = 1_000  # characters
_KEPT = 16 * 1024  # characters of all lines together: an event stays far below what a stream takes
_NO_LOG = "unable to retrieve container logs for "  # a kubelet's words, in a log's place, where the file is gone
_STATUSES = ("initContainerStatuses", "containerStatuses")


class Run(NamedTuple):
    """One run of one container whose last lines are wanted.

    `previous`: the container has been started again since. `at` is when the run ended; of one that goes on, when its
    state was last heard to change. `id` tells runs apart. `may_restart`: the next look may find the run to be previous.
    """

    container: str
    previous: bool
    id: str
    at: datetime
    ended: bool
    may_restart: bool = False


def wanted(pod: Json) -> Iterator[Run]:
    """The runs of a Pod's containers that failed, or that are not ready.

    Of a Pod that is being deleted none: its containers are told to end.
    """
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return
    status = pod.get("status") or {}
    may_restart = (pod.get("spec") or {}).get("restartPolicy") != "Never"
    for name in _STATUSES:
        for container in status.get(name) or ():
            if container.get("ready") and not container.get("lastState"):
                continue
            yield from _of_container(container, _unready_since(status), may_restart=may_restart)


def _of_container(container: Json, unready: str, *, may_restart: bool) -> Iterator[Run]:
    state, last = container.get("state") or {}, (container.get("lastState") or {}).get("terminated") or {}
    ended, running = state.get("terminated") or {}, state.get("running") or {}
    name, ready = container.get("name") or "", bool(container.get("ready"))
    if ended.get("exitCode") and (at := _time(ended.get("finishedAt"))):
        yield Run(name, previous=False, id=_id(ended, container), at=at, ended=True, may_restart=may_restart)
    elif last and (last.get("exitCode") or not ready) and (at := _time(last.get("finishedAt"))):
        yield Run(name, previous=True, id=_id(last, container), at=at, ended=True)
    if running and not ready and (at := _time(max(running.get("startedAt") or "", unready))):
        yield Run(name, previous=False, id=container.get("containerID") or "", at=at, ended=False)


def started_at(pod: Json, container: str) -> datetime | None:
    """When the run of a container that goes on began."""
    status = pod.get("status") or {}
    for each in (each for name in _STATUSES for each in status.get(name) or ()):
        if each.get("name") == container:
            return _time(((each.get("state") or {}).get("running") or {}).get("startedAt"))
    return None


def kept(log: bytes, redactor: Redactor, lines: int = LINES) -> list[str]:
    """The last lines of a log, without secrets; a line that was repeated stands where it came last."""
    text = redactor.text(log.decode(errors="replace"), ids=True)
    told: dict[str, None] = {}
    left = _KEPT
    for line in reversed(text.splitlines()):
        cut = line.rstrip()[:_LINE]
        if not cut or cut in told or cut.startswith(_NO_LOG):
            continue
        left -= len(cut)
        if left < 0 or len(told) == lines:
            break
        told[cut] = None
    return list(reversed(told))


def _unready_since(status: Json) -> str:
    conditions = status.get("conditions") or ()
    return next((each.get("lastTransitionTime") or "" for each in conditions if each.get("type") == "Ready"), "")


def _id(run: Json, container: Json) -> str:
    return run.get("containerID") or f"run {container.get('restartCount')} at {run.get('finishedAt')}"


def _time(text: str | None) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None
