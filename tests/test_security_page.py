"""The page about security: each promise names tests, and every one of them exists."""

import re
from pathlib import Path

import pytest
from tests.test_spec_coverage import TEST, named, names_in

from vestibule.settings import reference

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "guide" / "security.md").read_text(encoding="utf-8")
PROMISES = PAGE.partition("## What Vestibule promises")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PROMISES.splitlines()
    if line.startswith("|") and "`" in line
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_promise_is_shown_by_tests_that_exist(row: list[str]) -> None:
    promise, tests = row
    assert promise.endswith(".")
    assert named(tests)
    for name in named(tests):
        match = TEST.fullmatch(name)
        assert match, name
        assert match[2] in names_in(match[1]), name


def test_there_are_promises() -> None:
    assert len(ROWS) >= 15


def test_every_key_with_a_risk_is_among_the_weaker_choices() -> None:
    """What the reference calls a risk, the page names."""
    text = reference.configuration() + reference.environment()
    risky = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `") and "*Risk:*" in line}
    weaker = PAGE.partition("## Weaker choices")[2].partition("\n## ")[0]
    told = {word for span in re.findall(r"`([^`]*)`", PAGE) for word in re.findall(r"\w+", span)}
    assert len(risky) >= 8
    assert weaker
    assert risky - told == set()
