"""The fixtures `lab` and `lab_namespace`; a test that asks for them carries `@pytest.mark.lab`.

One that breaks a part of the cluster for others carries `@pytest.mark.alone` too: no other run's test meets it.
"""

import os
import re
import uuid
from collections.abc import Generator, Iterator
from functools import cache

import pytest

from tests.lab.build import expected
from tests.lab.cluster import Cluster, heal, is_up, up
from tests.lab.command import LabError
from tests.lab.lab import Lab
from tests.lab.layout import layout
from tests.lab.progress import say
from tests.lab.turns import turn


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test of the lab wait for its turn, and find the cluster whole."""
    if item.get_closest_marker("lab") is None or os.geteuid() != 0:
        return (yield)
    alone = item.get_closest_marker("alone") is not None
    with turn(alone=alone):
        _heal_once()
        answer = yield
        if alone:
            _heal()
        return answer


@cache
def _heal_once() -> None:
    """Before the first test: what is broken now, a killed run left so."""
    _heal()


def _heal() -> None:
    """What cannot be put right is for the tests to show."""
    try:
        heal(layout())
    except LabError as error:
        say(str(error))


@pytest.fixture(scope="session")
def lab() -> Lab:
    """Give the running lab; with TAPIO_LAB=1 start it, and leave it running.

    Where nobody asked for it a test that needs it skips; where somebody did, what keeps it from starting is a failure.
    """
    if os.environ.get("TAPIO_LAB") == "1":
        _start()
    elif not is_up(layout()):
        pytest.skip("the lab is not up: run `make lab-up` as root")
    running = Lab(Cluster(layout(), expected()))
    running.wait_for_names()
    return running


@pytest.fixture
def lab_namespace(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give a namespace of the test's own; its deletion goes on after the test."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{words}-{uuid.uuid4().hex[:6]}"
    lab.kubectl("create", "namespace", name)
    # Until the controllers have made these, pods are refused, and what they mount of the account is missing.
    lab.wait(lambda: lab.get("serviceaccount", "default", name), what=f"namespace {name} has its service account")
    lab.wait(lambda: lab.get("configmap", "kube-root-ca.crt", name), what=f"namespace {name} has its certificates")
    yield name
    lab.kubectl("delete", "namespace", name, "--wait=false")


def _start() -> None:
    problem = ""
    try:
        up(layout())
    except LabError as error:
        problem = str(error)
    if problem:
        pytest.fail(f"the lab was asked for (TAPIO_LAB=1) and does not start: {problem}", pytrace=False)
