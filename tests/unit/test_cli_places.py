"""What an answer tells a person to run next asks the place that the answer came from."""

import pytest

from tapio.cli.places import Where


@pytest.mark.parametrize(
    ("where", "flags"),
    [
        (Where(), ""),
        (Where(file="my file.jsonl"), " -f 'my file.jsonl'"),
        (Where(server="http://127.0.0.1:8001"), " --server http://127.0.0.1:8001"),
        (Where(live=True, context="lab"), " --live --context lab"),
        (Where(file="a.gz", context="lab"), " -f a.gz"),
    ],
)
def test_flags_name_the_place_again(where: Where, flags: str) -> None:
    assert where.flags == flags
