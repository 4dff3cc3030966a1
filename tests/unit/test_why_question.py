"""What a target means, and what is said when it means nothing or too much."""

import pytest

from tapio.errors import AmbiguousTargetError, UnknownTargetError, UsageError
from tapio.why import Question, parse_target, resolve
from tapio.why.question import Target, check_namespace
from tests.unit.why_graph import World, t


@pytest.mark.parametrize(
    ("text", "namespace", "target"),
    [
        ("pod/web", "", Target("Pod", "", "web")),
        ("po/web", "shop", Target("Pod", "shop", "web")),
        ("PODS/shop/web", "", Target("Pod", "shop", "web")),
        ("Pod/shop/web", "shop", Target("Pod", "shop", "web")),
        ("deploy/web", "", Target("Deployment", "", "web")),
        ("deployments.apps/web", "", Target("Deployment", "", "web")),
        ("svc/web", "", Target("Service", "", "web")),
        ("rs/web", "", Target("ReplicaSet", "", "web")),
        ("sts/web", "", Target("StatefulSet", "", "web")),
        ("ds/web", "", Target("DaemonSet", "", "web")),
        ("cj/web", "", Target("CronJob", "", "web")),
        ("cm/web", "", Target("ConfigMap", "", "web")),
        ("ep/web", "", Target("Endpoints", "", "web")),
        ("ingresses/web", "", Target("Ingress", "", "web")),
        ("netpol/web", "", Target("NetworkPolicy", "", "web")),
        ("networkpolicies/web", "", Target("NetworkPolicy", "", "web")),
        ("storageclasses/fast", "", Target("StorageClass", "", "fast")),
        ("pvc/data", "", Target("PersistentVolumeClaim", "", "data")),
        ("no/n1", "shop", Target("Node", "", "n1")),
        ("ns/shop", "", Target("Namespace", "", "shop")),
        ("Rollout/web", "", Target("Rollout", "", "web")),
    ],
)
def test_a_target_is_read_as_kubectl_reads_it(text: str, namespace: str, target: Target) -> None:
    assert parse_target(text, namespace) == target


@pytest.mark.parametrize("text", ["web", "", "pod/", "/web", "pod/a/b/c", "pod//web"])
def test_another_form_is_an_error_that_shows_the_right_one(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_target(text)
    assert "TYPE/NAME" in error.value.hint


def test_two_different_namespaces_are_an_error() -> None:
    with pytest.raises(UsageError, match="namespace shop"):
        parse_target("pod/shop/web", "pay")


def ask(world: World, target: str, *, namespace: str = "", uid: str = "") -> str:
    return resolve(Question(target=target, namespace=namespace, uid=uid), world.store(), t(10)).uid


def test_the_one_match_needs_no_namespace() -> None:
    assert ask(World().has("Pod/shop/web", uid="a"), "pod/web") == "a"


def test_several_namespaces_are_listed() -> None:
    world = World().has("Pod/shop/web").has("Pod/pay/web")
    with pytest.raises(AmbiguousTargetError) as error:
        ask(world, "pod/web")
    assert error.value.candidates == ("pod/pay/web", "pod/shop/web")


def test_the_namespace_chooses() -> None:
    world = World().has("Pod/shop/web", uid="a").has("Pod/pay/web", uid="b")
    assert ask(world, "pod/web", namespace="pay") == "b"


def test_what_is_gone_makes_nothing_ambiguous() -> None:
    world = World().has("Pod/shop/web", uid="a").has("Pod/pay/web", uid="b", until=5)
    assert ask(world, "pod/web") == "a"


def test_a_name_used_twice_means_the_newest() -> None:
    world = World().has("Pod/shop/web", uid="old", until=3).has("Pod/shop/web", uid="new", since=4)
    assert ask(world, "pod/web") == "new"
    assert ask(world, "pod/web", uid="old") == "old"


def test_a_uid_that_nobody_has_names_those_there_are() -> None:
    with pytest.raises(UnknownTargetError) as error:
        ask(World().has("Pod/shop/web", uid="a"), "pod/web", uid="z")
    assert error.value.near == ("a",)


@pytest.mark.parametrize("asked", ["pod/chekout-7f6c9", "pod/checkout", "pod/pay/checkout-7f6c9", "po/checkout-7f6c8"])
def test_an_unknown_name_shows_names_like_it(asked: str) -> None:
    world = World().has("Pod/shop/checkout-7f6c9").has("Pod/shop/zebra").has("Service/shop/chekout-7f6c9")
    with pytest.raises(UnknownTargetError) as error:
        ask(world, asked)
    assert error.value.near == ("pod/shop/checkout-7f6c9",)
    assert error.value.exit_code == 1


def test_an_unknown_kind_shows_kinds_like_it() -> None:
    with pytest.raises(UnknownTargetError, match="no kind is called 'deplyment'") as error:
        ask(World().has("Deployment/shop/web"), "deplyment/web")
    assert "deployment" in error.value.near


def test_near_names_are_of_other_kinds_where_its_own_has_none() -> None:
    world = World().has("Deployment/shop/checkout").has("Pod/shop/other")
    with pytest.raises(UnknownTargetError) as error:
        world.why("svc/checkout")
    assert error.value.near == ("deploy/shop/checkout",)


def test_a_kind_that_only_the_data_knows_is_found_by_its_words() -> None:
    world = World().has("Rollout/shop/web", uid="r")
    assert ask(world, "rollouts/web") == "r"
    with pytest.raises(UnknownTargetError) as error:
        ask(world, "rollout/wbe")
    assert error.value.near == ("rollout/shop/web",)


def test_what_came_later_is_not_known_yet() -> None:
    world = World().has("Pod/shop/web", since=20)
    with pytest.raises(UnknownTargetError):
        ask(world, "pod/web")


def test_a_namespace_is_known_by_what_lives_in_it() -> None:
    world = World().has("Pod/shop/web")
    assert resolve(Question(target="ns/shop"), world.store(), t(10)).key == ("Namespace", "", "shop")
    with pytest.raises(UnknownTargetError):
        ask(world, "ns/pay")


def test_an_unknown_name_repeats_no_namespace_that_was_asked_for_in_it() -> None:
    world = World().has("Pod/shop/web")
    with pytest.raises(UnknownTargetError, match=r"^no pod/shop/zzz is known$") as error:
        ask(world, "pod/shop/zzz")
    assert "worst incident" in error.value.hint
    with pytest.raises(UnknownTargetError, match=r"^no pod/zzz in namespace shop is known$"):
        ask(world, "pod/zzz", namespace="shop")


@pytest.mark.parametrize(("asked", "near"), [("user-shp", ("user-shop",)), ("zzz", ("bank", "user-shop"))])
def test_an_unknown_namespace_is_no_empty_one(asked: str, near: tuple[str, ...]) -> None:
    graph = World().has("Pod/user-shop/web").has("Namespace//bank").store()
    check_namespace("user-shop", graph, t(10))
    check_namespace("bank", graph, t(10))
    with pytest.raises(UnknownTargetError, match=f"no namespace {asked}") as error:
        check_namespace(asked, graph, t(10))
    assert error.value.near == near
