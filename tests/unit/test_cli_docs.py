"""The generated pages are current."""

from pathlib import Path

import pytest

from tapio.cli.docs import PAGES
from tapio.cli.rbac import MANIFESTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name]().rstrip() + "\n", "run `make docs`"


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_rights_are_those_of_the_kinds_that_are_read(name: str) -> None:
    assert (ROOT / "deploy" / name).read_text(encoding="utf-8") == MANIFESTS[name](), "run `make docs`"
