"""The graph is asked each thing once per question."""

from collections import Counter
from datetime import datetime

from tapio.graph import Link
from tapio.stores.memory import MemoryStore
from tapio.unified import ObjectKey
from tapio.why.memo import ReadOnce
from tests.unit.test_why_document import incident
from tests.unit.why_graph import World, key, t


class Counting(MemoryStore):
    """A store that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[ObjectKey] = Counter()

    def links(self, subject: ObjectKey, at: datetime) -> list[Link]:
        self.asked[subject] += 1
        return list(super().links(subject, at))


def test_the_same_thing_is_read_once_and_another_moment_is_another_thing() -> None:
    counting = Counting()
    once = ReadOnce(counting)
    for _ in range(3):
        once.links(key("Pod/shop/web-0"), t(1))
    once.links(key("Pod/shop/web-0"), t(2))
    assert counting.asked == {key("Pod/shop/web-0"): 2}


def test_it_gives_what_the_graph_gives() -> None:
    store = incident().store()
    once = ReadOnce(store)
    pod, at = key("Pod/shop/checkout-0"), t(10)
    for _ in range(2):
        assert once.newest() == store.newest()
        assert once.entities(at, kind="Pod", namespace="shop") == store.entities(at, kind="Pod", namespace="shop")
        assert once.edges(pod, at) == store.edges(pod, at)
        assert once.symptoms(at) == store.symptoms(at)
        assert once.symptoms(at, pod) == store.symptoms(at, pod)
        assert once.past_symptoms(pod, at) == store.past_symptoms(pod, at)
        assert once.links(pod, at) == store.links(pod, at)
        assert once.changes(t(0), at, namespace="shop") == store.changes(t(0), at, namespace="shop")
        assert once.coverage(at) == store.coverage(at)


def test_events_pass_through() -> None:
    store = World().heard("Pod/shop/web-0", "hello", 1).store()
    once = ReadOnce(store)
    (event,) = once.events(key("Pod/shop/web-0"), t(0), t(2))
    assert once.event(event.id) == event
