"""Who is found under what, few or many."""

import pytest

from tapio.correlators.index import Index
from tapio.unified import ObjectKey


@pytest.mark.parametrize("count", [0, 1, 8, 9, 30])
def test_every_member_is_found_once(count: int) -> None:
    pods = [ObjectKey("Pod", "shop", f"web-{number}") for number in range(count)]
    index: Index[str] = Index()
    for pod in [*pods, *pods]:
        index.add("web", pod)
    index.add("other", ObjectKey("Pod", "shop", "other"))
    assert sorted(index.of("web")) == sorted(pods)
    assert list(index.of("unknown")) == []
