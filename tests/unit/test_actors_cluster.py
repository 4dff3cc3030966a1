"""What a start that fails says; a start that works is every demo's."""

import subprocess
from typing import NoReturn

import pytest
from ray._private.node import Node

from actors.cluster import coming_up, tried_again
from tapio.errors import Exit, UnreachableError

LATE = "The current node timed out during startup. This could happen ..."


@pytest.mark.parametrize(
    ("raised", "said"),
    [(Exception("timed out during startup.\nmore"), "timed out during startup."), (RuntimeError(), "RuntimeError")],
)
def test_a_start_that_fails_is_told_in_words(raised: Exception, said: str) -> None:
    with pytest.raises(UnreachableError) as told, coming_up("Ray"):
        raise raised
    assert told.value.message == f"Ray does not come up: {said}"
    assert "busy" in told.value.hint
    assert told.value.exit_code is Exit.UNREACHABLE


class Late(Node):
    """A node as Ray leaves it behind: one process, and nobody waits for it any more."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["sleep", "600"])

    def fails(self, said: str) -> NoReturn:
        raise Exception(said)  # noqa: TRY002  as Ray does

    def kill_all_processes(self, *_: object, **_how: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize(("said", "tries"), [(LATE, 2), ("the port is taken", 1)])
def test_a_start_that_came_too_late_is_tried_once_more_and_leaves_no_process(said: str, tries: int) -> None:
    nodes: list[Late] = []

    def start() -> None:
        nodes.append(Late())
        nodes[-1].fails(said)

    with pytest.raises(Exception, match=said[:20]):
        tried_again(start)
    assert [node.process.returncode for node in nodes] == [-9] * tries


def test_a_second_start_that_works_is_what_counts() -> None:
    outcomes = iter([LATE, ""])

    def start() -> str:
        if said := next(outcomes):
            raise Exception(said)  # noqa: TRY002  as Ray does
        return "up"

    assert tried_again(start) == "up"
