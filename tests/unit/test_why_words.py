"""A question in words names one object, or a namespace; else it is not understood."""

import pytest

from tapio.errors import AmbiguousTargetError, UnknownTargetError
from tapio.why import Question
from tapio.why.words import understand
from tests.unit.why_graph import NOON, World


def meant(world: World, words: str, namespace: str = "") -> str:
    return understand(Question(target=words, namespace=namespace, at=NOON), world.store()).target


@pytest.fixture
def shop() -> World:
    world = World().has("Deployment/shop/web").has("Pod/shop/web-0").has("Pod/shop/db-0")
    return world.has("ServiceAccount/shop/default").has("ServiceAccount/bank/default").has("Pod/default/job-x")


@pytest.mark.parametrize(
    "words", ["why did the pods in shop crash?", "is anything broken in shop", "what is wrong in namespace shop"]
)
def test_a_namespace_is_asked_about_where_nothing_else_is_named(shop: World, words: str) -> None:
    assert meant(shop, words) == "ns/shop"


def test_accounts_that_are_called_as_their_namespace_do_not_hide_it(shop: World) -> None:
    assert meant(shop, "is anything broken in default?") == "ns/default"


def test_a_name_goes_before_the_namespace_it_is_in(shop: World) -> None:
    assert meant(shop, "why did pod db-0 in shop crash") == "pod/shop/db-0"
    assert meant(shop, "what is wrong with web in shop") == "deploy/shop/web"


def test_two_namespaces_are_no_answer(shop: World) -> None:
    with pytest.raises(UnknownTargetError, match="no name that is known"):
        meant(shop, "why do pods of shop not reach bank?")


def test_a_name_that_several_have_is_not_guessed(shop: World) -> None:
    with pytest.raises(AmbiguousTargetError):
        meant(shop.has("Deployment/bank/web"), "is web ok")


def test_a_namespace_that_is_said_tells_names_apart(shop: World) -> None:
    assert meant(shop.has("Deployment/bank/web"), "why did web crash in bank?") == "deploy/bank/web"
