"""One container of a pod: how it runs, ended, waits, and what of it changed."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tapio.correlators.views.view import evidence
from tapio.graph import Change, Evidence
from tapio.unified import EventName, UnifiedEvent
from tapio.unified import objects as k8s

if TYPE_CHECKING:
    from tapio.correlators.views.pod import PodView

_LONG_RUN_S = 300.0  # the kubelet's longest back-off between restarts
_SETTLE_AFTER_LONG_RUN_S = 60.0
_SETTLE_LEAST_S = 30.0
_SETTLE_FACTOR = 2
# What the runtimes of Go, Python, the JVM, Rust, Node and .NET write when a program dies of an error nobody caught.
_DEATH = re.compile(
    r"^panic: |^fatal error: |^Traceback \(most recent|^Exception in thread|^thread '.*' panicked"
    r"|\bunhandled (?:exception|rejection|promise)|\buncaught (?:exception|error|\w+Error)|^Segmentation fault",
    re.IGNORECASE,
)
_LINES_BEFORE_DEATH = 3  # many programs log an error and then die of it in words of their own


class End(NamedTuple):
    """How a container's run ended; `event` is the first state that showed it."""

    exit_code: int
    signal: int
    reason: str
    message: str
    started_at: datetime | None
    at: datetime
    event: UnifiedEvent

    @property
    def lasted_s(self) -> float | None:
        return (self.at - self.started_at).total_seconds() if self.started_at else None


class ContainerView:
    """One container of a pod; init containers too."""

    def __init__(self, pod: "PodView", spec: k8s.Container, status: k8s.ContainerStatus | None, *, init: bool) -> None:
        self.pod = pod
        self.spec = spec
        self.status = status or k8s.ContainerStatus(name=spec.name)
        self.init = init

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def waiting(self) -> k8s.Waiting | None:
        return self.status.state.waiting

    @cached_property
    def waits(self) -> list[tuple[UnifiedEvent, k8s.Waiting]]:
        """Every wait that memory reaches, oldest first, with the state that showed it."""
        events = self.pod.history.lived(self.pod.at, self.pod.uid)
        shown = ((event, status.state.waiting) for event in events for status in _statuses(event, self.name))
        return [(event, waiting) for event, waiting in shown if waiting]

    @property
    def running_since(self) -> datetime | None:
        running = self.status.state.running
        return running.started_at if running else None

    @property
    def restarts(self) -> int:
        return self.status.restart_count

    @cached_property
    def ended(self) -> End | None:
        """How it ended, while it has not been started again."""
        return self._end(self.status.state.terminated)

    @cached_property
    def last_end(self) -> End | None:
        """How its newest run that is over ended."""
        return self.ended or self._end(self.status.last_state.terminated)

    def _end(self, terminated: k8s.Terminated | None) -> End | None:
        if terminated is None:
            return None
        at = terminated.finished_at or self.pod.event.timestamp
        return End(
            exit_code=terminated.exit_code,
            signal=terminated.signal,
            reason=terminated.reason,
            message=terminated.message,
            started_at=terminated.started_at,
            at=at,
            event=self._first_shown(terminated),
        )

    def _first_shown(self, terminated: k8s.Terminated) -> UnifiedEvent:
        for event in self.pod.history.lived(self.pod.at, self.pod.uid):
            if any(terminated in runs for runs in _runs_over(event, self.name)):
                return event
        return self.pod.event

    @cached_property
    def ends(self) -> list[End]:
        """Every end that memory reaches, oldest first."""
        lived = self.pod.history.lived(self.pod.at, self.pod.uid)
        shown = (one for event in lived for runs in _runs_over(event, self.name) for one in runs if one)
        ends = (end for one in dict.fromkeys(shown) if (end := self._end(one)))
        return sorted(ends, key=lambda end: end.at)

    def first_end(self, onset: datetime) -> End | None:
        """The end that began the trouble: the first at or after `onset`."""
        return next((end for end in self.ends if end.at >= onset), self.last_end)

    @property
    def settled_at(self) -> datetime | None:
        """When a container that was started again is taken to stay up; None while it does not run.

        A run as long as twice its last one has outlived what ended that. After a long run one minute is enough.
        """
        end, since = self.last_end, self.running_since
        if end is None or since is None:
            return None
        if end.lasted_s is None or end.lasted_s > _LONG_RUN_S:
            return since + timedelta(seconds=_SETTLE_AFTER_LONG_RUN_S)
        return since + timedelta(seconds=max(_SETTLE_LEAST_S, _SETTLE_FACTOR * end.lasted_s))

    @cached_property
    def unwell(self) -> bool:
        """Whether its last end still matters: it is down, or was started again and has not settled."""
        end = self.last_end
        if end is None or (end.exit_code == 0 and not self.ends_in_a_loop):
            return False
        return self.settled_at is None or self.pod.at < self.settled_at

    @property
    def ends_in_a_loop(self) -> bool:
        """Whether even a good end is trouble: it is meant to stay up, and has ended more than once."""
        return self.restarts_after_end and not self.init and self.restarts > 0

    @property
    def restarts_after_end(self) -> bool:
        """Whether the kubelet starts it again when it ends (a sidecar is an init container that always restarts)."""
        if self.spec.restart_policy == "Always":
            return True
        if self.init:
            return self.pod.spec.restart_policy != "Never"
        return self.pod.spec.restart_policy == "Always"

    @cached_property
    def log_tail(self) -> list[UnifiedEvent]:
        """The container's collected logs, newest last."""
        logs = self.pod.said(EventName.CONTAINER_LOG)
        return [event for event in logs if event.attributes and event.attributes.container == self.name]

    @cached_property
    def last_line(self) -> str:
        """The last line it is known to have logged; empty where none is known."""
        end = self.last_end
        text = end.message if end else ""
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines and self.log_tail:
            newest = self.log_tail[-1].attributes
            lines = [line for line in newest.lines if line.strip()] if newest else []
        return lines[-1].strip() if lines else ""

    @cached_property
    def last_words(self) -> str:
        """All that is known of what its last runs logged: for a look whether a name or a value is in it.

        Of a container that is down, what came well before the words of its death is history, and left out.
        """
        end = self.last_end
        texts = [
            end.message.splitlines() if end else [],
            *(one.attributes.lines for one in self.log_tail if one.attributes),
        ]
        told = map(_of_its_death, texts) if end and self.unwell else texts
        return "\n".join(line for lines in told for line in lines)

    def newest_line(self, words: re.Pattern[str]) -> str:
        """The newest line of its last words that says this; empty where none does."""
        return next((line.strip() for line in reversed(self.last_words.splitlines()) if words.search(line)), "")

    def spoken(self, text: str) -> Evidence:
        """What its last words say as evidence: of its newest end while that matters, else of its pod's state."""
        end = self.last_end
        return evidence(end.event, text, at=end.at) if end and self.unwell else self.pod.fact(text)

    def limit(self, resource: str) -> k8s.Quantity | None:
        return self.spec.resources.limits.get(resource) if self.spec.resources else None

    def field(self, path: str = "") -> str:
        """The full path of one of its fields in the workload's template."""
        where = "initContainers" if self.init else "containers"
        return f"spec.template.spec.{where}[{self.name}]{'.' + path if path else ''}"

    def changes(self, path: str = "") -> list[Change]:
        """Changes of the container (or of one of its fields) in the workload's template, newest first."""
        prefix = self.field(path)
        return [change for change in self.pod.workload_changes if _under(change.field, prefix)]


def _of_its_death(lines: Sequence[str]) -> Sequence[str]:
    """The lines from shortly before the first that tells of a death; all of them where none does."""
    first = next((place for place, line in enumerate(lines) if _DEATH.search(line)), 0)
    return lines[max(0, first - _LINES_BEFORE_DEATH) :]


def _under(field: str, prefix: str) -> bool:
    """Whether a changed field is `prefix`, lies below it, or is a whole that holds it."""
    return field.startswith(prefix) or prefix.startswith((f"{field}.", f"{field}["))


def _statuses(event: UnifiedEvent, container: str) -> Iterator[k8s.ContainerStatus]:
    if isinstance(event.object, k8s.Pod):
        for status in (*event.object.status.init_container_statuses, *event.object.status.container_statuses):
            if status.name == container:
                yield status


def _runs_over(event: UnifiedEvent, container: str) -> Iterator[tuple[k8s.Terminated | None, ...]]:
    for status in _statuses(event, container):
        yield status.state.terminated, status.last_state.terminated
