"""Reading events so that equal parts are one object: what is read is the same, and what is equal is identical."""

import msgspec
import pytest

from tapio.errors import BadEventError
from tapio.pipeline.local import unify_events
from tapio.unified import SharingDecoder, UnifiedEvent, decode, encode
from tapio.unified import objects as k8s
from tests.unit.rules.scene import Scene, configmap, deployment, pod, running, with_status


def events() -> list[UnifiedEvent]:
    obj = pod()
    scene = Scene().see(configmap("cfg", {"DB": "a"}), at=0).see(obj, at=1)
    scene.see(with_status(obj, running(2), ready=True), at=2).see(with_status(obj, running(2), ready=True), at=3)
    return [*unify_events(scene.say(obj, "Started", "Started container app", at=4).events)]


def fields(event: UnifiedEvent) -> dict[str, object]:
    return {name: getattr(event, name) for name in UnifiedEvent.__struct_fields__}


def test_what_is_read_is_what_was_written() -> None:
    decoder = SharingDecoder()
    for event in events():
        assert fields(decoder.decode(encode(event))) == fields(decode(encode(event)))


def test_a_state_that_repeats_is_the_same_object() -> None:
    decoder = SharingDecoder()
    states = [decoder.decode(encode(event)) for event in events() if event.k8s_context.kind == "Pod" and event.object]
    unready, ready, again = states
    assert ready.object is again.object
    assert ready.object is not unready.object
    assert ready.k8s_context is unready.k8s_context


def test_what_replicas_and_their_template_have_in_common_is_one_object() -> None:
    env = [{"name": "DB_HOST", "value": "db"}]
    containers = [{"name": "app", "env": env, "volumeMounts": [{"name": "token", "mountPath": "/token"}]}]
    web = deployment()
    web["spec"]["template"]["spec"] = {"containers": [{"name": "app", "env": env}]}
    scene = Scene().see(web, at=0)
    for name in ("web-1", "web-2"):
        scene.see(pod(name, containers=containers, nodeName=f"node-of-{name}"), at=1)
    decoder = SharingDecoder()
    read = [decoder.decode(encode(event)) for event in unify_events(scene.events)]
    owner, one, other = (event.object for event in read if isinstance(event.object, k8s.Deployment | k8s.Pod))
    assert isinstance(owner, k8s.Deployment)
    assert isinstance(one, k8s.Pod)
    assert isinstance(other, k8s.Pod)
    assert type(one.spec) is k8s.PodSpec
    assert one.spec != other.spec
    assert one.spec.containers[0] is other.spec.containers[0]
    assert one.spec.containers[0].env is owner.spec.template.spec.containers[0].env


def test_null_is_none_where_none_may_be() -> None:
    web = deployment()
    web["spec"]["template"]["spec"] = {"containers": [{"name": "app"}]}
    (event, *_) = unify_events(Scene().see(web, at=0).events)
    document = msgspec.json.decode(encode(event))
    document["object"]["spec"]["selector"] = None
    container = document["object"]["spec"]["template"]["spec"]["containers"][0]
    container |= {"resources": None, "livenessProbe": None}
    assert SharingDecoder().decode(msgspec.json.encode(document)).object == event.object


def test_what_was_forgotten_is_read_again() -> None:
    decoder = SharingDecoder(kept=2)
    for event in [*events(), *events()]:
        assert fields(decoder.decode(encode(event))) == fields(event)


@pytest.mark.parametrize("document", [b"", b"[]", b"{", b'{"id": 1}', b"\xff"])
def test_what_is_no_event_is_refused(document: bytes) -> None:
    with pytest.raises(BadEventError, match="not a unified event"):
        SharingDecoder().decode(document)


@pytest.mark.parametrize("wrong", [{"kind": 7}, {"spec": None}, {"spec": {"containers": [7]}}, {"status": []}])
def test_a_state_of_the_wrong_type_is_refused(wrong: dict[str, object]) -> None:
    document = msgspec.json.decode(encode(next(one for one in events() if isinstance(one.object, k8s.Pod))))
    document["object"] |= wrong
    with pytest.raises(BadEventError, match="not a unified event"):
        SharingDecoder().decode(msgspec.json.encode(document))
