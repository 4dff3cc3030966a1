"""What an engine concludes follows from the events alone: not from their order, doubles, batches or streams."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tapio.collectors.file import load, write_capture
from tapio.correlators import Arrival, Engine
from tapio.pipeline.local import correlate_events, unify_events
from tapio.pipeline.partition import assign, positions_after, restore
from tapio.raw import RawEvent
from tapio.stores.memory import MemoryStore
from tapio.transforms import route
from tapio.unified import PARTITIONS, SHARED, UnifiedEvent, encode
from tapio.why import Question, explain_each
from tapio.why import encode as written
from tests.unit.rules.scene import (
    Scene,
    configmap,
    crash_looping,
    deployment,
    ended,
    node,
    pod,
    running,
    service,
    unscheduled,
    waiting,
    with_status,
)

RECORDED = Path(__file__).parents[2].parent / "shared" / "recorded"
SEEDS = range(2)


def crash_after_config() -> Scene:
    reads: dict[str, Any] = {
        "containers": [{"name": "app", "image": "w:1", "envFrom": [{"configMapRef": {"name": "cfg"}}]}]
    }
    first, second = pod("web-1", **reads), pod("web-2", created=5, **reads)
    scene = Scene().see(configmap("cfg", {"DB": "a"}), at=-60).see(deployment(available=1), at=0).see(service(), at=0)
    scene.see(with_status(first, running(0.1), ready=True, ready_since=0.2), at=0.2)
    change = {"field": "data.DB", "before": "a", "after": "b"}
    scene.see(configmap("cfg", {"DB": "b"}), at=4, changes=[change])
    scene.see(first, at=5, deleted=True).see(second, at=5)
    for nth in range(1, 6):
        end = ended(1, started=5 + nth, at=5.1 + nth, message="cannot reach b")
        scene.see(with_status(second, crash_looping(end, restarts=nth)), at=5.1 + nth)
        scene.say(second, "BackOff", "Back-off restarting failed container", at=5.2 + nth, count=nth, container="app")
    return scene


def scaled_to_zero_and_back() -> Scene:
    up, down = {"before": 0, "after": 1}, {"before": 1, "after": 0}
    scene = Scene().see(service(), at=-60).see(deployment(available=1), at=0)
    scene.see(with_status(pod(), running(0.1), ready=True, ready_since=0.2), at=0.2)
    scene.see(deployment(replicas=0), at=1, changes=[{"field": "spec.replicas", **down}]).see(pod(), at=1, deleted=True)
    scene.see(deployment(replicas=1), at=2, changes=[{"field": "spec.replicas", **up}])
    new = pod("web-2", created=2)
    return scene.see(new, at=2).see(with_status(new, running(2.1), ready=True, ready_since=2.2), at=2.2)


def node_lost() -> Scene:
    scene = Scene().see(node(), at=0).see(with_status(pod(), running(0.1), ready=True, ready_since=0.2), at=0.2)
    scene.see(node(conditions={"Ready": "Unknown"}), at=5)
    scene.see(with_status(pod(), running(0.1), ready=False, ready_since=5.1), at=5.1)
    return scene.see(node(), at=9).see(with_status(pod(), running(0.1), ready=True, ready_since=9.1), at=9.1)


def told_by_events_alone() -> Scene:
    scene = Scene()
    scene.say(pod(), "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.", at=0)
    scene.say(pod(), "Scheduled", "Successfully assigned shop/web-1 to node-1", at=1)
    scene.say(pod(), "Failed", 'Failed to pull image "w:2": not found', at=2, container="app")
    return scene.say(pod("web-2", owner=""), "Killing", "Stopping container app", at=3, container="app")


def many_versions() -> Scene:
    """More states and Events than memory keeps."""
    obj = pod()
    scene = Scene().see(unscheduled(obj, "0/1 nodes are available: 1 Insufficient memory."), at=0)
    for nth in range(40):
        end = ended(1, started=1 + nth, at=1.4 + nth)
        scene.see(with_status(obj, crash_looping(end, restarts=nth)), at=1.5 + nth)
        scene.see(with_status(obj, waiting("ImagePullBackOff", "not found", last=end, restarts=nth)), at=1.7 + nth)
        scene.say(obj, f"Strange{nth}", "words", at=1.8 + nth)
    return scene


SCENES: tuple[Callable[[], Scene], ...] = (
    crash_after_config,
    scaled_to_zero_and_back,
    node_lost,
    told_by_events_alone,
)
FILES = (
    "kspan/deployment-2-pods",
    "kspan/statefulset-update-flux",
    "cloud-ready-checks/pod-imagePullErrorResolved",
    "troubleshoot/container-creating-failed-mount",
    "troubleshoot/image-pull-fail",
    "troubleshoot/k3d-bundle-2022-12-21",
)


@cache
def raw_events(name: str) -> tuple[RawEvent, ...]:
    scene = next((scene for scene in SCENES if scene.__name__ == name), None)
    return tuple(scene().events) if scene else load(RECORDED / f"{name}.jsonl").events


@cache
def arrivals(name: str) -> tuple[Arrival, ...]:
    unified = sorted(unify_events(raw_events(name)), key=attrgetter("sort_key"))
    return tuple(_arrival(place, event) for place, event in enumerate(unified, start=1))


def _arrival(place: int, event: UnifiedEvent) -> Arrival:
    return Arrival(route(event, PARTITIONS), place, event, encode(event))


def concluded(batches: Sequence[Sequence[Arrival]]) -> tuple[list[str], list[bytes]]:
    """What the store holds and what is answered when one engine takes these batches."""
    engine, store = Engine(frozenset(range(PARTITIONS)), PARTITIONS), MemoryStore()
    for batch in batches:
        store.write(engine.apply(batch))
    return list(store.dump()), [written(answer) for answer in explain_each(Question(), store)]


@cache
def in_order(name: str) -> tuple[list[str], list[bytes]]:
    return concluded([arrivals(name)])


def cut(events: Sequence[Arrival], chance: random.Random) -> Iterator[Sequence[Arrival]]:
    start = 0
    while start < len(events):
        size = chance.randint(1, 12)
        yield events[start : start + size]
        start += size


@pytest.fixture(params=[*(scene.__name__ for scene in SCENES), *FILES])
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    if "/" in chosen and not RECORDED.exists():
        pytest.skip("the recorded data is not beside the checkout")
    return chosen


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_arrival_changes_nothing(name: str, seed: int) -> None:
    shuffled = random.Random(seed).sample(arrivals(name), len(arrivals(name)))
    assert concluded([shuffled]) == in_order(name)


@pytest.mark.parametrize("seed", SEEDS)
def test_doubles_and_batches_change_nothing(name: str, seed: int) -> None:
    chance = random.Random(seed)
    doubled = [*arrivals(name), *chance.sample(arrivals(name), len(arrivals(name)) // 2)]
    assert concluded(list(cut(doubled, chance))) == in_order(name)


@pytest.mark.parametrize("seed", SEEDS)
def test_shuffled_cut_and_doubled_changes_nothing(name: str, seed: int) -> None:
    chance = random.Random(seed)
    doubled = [*arrivals(name), *arrivals(name)]
    assert concluded(list(cut(chance.sample(doubled, len(doubled)), chance))) == in_order(name)


@pytest.mark.parametrize("first", ["shared", "partitions"])
def test_which_stream_is_read_first_changes_nothing(name: str, first: str) -> None:
    shared = [each for each in arrivals(name) if each.partition == SHARED]
    own = [each for each in arrivals(name) if each.partition != SHARED]
    assert concluded([shared, own] if first == "shared" else [own, shared]) == in_order(name)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shard_that_is_killed_after_every_batch_changes_nothing(name: str, seed: int) -> None:
    store, shard = MemoryStore(), assign(PARTITIONS, 1)[0]
    for batch in at_different_paces(arrivals(name), random.Random(seed)):
        positions = positions_after(shard, {arrival.partition: arrival.sequence for arrival in batch})
        store.write(msgspec.structs.replace(restore(shard, store).engine.apply(batch), positions=positions))
    assert list(store.dump()) == in_order(name)[0]
    assert [written(answer) for answer in explain_each(Question(), store)] == in_order(name)[1]


def at_different_paces(events: Sequence[Arrival], chance: random.Random) -> Iterator[list[Arrival]]:
    """Batches as a shard takes them: a page of some of its streams, each in its own order."""
    waiting: dict[str, list[Arrival]] = {}
    for event in events:
        waiting.setdefault(event.partition, []).append(event)
    while left := [stream for stream, events in waiting.items() if events]:
        batch: list[Arrival] = []
        for stream in chance.sample(left, chance.randint(1, len(left))):
            size = chance.randint(1, 15)
            batch += waiting[stream][:size]
            del waiting[stream][:size]
        yield batch


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_a_file_changes_nothing(name: str, seed: int, tmp_path: Path) -> None:
    events = raw_events(name)
    shuffled = random.Random(seed).sample(events, len(events))
    write_capture(tmp_path / "shuffled.jsonl", shuffled)
    graph = correlate_events(load(tmp_path / "shuffled.jsonl").events)
    dump, answers = in_order(name)
    assert list(graph.dump()) == dump
    assert [written(answer) for answer in explain_each(Question(), graph)] == answers


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_change_no_answer_where_there_is_more_than_memory_keeps(seed: int) -> None:
    unified = sorted(unify_events(many_versions().events), key=attrgetter("sort_key"))
    events = [_arrival(place, event) for place, event in enumerate(unified, start=1)]
    dump, answers = concluded([events])
    parts, answers_of_parts = concluded(list(cut(events, random.Random(seed))))
    assert answers_of_parts == answers
    assert _verdicts(parts) == _verdicts(dump)


def _verdicts(dump: Sequence[str]) -> list[str]:
    """Symptoms and links: an edge that began before memory is told as old as memory."""
    return [line for line in dump if line.startswith(('{"symptom"', '{"link"'))]
