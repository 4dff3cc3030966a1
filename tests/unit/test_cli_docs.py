"""The generated page is current."""

from pathlib import Path

from tapio.cli.docs import raw_events


def test_the_page_of_raw_events_says_what_the_types_say() -> None:
    page = Path(__file__).parents[2] / "docs" / "raw-events.md"
    assert page.read_text(encoding="utf-8") == raw_events() + "\n", "run `make docs`"
