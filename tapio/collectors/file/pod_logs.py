"""Containers' logs of a dump as events: of those that failed or are not ready, dated by the run that said them."""

from collections.abc import Iterable, Iterator, Mapping

from tapio.collectors.file.documents import Json, Log
from tapio.collectors.kubeapi.enrich import Owners, about, key_of, metadata
from tapio.collectors.kubeapi.last_words import Run, kept, wanted
from tapio.collectors.redaction import Redactor
from tapio.raw import ObjectKey, RawEvent
from tapio.raw.event import raw_json


def events_of_logs(
    logs: Iterable[Log], objects: Iterable[Json], owners: Owners, redactor: Redactor
) -> Iterator[RawEvent]:
    """An event per log whose pod is among the objects and shows which run it is of."""
    pods = {key_of(obj): obj for obj in objects if obj.get("kind") == "Pod" and isinstance(obj.get("metadata"), dict)}
    for log in logs:
        pod = pods.get(ObjectKey("Pod", log.namespace, log.pod))
        run = _shown(pod, log.container) if pod else None
        lines = kept(log.text, redactor) if run else []
        if pod and run and lines:
            yield RawEvent(
                timestamp=run.at,
                type="container_log",
                data=raw_json({"container": run.container, "previous": run.previous, "lines": lines}),
                metadata=metadata(about(pod), owners.root(key_of(pod)), observed_at=run.at.isoformat()),
            )


def _shown(pod: Json, container: str) -> Run | None:
    """The run that kubectl shows: the newest; where the container waits to be started again, that is the last one."""
    try:
        runs = {run.previous: run for run in wanted(pod) if run.container == container}
        return runs.get(False) or (runs.get(True) if _waits(pod, container) else None)
    except (AttributeError, TypeError):  # a field of another type than the API's: told by the pod's event
        return None


def _waits(pod: Mapping[str, Json], container: str) -> bool:
    status = pod.get("status") or {}
    of_all = (each for name in ("initContainerStatuses", "containerStatuses") for each in status.get(name) or ())
    return any(each.get("name") == container and "waiting" in (each.get("state") or {}) for each in of_all)
