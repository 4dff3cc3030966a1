"""The generated pages are current."""

from pathlib import Path

import pytest

from tapio.cli.docs import PAGES

FOLDER = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name]().rstrip() + "\n", "run `make docs`"
