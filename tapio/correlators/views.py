"""Views: one entity with its history, its neighbours and their histories, as of a moment. Rules judge views."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from tapio.correlators.history import History
from tapio.correlators.world import Moment
from tapio.graph import Change, Evidence
from tapio.unified import EventName, ObjectKey, UnifiedEvent
from tapio.unified import objects as k8s

_LONG_RUN_S = 300.0  # the kubelet's longest back-off between restarts
_SETTLE_AFTER_LONG_RUN_S = 60.0
_SETTLE_LEAST_S = 30.0
_SETTLE_FACTOR = 2


class View:
    """What every view has: the moment, the entity's newest state and everything said about it until then."""

    def __init__(self, moment: Moment, event: UnifiedEvent, history: History) -> None:
        self.moment = moment
        self.event = event
        self.history = history

    @property
    def at(self) -> datetime:
        return self.moment.at

    @property
    def key(self) -> ObjectKey:
        return self.event.key

    @property
    def uid(self) -> str:
        return self.event.k8s_context.uid

    @property
    def labels(self) -> dict[str, str]:
        return self.event.k8s_context.labels

    @property
    def root(self) -> ObjectKey:
        """The topmost owner known; the entity itself where nobody owns it."""
        if self.event.root:
            return ObjectKey.parse(self.event.root)
        owners = self.event.k8s_context.owner_references
        return ObjectKey(owners[0].kind, self.key.namespace, owners[0].name) if owners else self.key

    @cached_property
    def happenings(self) -> list[UnifiedEvent]:
        return self.history.happenings(self.at, self.uid)

    def said(self, *names: EventName, since: datetime | None = None) -> list[UnifiedEvent]:
        """The happenings of these names, last seen at or after `since`, oldest first."""
        return [
            event for event in self.happenings if event.event_name in names and (not since or event.timestamp >= since)
        ]

    def changes_of(self, key: ObjectKey) -> list[Change]:
        """The changes of any entity up to this moment, newest first."""
        history = self.moment.history(key)
        return history.changes_until(self.at) if history else []

    def fact(self, text: str, *, at: datetime | None = None) -> Evidence:
        """This state as evidence."""
        return evidence(self.event, text, at=at)


def evidence(
    event: UnifiedEvent, text: str, *, at: datetime | None = None, entity: ObjectKey | None = None
) -> Evidence:
    """An event as evidence of something."""
    return Evidence(
        at=at or event.timestamp, event_id=event.id, source=event.source, entity=entity or event.key, text=text
    )


def change_evidence(change: Change) -> Evidence:
    """A change as evidence."""
    who = f" by {change.actor}" if change.actor else ""
    text = f"{change.entity.kind} {change.entity.name}: {change.field} changed{who}"
    return Evidence(at=change.at, event_id=change.event_id, source="kubeapi", entity=change.entity, text=text)


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


class PodView(View):
    """A pod."""

    def __init__(self, moment: Moment, event: UnifiedEvent, history: History) -> None:
        super().__init__(moment, event, history)
        assert isinstance(event.object, k8s.Pod)  # noqa: S101  the engine builds this view for pods alone
        self.pod: k8s.Pod = event.object
        self.onset: datetime | None = None  # of its symptom, carried on while that lasts; the timeline sets it

    @property
    def spec(self) -> k8s.PodSpec:
        return self.pod.spec

    @property
    def status(self) -> k8s.PodStatus:
        return self.pod.status

    @property
    def created_at(self) -> datetime:
        return self.pod.metadata.creation_timestamp or self.event.timestamp

    @property
    def workload(self) -> ObjectKey:
        """What a person would change to change this pod."""
        return self.root

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.status.conditions if one.type == type_), None)

    @cached_property
    def ready(self) -> bool:
        condition = self.condition("Ready")
        return condition is not None and condition.status == "True"

    @cached_property
    def was_ready(self) -> bool:
        """Whether this pod was ready at any time that memory reaches."""
        return self.ready or any(_is_ready(event) for event in self.history.lived(self.at, self.uid))

    @cached_property
    def containers(self) -> list["ContainerView"]:
        """Init containers first, in the order they run."""
        init = _paired(self.spec.init_containers, self.status.init_container_statuses)
        main = _paired(self.spec.containers, self.status.container_statuses)
        return [
            *(ContainerView(self, spec, status, init=True) for spec, status in init),
            *(ContainerView(self, spec, status, init=False) for spec, status in main),
        ]

    @property
    def node(self) -> "NodeView | None":
        """The node it runs on, where that is known."""
        return node_view(self.moment, self.spec.node_name) if self.spec.node_name else None

    @cached_property
    def references(self) -> list["Reference"]:
        """The ConfigMaps and Secrets it reads, each as often as it reads them."""
        return list(_references(self.spec, self.key.namespace))

    @cached_property
    def workload_changes(self) -> list[Change]:
        """Changes of the pod template it came from, newest first, none younger than the pod."""
        changes = [change for change in self.changes_of(self.workload) if change.field.startswith("spec.template.")]
        return [change for change in changes if change.at <= self.created_at]


class ContainerView:
    """One container of a pod; init containers too."""

    def __init__(self, pod: PodView, spec: k8s.Container, status: k8s.ContainerStatus | None, *, init: bool) -> None:
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

    @property
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

    @property
    def last_line(self) -> str:
        """The last line it is known to have logged; empty where none is known."""
        end = self.last_end
        text = end.message if end else ""
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines and self.log_tail:
            newest = self.log_tail[-1].attributes
            lines = [line for line in newest.lines if line.strip()] if newest else []
        return lines[-1].strip() if lines else ""

    @property
    def last_words(self) -> str:
        """All that is known of what its last runs logged: for a look whether a name or a value is in it."""
        end = self.last_end
        logged = (line for event in self.log_tail if event.attributes for line in event.attributes.lines)
        return "\n".join([end.message if end else "", *logged])

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


class Reference(NamedTuple):
    """A ConfigMap or Secret that a pod reads: as files or environment, all of it or one key, and by which container."""

    key: ObjectKey
    how: str  # env | volume
    item: str  # the key read; empty = all
    container: str  # empty for a volume
    optional: bool


class WorkloadView(View):
    """A Deployment, ReplicaSet, StatefulSet, DaemonSet or Job."""

    def __init__(self, moment: Moment, event: UnifiedEvent, history: History) -> None:
        super().__init__(moment, event, history)
        self.object: Any = event.object

    @property
    def spec(self) -> k8s.WorkloadSpec:
        spec: k8s.WorkloadSpec = self.object.spec
        return spec

    @property
    def status(self) -> k8s.WorkloadStatus:
        status: k8s.WorkloadStatus = self.object.status
        return status

    @property
    def created_at(self) -> datetime:
        created: datetime | None = self.object.metadata.creation_timestamp
        return created or self.event.timestamp

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.status.conditions if one.type == type_), None)

    @property
    def desired(self) -> int:
        """How many pods it wants; the API leaves 1 out of no spec, so absent is 1 (a DaemonSet counts nodes)."""
        if isinstance(self.object, k8s.DaemonSet):
            return self.status.desired_number_scheduled
        return 1 if self.spec.replicas is None else self.spec.replicas

    @property
    def available(self) -> int:
        if isinstance(self.object, k8s.DaemonSet):
            return self.status.number_ready
        if isinstance(self.object, k8s.Deployment):
            return self.status.available_replicas
        return self.status.ready_replicas


class NodeView(View):
    """A node."""

    @property
    def node(self) -> k8s.Node:
        assert isinstance(self.event.object, k8s.Node)  # noqa: S101  built for nodes alone
        return self.event.object

    def condition(self, type_: str) -> k8s.Condition | None:
        return next((one for one in self.node.status.conditions if one.type == type_), None)


class ServiceView(View):
    """A Service with what backs it."""

    @property
    def spec(self) -> k8s.ServiceSpec:
        assert isinstance(self.event.object, k8s.Service)  # noqa: S101  built for services alone
        return self.event.object.spec

    @property
    def created_at(self) -> datetime:
        assert isinstance(self.event.object, k8s.Service)  # noqa: S101  built for services alone
        return self.event.object.metadata.creation_timestamp or self.event.timestamp

    @cached_property
    def pods(self) -> list[UnifiedEvent]:
        """The facts of every live pod in the namespace."""
        facts = self.moment.all("PodFacts", self.key.namespace)
        return [event for event in facts if isinstance(event.object, k8s.PodFacts)]

    @cached_property
    def backends(self) -> list[UnifiedEvent]:
        """The facts of the pods it selects."""
        return [pod for pod in self.pods if selects(self.spec.selector, pod.k8s_context.labels)]

    @cached_property
    def slices(self) -> list[UnifiedEvent]:
        """Its EndpointSlices."""
        return [
            event
            for event in self.moment.all("EndpointSlice", self.key.namespace)
            if event.k8s_context.labels.get("kubernetes.io/service-name") == self.key.name
        ]

    @property
    def ready_endpoints(self) -> int:
        """Addresses that take traffic: by its slices where there are any, else by its pods."""
        if self.slices:
            return sum(_ready_addresses(event) for event in self.slices)
        return sum(1 for pod in self.backends if facts_of(pod).ready)


def pod_key(facts: UnifiedEvent) -> ObjectKey:
    """The pod that facts are about."""
    return ObjectKey("Pod", facts.key.namespace, facts.key.name)


def facts_of(event: UnifiedEvent) -> k8s.PodFacts:
    assert isinstance(event.object, k8s.PodFacts)  # noqa: S101  callers chose such events
    return event.object


def node_view(moment: Moment, name: str) -> NodeView | None:
    """The node of that name, where it is known."""
    key = ObjectKey("Node", "", name)
    event, history = moment.state(key), moment.history(key)
    if event is None or history is None or not isinstance(event.object, k8s.Node):
        return None
    return NodeView(moment, event, history)


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether an equality selector matches; an empty selector selects nothing (a Service's does not)."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _under(field: str, prefix: str) -> bool:
    """Whether a changed field is `prefix`, lies below it, or is a whole that holds it."""
    return field.startswith(prefix) or prefix.startswith((f"{field}.", f"{field}["))


def _paired(
    specs: tuple[k8s.Container, ...], statuses: tuple[k8s.ContainerStatus, ...]
) -> Iterator[tuple[k8s.Container, k8s.ContainerStatus | None]]:
    by_name = {status.name: status for status in statuses}
    for spec in specs:
        yield spec, by_name.pop(spec.name, None)
    for status in by_name.values():  # a status whose spec is not there (a pruned object)
        yield k8s.Container(name=status.name, image=status.image), status


def _statuses(event: UnifiedEvent, container: str) -> Iterator[k8s.ContainerStatus]:
    if isinstance(event.object, k8s.Pod):
        for status in (*event.object.status.init_container_statuses, *event.object.status.container_statuses):
            if status.name == container:
                yield status


def _runs_over(event: UnifiedEvent, container: str) -> Iterator[tuple[k8s.Terminated | None, ...]]:
    for status in _statuses(event, container):
        yield status.state.terminated, status.last_state.terminated


def _is_ready(event: UnifiedEvent) -> bool:
    if not isinstance(event.object, k8s.Pod):
        return False
    return any(one.type == "Ready" and one.status == "True" for one in event.object.status.conditions)


def _ready_addresses(event: UnifiedEvent) -> int:
    if not isinstance(event.object, k8s.EndpointSlice):
        return 0
    return sum(1 for endpoint in event.object.endpoints if endpoint.conditions.ready is not False)


def _references(spec: k8s.PodSpec, namespace: str) -> Iterator[Reference]:
    for container in (*spec.init_containers, *spec.containers):
        yield from _environment(container, namespace)
    for volume in spec.volumes:
        yield from _volume(volume, namespace)


def _environment(container: k8s.Container, namespace: str) -> Iterator[Reference]:
    for source in container.env_from:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref:
                yield Reference(ObjectKey(kind, namespace, ref.name), "env", "", container.name, ref.optional)
    for variable in container.env:
        if variable.value_from is None:
            continue
        for kind, ref in (
            ("ConfigMap", variable.value_from.config_map_key_ref),
            ("Secret", variable.value_from.secret_key_ref),
        ):
            if ref:
                yield Reference(ObjectKey(kind, namespace, ref.name), "env", ref.key, container.name, ref.optional)


def _volume(volume: k8s.Volume, namespace: str) -> Iterator[Reference]:
    if volume.config_map:
        yield Reference(
            ObjectKey("ConfigMap", namespace, volume.config_map.name), "volume", "", "", volume.config_map.optional
        )
    if volume.secret:
        yield Reference(
            ObjectKey("Secret", namespace, volume.secret.secret_name), "volume", "", "", volume.secret.optional
        )
    for part in volume.projected.sources if volume.projected else ():
        for kind, ref in (("ConfigMap", part.config_map), ("Secret", part.secret)):
            if ref:
                yield Reference(ObjectKey(kind, namespace, ref.name), "volume", "", "", ref.optional)
