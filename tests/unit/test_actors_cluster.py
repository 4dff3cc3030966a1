"""What a start that fails says; a start that works is every demo's."""

import pytest

from actors.cluster import coming_up
from tapio.errors import Exit, UnreachableError


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
