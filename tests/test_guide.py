"""The pages for people: no page is unfinished, and the table of usual refusals names codes that there are."""

import re
from pathlib import Path

import pytest
from tests.flows.test_inspect import codes

from vestibule.flows import hints

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")),
]
UNFINISHED = re.compile(r"\b(DRAFT|TODO|TBD)\b")
TABLE = (
    (ROOT / "docs" / "guide" / "connections.md")
    .read_text(encoding="utf-8")
    .partition("## When something is refused")[2]
    .partition("\n#")[0]
)
NAMED = [
    code
    for line in TABLE.splitlines()
    if line.startswith("| `")
    for code in re.findall(r"`([^`]*)`", line.split("|")[1])
]  # fmt: skip
AT_THE_DOOR = {"login.other_browser", "login.other_host"}
"""Raised before a response is read."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_is_unfinished(page: Path) -> None:
    """None of the words that mark what is still to be written."""
    text = page.read_text(encoding="utf-8")
    assert text
    assert UNFINISHED.findall(text) == []


def test_unfinished_pages_would_be_found() -> None:
    assert len(PAGES) > 12
    assert UNFINISHED.findall("# DRAFT\nTODO: more (TBD)") == ["DRAFT", "TODO", "TBD"]


def test_the_usual_refusals_are_told_once_each() -> None:
    assert len(NAMED) >= 24
    assert len(set(NAMED)) == len(NAMED)


@pytest.mark.parametrize("code", NAMED)
def test_a_usual_refusal_is_one_that_is_raised_and_that_has_a_hint(code: str) -> None:
    """By its whole code: a hint by a shorter one would fit what nobody raises."""
    assert code in codes() | AT_THE_DOOR
    assert code in hints.HINTS
